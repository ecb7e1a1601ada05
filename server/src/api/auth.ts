import { ApiError } from '../errors.ts';
import { digestApiKey } from '../keys.ts';
import type { Account, Registry } from '../store/store.ts';

const BEARER = /^Bearer +(\S+) *$/i;

/**
 * The account that an Authorization header speaks for.
 *
 * @throws ApiError MISSING_KEY (no header), INVALID_KEY (not one of ours, or revoked), USER_NOT_FOUND (its account is gone)
 */
export async function authenticate(registry: Registry, header: string | undefined): Promise<Account> {
  if (header === undefined || header.trim() === '') throw new ApiError('MISSING_KEY');
  const digest = digestApiKey(BEARER.exec(header)?.[1] ?? '');
  const key = digest === null ? null : await registry.apiKeyByHash(digest.hash);
  if (key === null || key.revokedAtMs !== null) throw new ApiError('INVALID_KEY');
  const account = await registry.accountById(key.accountId);
  if (account === null) throw new ApiError('USER_NOT_FOUND');
  return account;
}
