import { zoneOf } from '../../domain/calendar.ts';
import type { Registry } from '../../store/contract/store.ts';
import type { SiteRequest } from './parts.ts';

/** Returns the reporting time zone of a site, or else of its owner. It is the same for every viewer, and in the API. */
export async function siteZone(
  registry: Pick<Registry, 'accountById'>,
  { site, role, user }: SiteRequest,
): Promise<string> {
  return zoneOf(site, role === 'owner' ? user.account : await registry.accountById(site.accountId));
}
