import { DAY_MS } from '../domain/clock.ts';
import { type Exclusions, isCountryExcluded, isPageExcluded, readExclusions } from '../domain/exclusions.ts';
import type { Filter, Reports, Scope, Site } from '../store/contract/store.ts';
import { type Context, DRY_RUN_DAYS } from './context.ts';
import { changedSite } from './sites.ts';
import { refusal } from './use-case-error.ts';

/** Use cases of exclusions: pages and countries that a site does not count. */

/** The maximum number of pages, and of countries, that a dry run examines: those with the most visitors. */
const DRY_RUN_ROWS = 1_000;

export interface TypedExclusions {
  pages: string;
  countries: string;
}

function read(typed: TypedExclusions): Exclusions | null {
  const pages = readExclusions({ pages: typed.pages, countries: '' });
  if (typeof pages === 'string') throw refusal('INVALID_EXCLUDED_PAGES', pages);
  const exclusions = readExclusions(typed);
  if (typeof exclusions === 'string') throw refusal('INVALID_EXCLUDED_COUNTRIES', exclusions);
  return exclusions;
}

/**
 * Sets the exclusions of a site.
 *
 * @throws UseCaseError `INVALID_EXCLUDED_PAGES`, `INVALID_EXCLUDED_COUNTRIES`, `SITE_NOT_FOUND`
 */
export async function setExclusions(
  { registry }: Pick<Context, 'registry'>,
  siteId: string,
  typed: TypedExclusions,
): Promise<Site> {
  return changedSite(siteId, registry.setExclusions(siteId, read(typed)));
}

/** The counted events that exclusions would have refused. */
export interface ExclusionsDryRun {
  days: number;
  counted: number;
  leftOut: number;
  pages: readonly string[];
  countries: readonly string[];
}

/**
 * Tests exclusions on the counted events of the last days, without changing anything.
 *
 * @throws UseCaseError `INVALID_EXCLUDED_PAGES`, `INVALID_EXCLUDED_COUNTRIES`
 */
export async function dryRunExclusions(
  { reports, clock }: Pick<Context, 'clock'> & { reports: Pick<Reports, 'breakdown' | 'totals'> },
  site: Site,
  typed: TypedExclusions,
): Promise<ExclusionsDryRun> {
  const left = read(typed) ?? { pages: [], countries: [] };
  const now = clock.now();
  const scope: Scope = { siteId: site.id, fromMs: now - DRY_RUN_DAYS * DAY_MS, toMs: now + 1, filters: [] };
  const valuesOf = async (by: 'page' | 'country', isOut: (value: string) => boolean): Promise<string[]> =>
    (await reports.breakdown(scope, by, { limit: DRY_RUN_ROWS })).rows.flatMap(({ value }) =>
      value !== null && isOut(value) ? [value] : [],
    );
  const pages = await valuesOf('page', (path) => isPageExcluded(left, path));
  const countries = await valuesOf('country', (code) => isCountryExcluded(left, code));
  const without = (
    [
      ['page', pages],
      ['country', countries],
    ] as const
  ).flatMap(([by, values]): Filter[] => (values.length === 0 ? [] : [{ by, values, negated: true }]));
  const counted = (await reports.totals(scope)).events;
  const kept = (await reports.totals({ ...scope, filters: without })).events;
  return { days: DRY_RUN_DAYS, counted, leftOut: counted - kept, pages, countries };
}
