import { type Credentials, type Registry, RegistryConflict } from '../contract/store.ts';
import { UniqueViolation } from '../shared/unique-violation.ts';
import { hasEmail } from './accounts.ts';
import type { Engine } from './engine.ts';
import type { Row } from './tables.ts';

const CREDENTIALS = ['id', 'email', 'password_hash', 'totp_secret'] as const;

type Methods = Pick<
  Registry,
  | 'credentialsByEmail'
  | 'credentialsOf'
  | 'setPassword'
  | 'setEmail'
  | 'setTotp'
  | 'useTotpStep'
  | 'useRecoveryCode'
>;

/** The registry's methods for credentials. */
export function credentials({ db }: Engine): Methods {
  return {
    async credentialsByEmail(email) {
      const found = db.selectFrom('accounts').select(CREDENTIALS).where(hasEmail(email));
      return orNull(await found.executeTakeFirst());
    },

    async credentialsOf(accountId) {
      const found = db.selectFrom('accounts').select(CREDENTIALS).where('id', '=', accountId);
      return orNull(await found.executeTakeFirst());
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

    async useRecoveryCode(accountId, hash) {
      const used = await db
        .deleteFrom('recovery_codes')
        .where('account_id', '=', accountId)
        .where('hash', '=', hash)
        .executeTakeFirst();
      return used.numDeletedRows === 1n;
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
