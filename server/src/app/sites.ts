import type { Clock } from '../domain/clock.ts';
import { readDomain, shownDomain } from '../domain/hosts.ts';
import { newSiteId, newSiteKey } from '../domain/keys.ts';
import { billingMonth, PLAN_TITLES, PLANS } from '../domain/plans.ts';
import type { Account, Events, Registry, Site } from '../store/contract/store.ts';
import type { Context } from './context.ts';
import { shortened } from './inputs.ts';
import { refusal, refusingConflicts } from './use-case-error.ts';

/** Use cases of sites: add, list and remove. */

/**
 * Adds a site to an account, within the limit of its plan.
 *
 * @param typed the domain as a person types it
 * @throws UseCaseError `INVALID_DOMAIN`, `DOMAIN_TAKEN`, `SITE_LIMIT_REACHED`
 */
export async function addSite(
  { registry, clock, record }: Context,
  account: Account,
  typed: string,
): Promise<Site> {
  const domain = readDomain(typed);
  if (domain === null) throw refusal('INVALID_DOMAIN', shortened(typed.trim()), 'example.com');
  const limit = PLANS[account.plan].sites;
  const site = await refusingConflicts(
    registry.createSite(
      { id: newSiteId(), accountId: account.id, domain, key: newSiteKey(), createdAtMs: clock.now() },
      limit,
    ),
    {
      'domain-taken': () => refusal('DOMAIN_TAKEN', shownDomain(domain)),
      'site-limit': () =>
        refusal('SITE_LIMIT_REACHED', shownDomain(domain), limit ?? 0, PLAN_TITLES[account.plan]),
    },
  );
  await record({ accountId: account.id, event: 'site-added', details: { site: domain } });
  return site;
}

/** Lists the sites that an account can see: its own first, then those of others, at most `limit`. */
export async function sitesSeenBy(
  { registry }: { registry: Pick<Registry, 'sitesOf' | 'membershipsOf' | 'siteById'> },
  account: Account,
  limit = Number.POSITIVE_INFINITY,
): Promise<Site[]> {
  const own = (await registry.sitesOf(account.id)).slice(0, limit);
  const memberships = own.length < limit ? await registry.membershipsOf(account.id) : [];
  const foreign = await Promise.all(
    memberships.slice(0, limit - own.length).map(({ siteId }) => registry.siteById(siteId)),
  );
  return [...own, ...foreign.filter((site) => site !== null)];
}

/** Finds a site by its id. @throws UseCaseError `SITE_NOT_FOUND` */
export async function findSite({ registry }: Pick<Context, 'registry'>, id: string): Promise<Site> {
  const site = await registry.siteById(id);
  if (site === null) throw refusal('SITE_NOT_FOUND', id);
  return site;
}

/** Goes through all sites, some at a time, as `sitesAfter` lists them. */
export async function* allSites(
  { registry }: { registry: Pick<Registry, 'sitesAfter'> },
  options?: { ownRetention: boolean },
): AsyncGenerator<Site[]> {
  for (let last: string | null | undefined = null; last !== undefined; ) {
    const sites = await registry.sitesAfter(last, options);
    last = sites.at(-1)?.id;
    if (last !== undefined) yield sites;
  }
}

/** Returns a site that the registry has changed. @throws UseCaseError `SITE_NOT_FOUND` if it does not exist */
export async function changedSite(id: string, change: Promise<Site | null>): Promise<Site> {
  const site = await change;
  if (site === null) throw refusal('SITE_NOT_FOUND', id);
  return site;
}

/** Removes a site and its events. */
export async function removeSite(
  { registry, record, events }: Pick<Context, 'registry' | 'record'> & { events: Pick<Events, 'remove'> },
  { id, accountId, domain }: Site,
): Promise<void> {
  await registry.removeSite(id);
  await record({ accountId, event: 'site-removed', details: { site: domain } });
  await events.remove(id);
}

/** A site as the API and the command line show it. */
export interface SiteItem {
  id: string;
  domain: string;
  key: string;
  /** Events received in the account's current billing month. */
  events_this_month: number;
  /** The creation time (ISO 8601, UTC). */
  created_at: string;
}

/** Counts the events of an account's sites in its current billing month, from counters only. @returns the counts by site id */
function countMonth(
  events: Pick<Events, 'countBySite'>,
  sites: readonly Site[],
  account: Account,
  nowMs: number,
): Promise<ReadonlyMap<string, number>> {
  return events.countBySite(
    sites.map(({ id }) => id),
    billingMonth(nowMs, account.billingAnchorDay),
  );
}

/** Counts the events of any accounts' sites, in the current billing month of each owner. @returns the counts by site id */
export async function countMonthOfOwners(
  { registry, events }: { registry: Pick<Registry, 'accountById'>; events: Pick<Events, 'countBySite'> },
  sites: readonly Site[],
  nowMs: number,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const [accountId, own] of Map.groupBy(sites, (site) => site.accountId)) {
    const owner = await registry.accountById(accountId);
    if (owner === null) continue;
    for (const [siteId, count] of await countMonth(events, own, owner, nowMs)) counts.set(siteId, count);
  }
  return counts;
}

/** Adds the events of the account's current billing month to sites. */
export async function withCounts(
  events: Pick<Events, 'countBySite'>,
  sites: readonly Site[],
  account: Account,
  nowMs: number,
): Promise<SiteItem[]> {
  const counts = await countMonth(events, sites, account, nowMs);
  return sites.map(({ id, domain, key, createdAtMs }) => ({
    id,
    domain,
    key,
    events_this_month: counts.get(id) ?? 0,
    created_at: new Date(createdAtMs).toISOString(),
  }));
}

/** Lists the account's sites, oldest first, with their counts. The cost depends only on the number of sites. */
export async function listSites(
  { registry, events }: { registry: Pick<Registry, 'sitesOf'>; events: Pick<Events, 'countBySite'> },
  account: Account,
  clock: Clock,
): Promise<{ sites: SiteItem[] }> {
  return { sites: await withCounts(events, await registry.sitesOf(account.id), account, clock.now()) };
}
