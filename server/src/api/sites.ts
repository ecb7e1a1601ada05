import { type Static, Type } from 'typebox';
import type { Clock } from '../clock.ts';
import { billingMonth } from '../plans.ts';
import type { Account, Events, Registry, Site } from '../store/store.ts';
import { accountEndpoint } from './endpoint.ts';
import { tagged } from './etag.ts';
import { Count } from './schema-parts.ts';
import { ListText } from './sites-text.ts';

export const SITE_ITEM = {
  id: Type.String({
    description: 'Unique site identifier. Use this in other API endpoints.',
    examples: ['site_abc123'],
  }),
  domain: Type.String({
    description: 'The website domain (e.g., "example.com").',
    examples: ['example.com'],
  }),
  key: Type.String({
    description: 'Site tracking key for the client-side script.',
    examples: ['ak_xyz789'],
  }),
  events_this_month: Count('Total events tracked in the current billing month.', 4_523),
  created_at: Type.String({
    format: 'date-time',
    description: 'ISO 8601 timestamp when the site was added.',
    examples: ['2024-01-15T10:30:00.000Z'],
  }),
};
export const SiteItem = Type.Object(SITE_ITEM);
export type SiteItem = Static<typeof SiteItem>;

export const SiteList = Type.Object({ sites: Type.Array(SiteItem, { description: 'Oldest first.' }) });
export type SiteList = Static<typeof SiteList>;

type Counting = Pick<Events, 'countBySite'>;
type Counts = ReadonlyMap<string, number>;

/** Sites as the API shows them, each with the events of the account's current billing month. Reads counters, never events. */
export async function withCounts(
  events: Counting,
  sites: readonly Site[],
  account: Account,
  clock: Clock,
): Promise<SiteItem[]> {
  return itemsOf(sites, await countsOf(events, sites, account, clock));
}

/**
 * The account's sites, oldest first, each with the events of the current billing month. The cost grows with the sites in the
 * answer and nothing else.
 */
export async function listSites(
  { registry, events }: { registry: Pick<Registry, 'sitesOf'>; events: Counting },
  account: Account,
  clock: Clock,
): Promise<SiteList> {
  return { sites: await withCounts(events, await registry.sitesOf(account.id), account, clock) };
}

export const sites = accountEndpoint({
  name: 'sites',
  path: '/v1/sites',
  summary: 'List all sites',
  description:
    'Every site of the account that the API key reaches, oldest first, with its tracking key and the events of the current billing month.',
  query: Type.Object({}),
  ignoresQuery: true,
  answer: SiteList,
  errors: [],
  rows: 'sites',
  async run({ store, account, clock, sites: ask }) {
    const sites = await ask();
    return listOf(sites, await countsOf(store.events, sites, account, clock));
  },
  write: (list) => texts.get(list) ?? tagged(JSON.stringify(list)),
});

async function countsOf(
  events: Counting,
  sites: readonly Site[],
  account: Account,
  clock: Clock,
): Promise<Counts> {
  return events.countBySite(idsOf(sites), billingMonth(clock.now(), account.billingAnchorDay));
}

// Lists of sites are the very same as long as nothing in the registry changes, and their counts likewise. So what is made of
// them is kept beside them, and goes when they go.

const ids = new WeakMap<readonly Site[], readonly string[]>();

function idsOf(sites: readonly Site[]): readonly string[] {
  const known = ids.get(sites) ?? sites.map(({ id }) => id);
  ids.set(sites, known);
  return known;
}

/** From as many sites on, a list of which some counts changed is written by exchanging them. */
const EXCHANGED_FROM_SITES = 200;

const lists = new WeakMap<readonly Site[], { counts: Counts; list: SiteList }>();
const texts = new WeakMap<SiteList, ListText>();

/** The list made last, where it stands: it has been written and tagged already. Else one with other counts. */
function listOf(sites: readonly Site[], counts: Counts): SiteList {
  const last = lists.get(sites);
  if (last?.counts === counts) return last.list;
  const list = last === undefined ? newList(sites, counts) : withOtherCounts(last.list, counts);
  lists.set(sites, { counts, list });
  return list;
}

function newList(sites: readonly Site[], counts: Counts): SiteList {
  const list = { sites: itemsOf(sites, counts) };
  if (sites.length >= EXCHANGED_FROM_SITES) texts.set(list, ListText.of(list.sites));
  return list;
}

function withOtherCounts(list: SiteList, counts: Counts): SiteList {
  const items = [...list.sites];
  const changed = new Map<number, number>();
  for (const [i, item] of list.sites.entries()) {
    const count = counts.get(item.id) ?? 0;
    if (item.events_this_month === count) continue;
    items[i] = { ...item, events_this_month: count };
    changed.set(i, count);
  }
  if (changed.size === 0) return list;
  const other = { sites: items };
  const text = texts.get(list)?.with(changed);
  if (text !== undefined) texts.set(other, text);
  return other;
}

function itemsOf(sites: readonly Site[], counts: Counts): SiteItem[] {
  return sites.map(({ id, domain, key, createdAtMs }) => ({
    id,
    domain,
    key,
    events_this_month: counts.get(id) ?? 0,
    created_at: new Date(createdAtMs).toISOString(),
  }));
}
