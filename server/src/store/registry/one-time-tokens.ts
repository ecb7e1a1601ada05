import { sql } from 'kysely';
import type { OneTimeToken, Registry } from '../contract/store.ts';
import type { Engine } from './engine.ts';
import type { Row } from './tables.ts';

const COLUMNS = ['kind', 'email', 'account_id', 'site_id', 'role', 'expires_at'] as const;

type Methods = Pick<
  Registry,
  | 'createOneTimeToken'
  | 'oneTimeToken'
  | 'useOneTimeToken'
  | 'invitationsTo'
  | 'withdrawResets'
  | 'withdrawInvitations'
>;

/** The registry's methods for one-time tokens: invitations and password resets. */
export function oneTimeTokens({ db, locksRows }: Engine): Methods {
  return {
    async createOneTimeToken(token, tokenHash) {
      await db
        .insertInto('tickets')
        .values({
          ...{ token_hash: tokenHash, kind: token.kind, email: token.email, role: token.role },
          account_id: token.accountId,
          site_id: token.siteId,
          expires_at: token.expiresAtMs,
        })
        .execute();
    },

    async oneTimeToken(tokenHash, atMs) {
      const row = await db
        .selectFrom('tickets')
        .select(COLUMNS)
        .where('token_hash', '=', tokenHash)
        .where('expires_at', '>', atMs)
        .executeTakeFirst();
      return row === undefined ? null : toOneTimeToken(row);
    },

    async useOneTimeToken(tokenHash, atMs) {
      const over = db
        .selectFrom('tickets')
        .select('token_hash')
        .where('expires_at', '<=', atMs)
        .$if(locksRows, (rows) => rows.forUpdate().skipLocked());
      await db.deleteFrom('tickets').where('token_hash', 'in', over).execute();
      const row = await db
        .deleteFrom('tickets')
        .where('token_hash', '=', tokenHash)
        .where('expires_at', '>', atMs)
        .returning(COLUMNS)
        .executeTakeFirst();
      return row === undefined ? null : toOneTimeToken(row);
    },

    async invitationsTo(siteId, atMs) {
      const rows = await db
        .selectFrom('tickets')
        .select(COLUMNS)
        .where('kind', '=', 'invitation')
        .where('site_id', '=', siteId)
        .where('expires_at', '>', atMs)
        .orderBy('email')
        .execute();
      return rows.map(toOneTimeToken);
    },

    async withdrawResets(accountId) {
      await db
        .deleteFrom('tickets')
        .where('kind', '=', 'reset')
        .where('account_id', '=', accountId)
        .execute();
    },

    async withdrawInvitations(siteId, email) {
      await db
        .deleteFrom('tickets')
        .where('kind', '=', 'invitation')
        .where('site_id', '=', siteId)
        .where(sql`lower(email)`, '=', email.toLowerCase())
        .execute();
    },
  };
}

function toOneTimeToken(row: Row<'tickets', typeof COLUMNS>): OneTimeToken {
  return {
    kind: row.kind,
    email: row.email,
    accountId: row.account_id,
    siteId: row.site_id,
    role: row.role,
    expiresAtMs: row.expires_at,
  };
}
