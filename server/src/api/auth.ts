import { ApiError } from '../domain/errors.ts';
import { digestApiKey } from '../domain/keys.ts';
import type { Account, ApiKey, KeyScope, Registry, Site } from '../store/contract/store.ts';

/** An authenticated account and the API key it used. */
export interface Principal {
  account: Account;
  key: ApiKey;
}

const BEARER = /^Bearer +(\S+) *$/i;

/**
 * Finds the account and key of an Authorization header. It asks the registry every time, so that a revoked key is refused from
 * the next request on, whichever process revoked it.
 *
 * @throws ApiError MISSING_KEY (no header), INVALID_KEY (unknown or revoked), USER_NOT_FOUND (its account is gone)
 */
export async function authenticate(
  registry: Pick<Registry, 'apiKeyByHash' | 'accountById'>,
  header: string | undefined,
): Promise<Principal> {
  if (header === undefined || header.trim() === '') throw new ApiError('MISSING_KEY');
  // A text that cannot be a key is refused without a look-up.
  const digest = digestApiKey(BEARER.exec(header)?.[1] ?? '');
  if (digest === null) throw new ApiError('INVALID_KEY');
  const key = await registry.apiKeyByHash(digest.hash);
  if (key === null || key.revokedAtMs !== null) throw new ApiError('INVALID_KEY');
  const account = await registry.accountById(key.accountId);
  if (account === null) throw new ApiError('USER_NOT_FOUND');
  return { account, key };
}

const SCOPE_SENTENCES: Readonly<Record<KeyScope, string>> = {
  read: 'This key cannot read reports. Use a key with the "read" scope.',
  write: 'This key cannot send events. Use a key with the "write" scope.',
  configure: 'This key cannot change settings. Use a key with the "configure" scope.',
};

/** Checks that a key has a scope. @throws ApiError SCOPE_REQUIRED */
export function requireScope(key: ApiKey, scope: KeyScope): void {
  if (!key.scopes.includes(scope)) throw new ApiError('SCOPE_REQUIRED', { detail: SCOPE_SENTENCES[scope] });
}

/** Returns whether a key has access to a site of its account. */
function reaches(key: ApiKey, siteId: string): boolean {
  return key.siteIds === null || key.siteIds.includes(siteId);
}

/** Lists the sites that a principal's key has access to, oldest first. */
export async function sitesOf(
  registry: Pick<Registry, 'sitesOf'>,
  { account, key }: Principal,
): Promise<Site[]> {
  const sites = await registry.sitesOf(account.id);
  return sites.filter(({ id }) => reaches(key, id));
}

/**
 * Finds a site of the principal's account that the key has access to.
 *
 * @throws ApiError MISSING_SITE_ID, or SITE_NOT_FOUND: the same for an unknown site and for one of another account
 */
export async function siteFor(
  registry: Pick<Registry, 'siteById'>,
  { account, key }: Principal,
  siteId: string,
): Promise<Site> {
  if (siteId === '') throw new ApiError('MISSING_SITE_ID');
  const site = await registry.siteById(siteId);
  if (site === null || site.accountId !== account.id || !reaches(key, site.id))
    throw new ApiError('SITE_NOT_FOUND');
  return site;
}
