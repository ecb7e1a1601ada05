import { ApiError } from '../errors.ts';
import type { Account, ApiKey, KeyScope, Registry, Site } from '../store/store.ts';

/** Who asks, and with which of his keys. */
export interface Caller {
  account: Account;
  key: ApiKey;
}

const SCOPE_SENTENCES: Readonly<Record<KeyScope, string>> = {
  read: 'This API key may only report events. Make one with the scope "read" to ask for numbers.',
  write: 'This API key may only ask for numbers. Make one with the scope "write" to report events.',
};

/** @throws ApiError SCOPE_REQUIRED */
export function requireScope(key: ApiKey, scope: KeyScope): void {
  if (!key.scopes.includes(scope)) throw new ApiError('SCOPE_REQUIRED', { detail: SCOPE_SENTENCES[scope] });
}

/** Whether a key reaches a site of its account. */
export function reaches(key: ApiKey, siteId: string): boolean {
  return key.siteIds === null || key.siteIds.includes(siteId);
}

/**
 * A site of the caller's account that the key reaches.
 *
 * @throws ApiError MISSING_SITE_ID, or SITE_NOT_FOUND: the same for a site that does not exist and for somebody else's
 */
export async function siteFor(
  registry: Pick<Registry, 'siteById'>,
  { account, key }: Caller,
  siteId: string,
): Promise<Site> {
  if (siteId === '') throw new ApiError('MISSING_SITE_ID');
  const site = await registry.siteById(siteId);
  if (site === null || site.accountId !== account.id || !reaches(key, site.id))
    throw new ApiError('SITE_NOT_FOUND');
  return site;
}
