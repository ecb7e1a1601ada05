import { newSiteKey } from '../domain/keys.ts';
import { type Events, type KeyUse, SITE_KEYS_MAX, type Site, type SiteKey } from '../store/contract/store.ts';
import { noteChange } from './annotations.ts';
import type { Context } from './context.ts';
import { refusal, refusingConflicts } from './use-case-error.ts';

/** Use cases of site keys: rotate to a new key while the old one still counts, then retire the old one. */

/** A site key and its usage. */
export interface UsedSiteKey extends SiteKey {
  /** Whether snippets use this key. */
  isCurrent: boolean;
  /** The usage of the key; null if it was never used. */
  use: KeyUse | null;
}

/** Lists the keys of a site, newest first. */
export async function siteKeysOf(
  { registry, events }: Pick<Context, 'registry'> & { events: Pick<Events, 'keyUse'> },
  site: Site,
): Promise<UsedSiteKey[]> {
  const [keys, uses] = await Promise.all([registry.siteKeysOf(site.id), events.keyUse(site.id)]);
  const useOf = new Map(uses.map((use) => [use.key, use]));
  return keys.map((key) => ({ ...key, isCurrent: key.key === site.key, use: useOf.get(key.key) ?? null }));
}

/**
 * Gives a site a new key. Old keys count until they are retired.
 *
 * @throws UseCaseError `SITE_NOT_FOUND`, `KEY_LIMIT_REACHED`
 */
export async function rotateSiteKey(context: Context, siteId: string): Promise<SiteKey> {
  const { registry, clock } = context;
  const key = await refusingConflicts(registry.addSiteKey(siteId, newSiteKey(), clock.now()), {
    'key-limit': () => refusal('KEY_LIMIT_REACHED', SITE_KEYS_MAX),
  });
  if (key === null) throw refusal('SITE_NOT_FOUND', siteId);
  await recordKeyChange(context, key, 'site-key-rotated');
  return key;
}

/**
 * Stops counting an old key. A note in the site's reports says so.
 *
 * @param ofSite the site that the key must belong to; any site if omitted
 * @throws UseCaseError `KEY_NOT_FOUND`, `CURRENT_KEY`
 */
export async function retireSiteKey(context: Context, key: string, ofSite?: Site): Promise<SiteKey> {
  const { registry } = context;
  const isAllowed =
    ofSite === undefined || (await registry.siteKeysOf(ofSite.id)).some((own) => own.key === key);
  const retired = isAllowed
    ? await refusingConflicts(registry.retireSiteKey(key), { 'last-key': () => refusal('CURRENT_KEY') })
    : null;
  if (retired === null) throw refusal('KEY_NOT_FOUND', key);
  const site = await recordKeyChange(context, retired, 'site-key-retired');
  if (site !== null) await noteChange(context, site, `Site key retired: ${key}`);
  return retired;
}

async function recordKeyChange(
  { registry, record }: Pick<Context, 'registry' | 'record'>,
  { siteId }: SiteKey,
  event: 'site-key-rotated' | 'site-key-retired',
): Promise<Site | null> {
  const site = await registry.siteById(siteId);
  if (site !== null) await record({ accountId: site.accountId, event, details: { site: site.domain } });
  return site;
}
