import { zoneOf } from '../../calendar.ts';
import type { Registry } from '../../store/store.ts';
import type { SiteVisit } from '../parts.ts';

/** The time zone of a site's days. As the API has it: whoever looks, they are the site's, or its owner's. */
export async function siteZone(
  registry: Pick<Registry, 'accountById'>,
  { site, role, person }: SiteVisit,
): Promise<string> {
  return zoneOf(site, role === 'owner' ? person.account : await registry.accountById(site.accountId));
}
