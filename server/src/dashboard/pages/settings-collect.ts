import { DAY_MS, utcDay } from '../../clock.ts';
import { leavesOutCountry, leavesOutPage, readExclusions } from '../../exclusions.ts';
import { newSiteKey } from '../../keys.ts';
import { tryHosts } from '../../ledger.ts';
import {
  type Exclusions,
  type Filter,
  type HostRules,
  RegistryConflict,
  type Scope,
} from '../../store/store.ts';
import { EXTRA_HOSTS_MAX, readHost } from '../hosts-form.ts';
import { NotFound, type SiteVisit } from '../parts.ts';
import type { ExclusionsRun, HostsRun } from '../views/settings-parts.tsx';
import type { Router } from './route.ts';
import { settingsAnswers, settingsPath } from './settings-page.ts';

/** Days that a dry run judges. */
const DRY_RUN_DAYS = 7;
/** Pages, or countries, that a dry run looks at: those with most visitors. */
const DRY_RUN_ROWS = 1_000;

/** What the collector goes by: hosts, keys, exclusions. */
export function collectingPages(router: Router): void {
  const { parts } = router;
  const { registry, events } = parts.store;
  const { page, wrong, done } = settingsAnswers(parts);

  router.site('POST', settingsPath('/hosts'), 'configure', async (visit) => {
    const rules = readRules(visit.form);
    if (typeof rules === 'string') return wrong(visit, 'hosts', rules);
    if (visit.form.get('do') === 'preview')
      return page(visit, { dryRun: { rules, ...(await dryRun(visit, rules)) } });
    await registry.setHostRules(visit.site.id, rules);
    return done(visit, 'hosts');
  });

  const dryRun = async ({ site }: SiteVisit, rules: HostRules): Promise<Omit<HostsRun, 'rules'>> => {
    const lastDay = utcDay(parts.clock.now());
    const lines = await events.ledger(site.id, { firstDay: lastDay - DRY_RUN_DAYS + 1, lastDay });
    return { days: DRY_RUN_DAYS, ...tryHosts(lines, { domain: site.domain, ...rules }) };
  };

  router.site('POST', settingsPath('/keys'), 'configure', async (visit) => {
    try {
      await registry.addSiteKey(visit.site.id, newSiteKey(), parts.clock.now());
    } catch (error) {
      if (error instanceof RegistryConflict) return wrong(visit, 'keys', error.message);
      throw error;
    }
    return done(visit, 'rotated');
  });

  router.site('POST', settingsPath('/keys/retire'), 'configure', async (visit) => {
    const key = visit.form.get('key') ?? '';
    const own = (await registry.siteKeysOf(visit.site.id)).some((siteKey) => siteKey.key === key);
    if (!own) throw new NotFound();
    try {
      await registry.retireSiteKey(key);
    } catch (error) {
      if (error instanceof RegistryConflict) return wrong(visit, 'keys', error.message);
      throw error;
    }
    return done(visit, 'retired');
  });

  router.site('POST', settingsPath('/exclusions'), 'configure', async (visit) => {
    const typedExclusions = {
      pages: visit.form.get('excluded-pages') ?? '',
      countries: visit.form.get('excluded-countries') ?? '',
    };
    const exclusions = readExclusions(typedExclusions);
    if (typeof exclusions === 'string') return wrong(visit, 'exclusions', exclusions, { typedExclusions });
    if (visit.form.get('do') === 'preview')
      return page(visit, { typedExclusions, exclusionsRun: await exclusionsRun(visit, exclusions) });
    await registry.setExclusions(visit.site.id, exclusions);
    return done(visit, 'exclusions');
  });

  /** What exclusions would have left out of the numbers there are. */
  const exclusionsRun = async ({ site }: SiteVisit, wished: Exclusions | null): Promise<ExclusionsRun> => {
    const { reports } = parts.store;
    const now = parts.clock.now();
    const scope: Scope = { siteId: site.id, fromMs: now - DRY_RUN_DAYS * DAY_MS, toMs: now + 1, filters: [] };
    const left = wished ?? { pages: [], countries: [] };
    const valuesOf = async (by: 'page' | 'country', isOut: (value: string) => boolean): Promise<string[]> =>
      (await reports.breakdown(scope, by, { limit: DRY_RUN_ROWS })).rows.flatMap(({ value }) =>
        value !== null && isOut(value) ? [value] : [],
      );
    const pages = await valuesOf('page', (path) => leavesOutPage(left, path));
    const countries = await valuesOf('country', (code) => leavesOutCountry(left, code));
    const without = (
      [
        ['page', pages],
        ['country', countries],
      ] as const
    ).flatMap(([by, values]): Filter[] => (values.length === 0 ? [] : [{ by, values, negated: true }]));
    const counted = (await reports.totals(scope)).events;
    const kept = (await reports.totals({ ...scope, filters: without })).events;
    return { days: DRY_RUN_DAYS, counted, leftOut: counted - kept, pages, countries };
  };
}

/** The host rules of a form, or what is wrong with them. */
function readRules(form: URLSearchParams): HostRules | string {
  const typed = (form.get('hosts') ?? '').split(/[\s,]+/).filter((text) => text !== '');
  if (typed.length > EXTRA_HOSTS_MAX) return `At most ${EXTRA_HOSTS_MAX} hosts.`;
  const hosts: string[] = [];
  for (const text of typed) {
    const host = readHost(text);
    if (host === null)
      return `“${text.slice(0, 100)}” is no host. It looks like shop.example.com or *.example.com.`;
    hosts.push(host);
  }
  return { allowSubdomains: form.get('subdomains') === 'on', extraHosts: [...new Set(hosts)] };
}
