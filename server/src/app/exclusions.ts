import { DAY_MS } from '../domain/clock.ts';
import {
  type AllExclusions,
  allExclusions,
  EXCLUSION_LISTS,
  type ExclusionList,
  ExclusionRules,
  type Exclusions,
  readExclusions,
  type TypedExclusions,
} from '../domain/exclusions.ts';
import { isOwnHost } from '../domain/host-policy.ts';
import { shownDomain, shownHost } from '../domain/hosts.ts';
import { ownNetwork } from '../domain/networks.ts';
import type { RefusalReason } from '../domain/outcomes.ts';
import { displayPage, storedPage, withoutTrailingSlash } from '../domain/page-path.ts';
import type { AskedReports, Site, SiteSpan, StoredEvent } from '../store/contract/store.ts';
import { noteChange } from './annotations.ts';
import { type Context, DRY_RUN_DAYS } from './context.ts';
import { changedSite, findSite } from './sites.ts';
import { refusal, type UseCaseCode } from './use-case-error.ts';

/** Use cases of exclusions: traffic that a site does not count. */

/** The error of each list. */
const ERRORS = {
  pages: 'INVALID_EXCLUDED_PAGES',
  countries: 'INVALID_EXCLUDED_COUNTRIES',
  addresses: 'INVALID_EXCLUDED_ADDRESSES',
  referrers: 'INVALID_EXCLUDED_REFERRERS',
  hosts: 'INVALID_EXCLUDED_HOSTS',
  agents: 'INVALID_EXCLUDED_AGENTS',
} as const satisfies Record<ExclusionList, UseCaseCode>;

/** Returns the list that an error is about; null if it is about something else. */
export function listOfError(code: UseCaseCode): ExclusionList | null {
  return EXCLUSION_LISTS.find((list) => ERRORS[list] === code) ?? null;
}

/** Reads exclusions as typed. @throws UseCaseError with the code of the first list that has an invalid entry */
function read(typed: TypedExclusions): Exclusions | null {
  for (const list of EXCLUSION_LISTS) {
    const found = readExclusions({ [list]: typed[list] ?? [] });
    if (typeof found === 'string') throw refusal(ERRORS[list], found);
  }
  const exclusions = readExclusions(typed);
  if (typeof exclusions === 'string') throw new Error(exclusions); // every list was read above
  return exclusions;
}

/** Returns all exclusions of a site with some of them replaced. */
export function changedExclusions(site: Site, change: TypedExclusions): TypedExclusions {
  return { ...allExclusions(site.exclusions), ...change };
}

/** The names of the exclusions in notes. */
const NAMES: Readonly<Record<keyof AllExclusions, string>> = {
  ...{ pages: 'pages', countries: 'countries', addresses: 'IP addresses', referrers: 'referrers' },
  ...{ hosts: 'hosts', agents: 'user agents', referrerSpam: 'referrer spam', dataCenters: 'data centers' },
};

/**
 * Sets the exclusions of a site. A note in its reports says what kinds of them changed.
 *
 * @throws UseCaseError `INVALID_EXCLUDED_…` for an invalid entry of a list, `SITE_NOT_FOUND`
 */
export async function setExclusions(
  context: Pick<Context, 'registry' | 'clock'>,
  siteId: string,
  typed: TypedExclusions,
): Promise<Site> {
  const exclusions = read(typed);
  const before = allExclusions((await findSite(context, siteId)).exclusions);
  const site = await changedSite(siteId, context.registry.setExclusions(siteId, exclusions));
  const after = allExclusions(site.exclusions);
  const changed = Object.entries(NAMES).flatMap(([kind, name]) => {
    const [was, is] = [before, after].map((all) => JSON.stringify(all[kind as keyof AllExclusions]));
    return was === is ? [] : [name];
  });
  if (changed.length > 0) await noteChange(context, site, `Exclusions changed: ${changed.join(', ')}`);
  return site;
}

/**
 * Adds the network of an address to the exclusions of a site (see `ownNetwork`).
 *
 * @throws UseCaseError `INVALID_EXCLUDED_ADDRESSES` if it is not an address or the list is full, `SITE_NOT_FOUND`
 */
export async function excludeAddress(
  context: Pick<Context, 'registry' | 'clock'>,
  site: Site,
  address: string,
): Promise<Site> {
  const { addresses } = allExclusions(site.exclusions);
  const added = [...addresses, ownNetwork(address) ?? address];
  return setExclusions(context, site.id, changedExclusions(site, { addresses: added }));
}

/** The counted events that exclusions would have refused. */
export interface ExclusionsDryRun {
  days: number;
  /** The number of counted events that were judged. */
  counted: number;
  /** The number of them that would have been refused. */
  leftOut: number;
  /** The number of refused events by reason. */
  reasons: Partial<Record<(typeof REASONS)[number], number>>;
  /** What was refused: pages, countries, hosts and referrers, each kind with the most frequent first. */
  values: readonly string[];
  /** The rules that cannot be tested, because what they compare is never stored. */
  unknown: readonly UnknownRule[];
  /** Whether the client that asks would be refused from now on; null if no client asks. */
  own: { address: boolean; agent: boolean } | null;
  /** The time from which events were judged, if there were more than `DRY_RUN_EVENTS_MAX`; else null. */
  sinceMs: number | null;
}

/** A rule about what is not stored with events, as the API and the command line call it. */
export type UnknownRule = 'addresses' | 'user_agents' | 'data_centers';

/** The most events that a dry run judges, newest first. It reads them one by one, which takes seconds for that many. */
export const DRY_RUN_EVENTS_MAX = 250_000;
/** The number of events that are read at once. Archived days are searched for each of these pages. */
const EVENTS_AT_ONCE = 4_000;

/**
 * Tests exclusions on the counted events of the last days, without changing anything. Every event is judged by the rules that the
 * collector applies.
 *
 * @returns the exclusions as they would be saved, and their effect
 * @param client the client that asks; null on the command line
 * @throws UseCaseError `INVALID_EXCLUDED_…`
 */
export async function dryRunExclusions(
  { reports, clock }: Pick<Context, 'clock'> & { reports: Pick<AskedReports, 'listActivity'> },
  site: Site,
  typed: TypedExclusions,
  client: { address: string; userAgent: string } | null,
): Promise<{ exclusions: Exclusions | null; run: ExclusionsDryRun }> {
  const exclusions = read(typed);
  const rules = new ExclusionRules(exclusions, site);
  const now = clock.now();
  const scope = { siteId: site.id, fromMs: now - DRY_RUN_DAYS * DAY_MS, toMs: now + 1 };
  const tally = new Tally();
  let sinceMs: number | null = null;
  for await (const events of eventsOf(reports, scope)) {
    for (const event of events) tally.add(judge(rules, site, event));
    if (tally.counted < DRY_RUN_EVENTS_MAX) continue;
    sinceMs = events.at(-1)?.receivedAtMs ?? null;
    break;
  }
  const own = client && {
    address: rules.excludesAddress(client.address),
    agent: rules.excludesAgent(client.userAgent),
  };
  const run = { days: DRY_RUN_DAYS, ...tally.sums(), unknown: unknownRules(exclusions), own, sinceMs };
  return { exclusions, run };
}

/** Reads the events of a span, newest first, page by page. */
async function* eventsOf(
  reports: Pick<AskedReports, 'listActivity'>,
  scope: SiteSpan,
): AsyncGenerator<StoredEvent[]> {
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const options = { type: 'event', limit: EVENTS_AT_ONCE } as const;
    const page = await reports.listActivity(scope, cursor === undefined ? options : { ...options, cursor });
    yield page.items.flatMap((item) => (item.type === 'event' ? [item.event] : []));
    cursor = page.nextCursor;
  }
}

/** Why an event would have been refused, and the value that the rule is about. */
interface Verdict {
  reason: RefusalReason;
  value: string;
}

/** Judges a stored event. @returns null if it would have been counted */
function judge(rules: ExclusionRules, site: Site, event: StoredEvent): Verdict | null {
  const { host, path, country } = event;
  const referrerHost = externalHost(site, event);
  // Pages that were counted before spellings were normalized are stored as the browser sent them.
  const reason = rules.reasonFor({ host, path: merged(site, storedPage(path)), referrerHost });
  switch (reason) {
    case null:
      return rules.excludesCountry(country) ? { reason: 'excluded-country', value: country ?? '' } : null;
    case 'excluded-host':
      return { reason, value: shownDomain(host) };
    case 'excluded-page':
      return { reason, value: displayPage(path) };
    default:
      return { reason, value: shownHost(referrerHost ?? '') };
  }
}

function merged({ mergeTrailingSlashes }: Site, page: string): string {
  return mergeTrailingSlashes ? withoutTrailingSlash(page) : page;
}

/** Returns the host of an event's referrer; null if there is none, or it belongs to the site. */
function externalHost(site: Site, { referrer }: StoredEvent): string | null {
  if (referrer === null) return null;
  const [from = ''] = referrer.split('/', 1);
  return isOwnHost(site, from) ? null : from;
}

/** The reasons of a dry run, in the order in which their values are listed. */
const REASONS = [
  ...(['excluded-page', 'excluded-country', 'excluded-host', 'excluded-referrer'] as const),
  'referrer-spam',
] as const;

/** Counts verdicts by reason and value. */
class Tally {
  counted = 0;
  readonly #byReason = new Map<RefusalReason, Map<string, number>>();

  add(verdict: Verdict | null): void {
    this.counted++;
    if (verdict === null) return;
    const { reason, value } = verdict;
    const values = this.#byReason.get(reason) ?? new Map<string, number>();
    values.set(value, (values.get(value) ?? 0) + 1);
    this.#byReason.set(reason, values);
  }

  sums(): Pick<ExclusionsDryRun, 'counted' | 'leftOut' | 'reasons' | 'values'> {
    const reasons: ExclusionsDryRun['reasons'] = {};
    const found: string[] = [];
    let leftOut = 0;
    for (const reason of REASONS) {
      const values = [...(this.#byReason.get(reason) ?? [])].sort((a, b) => b[1] - a[1]);
      if (values.length === 0) continue;
      const count = values.reduce((sum, [, events]) => sum + events, 0);
      reasons[reason] = count;
      leftOut += count;
      found.push(...values.map(([value]) => value));
    }
    return { counted: this.counted, leftOut, reasons, values: found };
  }
}

function unknownRules(exclusions: Exclusions | null): UnknownRule[] {
  const all = allExclusions(exclusions);
  return [
    ...(all.addresses.length > 0 ? (['addresses'] as const) : []),
    ...(all.agents.length > 0 ? (['user_agents'] as const) : []),
    ...(all.dataCenters ? (['data_centers'] as const) : []),
  ];
}
