import { sql } from 'kysely';
import type { ApiKey, KeyScope, Registry } from '../contract/store.ts';
import type { Engine } from './engine.ts';
import type { Row } from './tables.ts';

const API_KEY = [
  ...(['id', 'account_id', 'name', 'prefix', 'scopes', 'sites', 'created_at', 'revoked_at'] as const),
  'last_used_at',
] as const;

type Methods = Pick<
  Registry,
  'createApiKey' | 'apiKeyByHash' | 'apiKeysOf' | 'noteApiKeyUses' | 'revokeApiKey'
>;

/** The registry's methods for API keys. */
export function apiKeys({ db, entriesOf }: Engine): Methods {
  return {
    async createApiKey({ hash, scopes = ['read'], siteIds = null, ...key }) {
      await db
        .insertInto('api_keys')
        .values({
          ...{ id: key.id, account_id: key.accountId, name: key.name, prefix: key.prefix, hash },
          scopes: scopes.join(' '),
          sites: siteIds === null ? null : JSON.stringify(siteIds),
          created_at: key.createdAtMs,
        })
        .execute();
      return { ...key, scopes, siteIds, revokedAtMs: null, lastUsedAtMs: null };
    },

    async apiKeyByHash(hash) {
      const row = await db.selectFrom('api_keys').select(API_KEY).where('hash', '=', hash).executeTakeFirst();
      return row === undefined ? null : toApiKey(row);
    },

    async apiKeysOf(accountId) {
      const rows = await db
        .selectFrom('api_keys')
        .select(API_KEY)
        .where('account_id', '=', accountId)
        .orderBy('created_at', 'desc')
        .orderBy('seq', 'desc')
        .execute();
      return rows.map(toApiKey);
    },

    async noteApiKeyUses(atMsById) {
      const uses = entriesOf(JSON.stringify(Object.fromEntries(atMsById)));
      await sql`
        UPDATE api_keys SET last_used_at = used.at
          FROM (SELECT key AS id, cast(value AS bigint) AS at FROM ${uses} AS entries) AS used
          WHERE api_keys.id = used.id AND coalesce(api_keys.last_used_at, 0) < used.at`.execute(db);
    },

    async revokeApiKey(id, atMs) {
      const row = await db
        .updateTable('api_keys')
        .set(({ fn, val }) => ({ revoked_at: fn.coalesce('revoked_at', val(atMs)) }))
        .where('id', '=', id)
        .returning(API_KEY)
        .executeTakeFirst();
      return row === undefined ? null : toApiKey(row);
    },
  };
}

function toApiKey(row: Row<'api_keys', typeof API_KEY>): ApiKey {
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    prefix: row.prefix,
    scopes: row.scopes.split(' ') as KeyScope[],
    siteIds: row.sites === null ? null : (JSON.parse(row.sites) as string[]),
    createdAtMs: row.created_at,
    revokedAtMs: row.revoked_at,
    lastUsedAtMs: row.last_used_at,
  };
}
