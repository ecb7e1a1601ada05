import type { Registry, Session } from '../contract/store.ts';
import type { Engine } from './engine.ts';
import type { Row } from './tables.ts';

const SESSION = ['id', 'account_id', 'label', 'created_at', 'last_seen_at', 'expires_at'] as const;

type Methods = Pick<
  Registry,
  'createSession' | 'sessionByToken' | 'touchSession' | 'sessionsOf' | 'endSession' | 'endSessionsOf'
>;

/** The registry's methods for sessions. */
export function sessions({ db, locksRows }: Engine): Methods {
  return {
    async createSession(session, tokenHash) {
      await db
        .insertInto('sessions')
        .values({
          ...{ id: session.id, token_hash: tokenHash, account_id: session.accountId, label: session.label },
          created_at: session.createdAtMs,
          last_seen_at: session.lastSeenAtMs,
          expires_at: session.expiresAtMs,
        })
        .execute();
    },

    async sessionByToken(tokenHash, atMs) {
      const row = await db
        .selectFrom('sessions')
        .select(SESSION)
        .where('token_hash', '=', tokenHash)
        .where('expires_at', '>', atMs)
        .executeTakeFirst();
      return row === undefined ? null : toSession(row);
    },

    async touchSession(id, atMs) {
      await db.updateTable('sessions').set({ last_seen_at: atMs }).where('id', '=', id).execute();
    },

    async sessionsOf(accountId, atMs) {
      const over = db
        .selectFrom('sessions')
        .select('id')
        .where('expires_at', '<=', atMs)
        .$if(locksRows, (rows) => rows.forUpdate().skipLocked());
      await db.deleteFrom('sessions').where('id', 'in', over).execute();
      const rows = await db
        .selectFrom('sessions')
        .select(SESSION)
        .where('account_id', '=', accountId)
        .where('expires_at', '>', atMs)
        .orderBy('last_seen_at', 'desc')
        .orderBy('id')
        .execute();
      return rows.map(toSession);
    },

    async endSession(accountId, id) {
      const ended = db.deleteFrom('sessions').where('account_id', '=', accountId).where('id', '=', id);
      return (await ended.executeTakeFirst()).numDeletedRows === 1n;
    },

    async endSessionsOf(accountId, except) {
      await db
        .deleteFrom('sessions')
        .where('account_id', '=', accountId)
        .$if(except !== null, (ended) => ended.where('id', '<>', except ?? ''))
        .execute();
    },
  };
}

function toSession(row: Row<'sessions', typeof SESSION>): Session {
  return {
    id: row.id,
    accountId: row.account_id,
    label: row.label,
    createdAtMs: row.created_at,
    lastSeenAtMs: row.last_seen_at,
    expiresAtMs: row.expires_at,
  };
}
