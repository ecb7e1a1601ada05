import type { Registry, Share } from '../contract/store.ts';
import type { Engine } from './engine.ts';
import type { Row } from './tables.ts';

const SHARE = ['id', 'site_id', 'name', 'password_hash', 'created_at', 'expires_at', 'embed_hosts'] as const;

type Methods = Pick<Registry, 'createShare' | 'shareByToken' | 'sharesOf' | 'removeShare'>;

/** The registry's methods for public links. */
export function shares({ db }: Engine): Methods {
  return {
    async createShare(share, tokenHash) {
      await db
        .insertInto('shares')
        .values({
          ...{ id: share.id, token_hash: tokenHash, site_id: share.siteId, name: share.name },
          password_hash: share.passwordHash,
          created_at: share.createdAtMs,
          expires_at: share.expiresAtMs,
          embed_hosts: share.embedHosts.length === 0 ? null : share.embedHosts.join(' '),
        })
        .execute();
    },

    async shareByToken(tokenHash, atMs) {
      const row = await db
        .selectFrom('shares')
        .select(SHARE)
        .where('token_hash', '=', tokenHash)
        .where(({ eb, or }) => or([eb('expires_at', 'is', null), eb('expires_at', '>', atMs)]))
        .executeTakeFirst();
      return row === undefined ? null : toShare(row);
    },

    async sharesOf(siteId) {
      const rows = await db
        .selectFrom('shares')
        .select(SHARE)
        .where('site_id', '=', siteId)
        .orderBy('created_at')
        .orderBy('id')
        .execute();
      return rows.map(toShare);
    },

    async removeShare(siteId, id) {
      const removed = db.deleteFrom('shares').where('site_id', '=', siteId).where('id', '=', id);
      return (await removed.executeTakeFirst()).numDeletedRows === 1n;
    },
  };
}

function toShare(row: Row<'shares', typeof SHARE>): Share {
  return {
    id: row.id,
    siteId: row.site_id,
    name: row.name,
    passwordHash: row.password_hash,
    createdAtMs: row.created_at,
    expiresAtMs: row.expires_at,
    embedHosts: row.embed_hosts?.split(' ') ?? [],
  };
}
