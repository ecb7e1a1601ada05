import type { Account, Registry, Site } from '../store/contract/store.ts';
import { roleOf } from './access.ts';
import { shortened } from './inputs.ts';
import { sitesSeenBy } from './sites.ts';
import { refusal } from './use-case-error.ts';

/** Use cases of roll-ups: reports over several sites that an account can see. */

/** The most sites of a roll-up. */
export const ROLL_UP_SITES_MAX = 50;
/** The word for all sites that the account can see. */
export const ALL_SITES = 'all';

/**
 * Finds the sites of a roll-up, each once, in the order of the choice.
 *
 * @param chosen their ids, or `ALL_SITES`
 * @returns the number of sites, if there are too many
 * @throws UseCaseError `SITE_NOT_FOUND`, also for a site that the account may not see
 */
export async function rolledUpSites(
  { registry }: { registry: Pick<Registry, 'siteById' | 'roleOn' | 'sitesOf' | 'membershipsOf'> },
  account: Account,
  chosen: readonly string[],
): Promise<Site[] | number> {
  if (chosen.includes(ALL_SITES)) {
    const seen = await sitesSeenBy({ registry }, account);
    return seen.length > ROLL_UP_SITES_MAX ? seen.length : seen;
  }
  const ids = [...new Set(chosen)];
  if (ids.length > ROLL_UP_SITES_MAX) return ids.length;
  const sites: Site[] = [];
  for (const id of ids) {
    const site = await registry.siteById(id);
    if (site === null || (await roleOf(registry, account, site)) === null)
      throw refusal('SITE_NOT_FOUND', shortened(id));
    sites.push(site);
  }
  return sites;
}
