import { type Static, Type } from 'typebox';
import type { Clock } from '../clock.ts';
import { billingMonth } from '../plans.ts';
import type { Account, Events, Registry } from '../store/store.ts';

export const SiteItem = Type.Object({
  id: Type.String({ description: 'Unique site identifier. Use this in other API endpoints.' }),
  domain: Type.String({ description: 'The website domain (e.g., "example.com").' }),
  key: Type.String({ description: 'Site tracking key for the client-side script.' }),
  events_this_month: Type.Integer({ description: 'Total events tracked in the current billing month.' }),
  created_at: Type.String({ description: 'ISO 8601 timestamp when the site was added.' }),
});

export const SiteList = Type.Object({ sites: Type.Array(SiteItem) });
export type SiteList = Static<typeof SiteList>;

/**
 * The account's sites, oldest first, each with the events of the current billing month. Reads counters, never events: the
 * cost grows with the sites in the answer and nothing else.
 */
export async function listSites(
  { registry, events }: { registry: Pick<Registry, 'sitesOf'>; events: Pick<Events, 'countBySite'> },
  account: Account,
  clock: Clock,
): Promise<SiteList> {
  const sites = await registry.sitesOf(account.id);
  const month = billingMonth(clock.now(), account.billingAnchorDay);
  const counts = await events.countBySite(
    sites.map((site) => site.id),
    month,
  );
  return {
    sites: sites.map((site) => ({
      id: site.id,
      domain: site.domain,
      key: site.key,
      events_this_month: counts.get(site.id) ?? 0,
      created_at: new Date(site.createdAtMs).toISOString(),
    })),
  };
}
