import { type Static, Type } from 'typebox';
import type { Clock } from '../clock.ts';
import { billingMonth } from '../plans.ts';
import type { Account, Events, Registry, Site } from '../store/store.ts';
import { reaches } from './auth.ts';
import { accountEndpoint } from './endpoint.ts';
import { Count } from './schema-parts.ts';

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

/** Sites as the API shows them, each with the events of the account's current billing month. Reads counters, never events. */
export async function withCounts(
  events: Counting,
  sites: readonly Site[],
  account: Account,
  clock: Clock,
): Promise<SiteItem[]> {
  const month = billingMonth(clock.now(), account.billingAnchorDay);
  const counts = await events.countBySite(
    sites.map((site) => site.id),
    month,
  );
  return sites.map((site) => itemOf(site, counts.get(site.id) ?? 0));
}

/** The items made last, so that one whose count has not changed is not made again. */
const items = new WeakMap<Site, SiteItem>();

function itemOf(site: Site, count: number): SiteItem {
  const known = items.get(site);
  if (known?.events_this_month === count) return known;
  const item: SiteItem = {
    id: site.id,
    domain: site.domain,
    key: site.key,
    events_this_month: count,
    created_at: new Date(site.createdAtMs).toISOString(),
  };
  items.set(site, item);
  return item;
}

/** The lists made last: the same one again has been written and tagged already (`sendJson`). */
const lists = new WeakMap<readonly Site[], SiteList>();

function listOf(sites: readonly Site[], found: SiteItem[]): SiteList {
  const known = lists.get(sites);
  if (known?.sites.every((item, i) => item === found[i])) return known;
  const list = { sites: found };
  lists.set(sites, list);
  return list;
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
  async run({ store, account, key, clock }) {
    const all = await store.registry.sitesOf(account.id);
    // The registry answers with the same list while nothing of it changes.
    if (key.siteIds === null) return listOf(all, await withCounts(store.events, all, account, clock));
    const reached = all.filter((site) => reaches(key, site.id));
    return { sites: await withCounts(store.events, reached, account, clock) };
  },
});
