import { sql } from 'kysely';
import { type Account, type NewAccount, type Registry, RegistryConflict } from '../contract/store.ts';
import { UniqueViolation } from '../shared/unique-violation.ts';
import type { Engine, RegistryDb } from './engine.ts';
import { markKeysOf, whileKeysChange } from './key-versions.ts';
import type { Row } from './tables.ts';

/** The columns of an account. */
const ACCOUNT = ['id', 'email', 'plan', 'billing_anchor_day', 'time_zone', 'created_at'] as const;

/** Returns the condition that matches an email address, ignoring ASCII case. */
export function hasEmail(email: string) {
  return sql<boolean>`lower(email) = ${lowerAscii(email)}`;
}

type Methods = Pick<
  Registry,
  | 'createAccount'
  | 'createFirstAccount'
  | 'oldestAccount'
  | 'hasAccounts'
  | 'accountByEmail'
  | 'accountById'
  | 'setTimeZone'
  | 'setPlan'
  | 'removeAccount'
>;

/** The registry's methods for accounts. */
export function accounts(engine: Engine): Methods {
  const { db } = engine;
  return {
    async createAccount(account) {
      try {
        return await insert(db, account);
      } catch (error) {
        if (error instanceof UniqueViolation) throw new RegistryConflict('email-taken');
        throw error;
      }
    },

    createFirstAccount: (account) =>
      db.transaction().execute(async (tx) => {
        await engine.lockAccounts(tx);
        return (await isAny(tx)) ? null : insert(tx, account);
      }),

    hasAccounts: () => isAny(db),

    async oldestAccount() {
      const oldest = db.selectFrom('accounts').select(ACCOUNT).orderBy('created_at').orderBy('id').limit(1);
      return orNull(await oldest.executeTakeFirst());
    },

    async accountByEmail(email) {
      const found = db.selectFrom('accounts').select(ACCOUNT).where(hasEmail(email));
      return orNull(await found.executeTakeFirst());
    },

    async accountById(id) {
      const found = db.selectFrom('accounts').select(ACCOUNT).where('id', '=', id);
      return orNull(await found.executeTakeFirst());
    },

    async setTimeZone(id, timeZone) {
      const set = db.updateTable('accounts').set({ time_zone: timeZone }).where('id', '=', id);
      return orNull(await set.returning(ACCOUNT).executeTakeFirst());
    },

    async setPlan(id, plan) {
      await db.updateTable('accounts').set({ plan }).where('id', '=', id).execute();
    },

    removeAccount: (id) =>
      whileKeysChange(engine, async (tx) => {
        const sites = tx.selectFrom('sites').select('id').where('account_id', '=', id).orderBy('seq');
        for (const site of await sites.execute()) await markKeysOf(tx, site.id, 'gone');
        const { numDeletedRows } = await tx.deleteFrom('accounts').where('id', '=', id).executeTakeFirst();
        return numDeletedRows === 1n;
      }),
  };
}

/** Converts ASCII letters to lower case, as the function `lower` does in both databases. */
function lowerAscii(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

async function isAny(db: RegistryDb): Promise<boolean> {
  return (await db.selectFrom('accounts').select('id').limit(1).executeTakeFirst()) !== undefined;
}

async function insert(
  db: RegistryDb,
  { passwordHash, identity, timeZone = 'UTC', ...account }: NewAccount,
): Promise<Account> {
  await db
    .insertInto('accounts')
    .values({
      id: account.id,
      email: account.email,
      plan: account.plan,
      billing_anchor_day: account.billingAnchorDay,
      password_hash: passwordHash,
      identity: identity ?? null,
      time_zone: timeZone,
      created_at: account.createdAtMs,
    })
    .execute();
  return { ...account, timeZone };
}

function orNull(row: Row<'accounts', typeof ACCOUNT> | undefined): Account | null {
  if (row === undefined) return null;
  return {
    id: row.id,
    email: row.email,
    plan: row.plan,
    billingAnchorDay: row.billing_anchor_day,
    timeZone: row.time_zone,
    createdAtMs: row.created_at,
  };
}
