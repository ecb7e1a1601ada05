import { sql } from 'kysely';
import { type Credentials, type Registry, RegistryConflict } from '../contract/store.ts';
import { UniqueViolation } from '../shared/unique-violation.ts';
import { hasEmail } from './accounts.ts';
import type { Engine } from './engine.ts';
import type { Row } from './tables.ts';

const CREDENTIALS = ['id', 'email', 'password_hash', 'totp_secret'] as const;

/** Second factors per page. */
const SECOND_FACTORS_PER_ANSWER = 500;

type Methods = Pick<
  Registry,
  | 'credentialsByEmail'
  | 'credentialsOf'
  | 'credentialsByIdentity'
  | 'hasIdentity'
  | 'linkIdentity'
  | 'unlinkIdentity'
  | 'setPassword'
  | 'setEmail'
  | 'setTotp'
  | 'useTotpStep'
  | 'recoveryHashesOf'
  | 'useRecoveryCode'
  | 'secondFactorsAfter'
  | 'replaceTotpSecret'
  | 'replaceRecoveryHash'
  | 'setPendingTotp'
  | 'pendingTotp'
  | 'usePendingTotp'
>;

/** The registry's methods for credentials. */
export function credentials({ db, emptyLog }: Engine): Methods {
  return {
    async credentialsByEmail(email) {
      const found = db.selectFrom('accounts').select(CREDENTIALS).where(hasEmail(email));
      return orNull(await found.executeTakeFirst());
    },

    async credentialsOf(accountId) {
      const found = db.selectFrom('accounts').select(CREDENTIALS).where('id', '=', accountId);
      return orNull(await found.executeTakeFirst());
    },

    async credentialsByIdentity(identity) {
      const found = db.selectFrom('accounts').select(CREDENTIALS).where('identity', '=', identity);
      return orNull(await found.executeTakeFirst());
    },

    async hasIdentity(accountId) {
      const found = db.selectFrom('accounts').select('identity').where('id', '=', accountId);
      return ((await found.executeTakeFirst())?.identity ?? null) !== null;
    },

    async linkIdentity(accountId, identity) {
      const set = db.updateTable('accounts').set({ identity }).where('id', '=', accountId);
      try {
        return (await set.where('identity', 'is', null).executeTakeFirst()).numUpdatedRows === 1n;
      } catch (error) {
        if (error instanceof UniqueViolation) return false;
        throw error;
      }
    },

    async unlinkIdentity(accountId) {
      await db.updateTable('accounts').set({ identity: null }).where('id', '=', accountId).execute();
    },

    async setPassword(accountId, passwordHash) {
      const set = db.updateTable('accounts').set({ password_hash: passwordHash });
      await set.where('id', '=', accountId).execute();
    },

    async setEmail(accountId, email) {
      try {
        await db.updateTable('accounts').set({ email }).where('id', '=', accountId).execute();
      } catch (error) {
        if (error instanceof UniqueViolation) throw new RegistryConflict('email-taken');
        throw error;
      }
    },

    setTotp: (accountId, totp) =>
      db.transaction().execute(async (tx) => {
        const set = tx.updateTable('accounts').set({ totp_secret: totp?.secret ?? null });
        await set.where('id', '=', accountId).execute();
        await tx.deleteFrom('recovery_codes').where('account_id', '=', accountId).execute();
        const codes = (totp?.recoveryHashes ?? []).map((hash) => ({ account_id: accountId, hash }));
        if (codes.length > 0) await tx.insertInto('recovery_codes').values(codes).execute();
      }),

    async useTotpStep(accountId, step) {
      const used = await db
        .updateTable('accounts')
        .set({ totp_step: step })
        .where('id', '=', accountId)
        .where('totp_step', '<', step)
        .executeTakeFirst();
      return used.numUpdatedRows === 1n;
    },

    async recoveryHashesOf(accountId) {
      const found = db.selectFrom('recovery_codes').select('hash').where('account_id', '=', accountId);
      return (await found.execute()).map(({ hash }) => hash);
    },

    async useRecoveryCode(accountId, hash) {
      const used = await db
        .deleteFrom('recovery_codes')
        .where('account_id', '=', accountId)
        .where('hash', '=', hash)
        .executeTakeFirst();
      return used.numDeletedRows === 1n;
    },

    async secondFactorsAfter(accountId) {
      const found = await db
        .selectFrom('accounts')
        .select(['id', sql<string>`totp_secret`.as('secret')])
        .where('totp_secret', 'is not', null)
        .where('id', '>', accountId)
        .orderBy('id')
        .limit(SECOND_FACTORS_PER_ANSWER)
        .execute();
      if (found.length === 0) return [];
      const ids = found.map(({ id }) => id);
      const codes = await db
        .selectFrom('recovery_codes')
        .selectAll()
        .where('account_id', 'in', ids)
        .execute();
      return found.map(({ id, secret }) => ({
        accountId: id,
        totpSecret: secret,
        recoveryHashes: codes.filter(({ account_id }) => account_id === id).map(({ hash }) => hash),
      }));
    },

    async replaceTotpSecret(accountId, from, to) {
      const set = db.updateTable('accounts').set({ totp_secret: to }).where('id', '=', accountId);
      await set.where('totp_secret', '=', from).execute();
      await emptyLog();
    },

    async replaceRecoveryHash(accountId, from, to) {
      const set = db.updateTable('recovery_codes').set({ hash: to }).where('account_id', '=', accountId);
      await set.where('hash', '=', from).execute();
      await emptyLog();
    },

    async setPendingTotp(sessionId, secret, endsAtMs) {
      const set = db.updateTable('sessions').set({ pending_totp: secret, pending_totp_until: endsAtMs });
      await set.where('id', '=', sessionId).execute();
    },

    async pendingTotp(sessionId, atMs) {
      const found = db.selectFrom('sessions').select('pending_totp').where('id', '=', sessionId);
      return (await found.where('pending_totp_until', '>', atMs).executeTakeFirst())?.pending_totp ?? null;
    },

    async usePendingTotp(sessionId, secret) {
      const used = await db
        .updateTable('sessions')
        .set({ pending_totp: null, pending_totp_until: null })
        .where('id', '=', sessionId)
        .where('pending_totp', '=', secret)
        .executeTakeFirst();
      return used.numUpdatedRows === 1n;
    },
  };
}

function orNull(row: Row<'accounts', typeof CREDENTIALS> | undefined): Credentials | null {
  if (row === undefined) return null;
  return {
    accountId: row.id,
    email: row.email,
    passwordHash: row.password_hash,
    totpSecret: row.totp_secret,
  };
}
