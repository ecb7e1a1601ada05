import { digestApiKey, newApiKey, newApiKeyId } from '../domain/keys.ts';
import type { Account, ApiKey, KeyScope } from '../store/contract/store.ts';
import type { Context } from './context.ts';
import { readName, shortened } from './inputs.ts';
import { refusal } from './use-case-error.ts';

/** Use cases of API keys. A key is shown once and revoked permanently. */

const SCOPES: readonly KeyScope[] = ['read', 'write', 'configure'];

/** A new key, which is shown once. */
export interface NewKey {
  id: string;
  name: string;
  key: string;
}

/**
 * Creates an API key.
 *
 * @param wish.scopes the scopes; `read` by default
 * @param wish.siteIds the only sites that it can access; null: all sites of the account
 * @throws UseCaseError `INVALID_NAME`, `INVALID_SCOPE`, `SITE_NOT_FOUND`
 */
export async function createApiKey(
  { registry, clock, record }: Context,
  account: Account,
  {
    name: typed,
    scopes = ['read'],
    siteIds = null,
  }: { name: string; scopes?: readonly string[] | undefined; siteIds?: readonly string[] | null },
): Promise<NewKey> {
  const name = readName(typed);
  const allowed = readScopes(scopes);
  if (siteIds !== null) await checkOwner({ registry }, account, siteIds);
  const key = newApiKey();
  const digest = digestApiKey(key);
  if (digest === null) throw new Error('a key just made does not fit its own shape');
  const { id } = await registry.createApiKey({
    ...{ id: newApiKeyId(), accountId: account.id, name, ...digest },
    ...{ scopes: allowed, siteIds, createdAtMs: clock.now() },
  });
  await record({ accountId: account.id, event: 'api-key-created', details: { name } });
  return { id, name, key };
}

function readScopes(typed: readonly string[]): KeyScope[] {
  return [...new Set(typed)].map((name) => {
    const scope = SCOPES.find((known) => known === name);
    if (scope === undefined) throw refusal('INVALID_SCOPE', shortened(name), SCOPES);
    return scope;
  });
}

async function checkOwner(
  { registry }: Pick<Context, 'registry'>,
  account: Account,
  siteIds: readonly string[],
): Promise<void> {
  const own = new Set((await registry.sitesOf(account.id)).map(({ id }) => id));
  const foreign = siteIds.find((id) => !own.has(id));
  if (foreign !== undefined) throw refusal('SITE_NOT_FOUND', foreign);
}

/**
 * Revokes a key. Revoking it again has the same result.
 *
 * @param ofAccount the account that the key must belong to; any account if omitted
 * @throws UseCaseError `KEY_NOT_FOUND`
 */
export async function revokeApiKey(
  { registry, clock, record }: Context,
  id: string,
  ofAccount?: Account,
): Promise<ApiKey> {
  const isAllowed =
    ofAccount === undefined || (await registry.apiKeysOf(ofAccount.id)).some((key) => key.id === id);
  const key = isAllowed ? await registry.revokeApiKey(id, clock.now()) : null;
  if (key === null) throw refusal('KEY_NOT_FOUND', id);
  await record({ accountId: key.accountId, event: 'api-key-revoked', details: { name: key.name } });
  return key;
}
