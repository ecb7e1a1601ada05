import { randomBytes } from 'node:crypto';
import { emailTaken } from '../registry-conflicts.ts';
import { ACCOUNT, API_KEY, toAccount, toApiKey } from '../registry-rows.ts';
import type { Account, ApiKey, NewAccount, NewApiKey, Registry } from '../store.ts';
import { type Database, type Queries, UniqueViolation } from './driver.ts';
import { migrate } from './migrate.ts';
import { REGISTRY_MIGRATIONS } from './registry-schema.ts';
import { changeKeys, changeKeysOf, PostgresSites } from './registry-sites.ts';

const SALT_BYTES = 32;

/** The registry half in PostgreSQL, for any number of processes. */
export class PostgresRegistry extends PostgresSites implements Registry {
  readonly #db: Database;

  private constructor(db: Database) {
    super(db);
    this.#db = db;
  }

  /** Brings the tables up to date. The database stays open until its owner closes it. @throws StoreUnavailable, NewerSchema */
  static async open(db: Database): Promise<PostgresRegistry> {
    await migrate(db, 'registry', REGISTRY_MIGRATIONS);
    return new PostgresRegistry(db);
  }

  async createAccount(account: NewAccount): Promise<Account> {
    try {
      return await insertAccount(this.#db, account);
    } catch (error) {
      if (!(error instanceof UniqueViolation)) throw error;
      throw emailTaken(account.email);
    }
  }

  async createFirstAccount(account: NewAccount): Promise<Account | null> {
    return this.#db.transaction(async (tx) => {
      await tx.query('LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE');
      const { count } = await tx.query('SELECT 1 FROM accounts LIMIT 1');
      return count > 0 ? null : insertAccount(tx, account);
    });
  }

  async oldestAccount(): Promise<Account | null> {
    const { rows } = await this.#db.query(`SELECT ${ACCOUNT} FROM accounts ORDER BY created_at, id LIMIT 1`);
    return rows[0] === undefined ? null : toAccount(rows[0]);
  }

  async accountByEmail(email: string): Promise<Account | null> {
    const { rows } = await this.#db.query(
      `SELECT ${ACCOUNT} FROM accounts WHERE lower(email) = lower($1::text COLLATE "C")`,
      email,
    );
    return rows[0] === undefined ? null : toAccount(rows[0]);
  }

  async accountById(id: string): Promise<Account | null> {
    const { rows } = await this.#db.query(`SELECT ${ACCOUNT} FROM accounts WHERE id = $1`, id);
    return rows[0] === undefined ? null : toAccount(rows[0]);
  }

  async setTimeZone(accountId: string, timeZone: string): Promise<Account | null> {
    const { rows } = await this.#db.query(
      `UPDATE accounts SET time_zone = $1 WHERE id = $2 RETURNING ${ACCOUNT}`,
      timeZone,
      accountId,
    );
    return rows[0] === undefined ? null : toAccount(rows[0]);
  }

  async removeAccount(id: string): Promise<boolean> {
    return changeKeys(this.#db, async (tx) => {
      const sites = await tx.query('SELECT id FROM sites WHERE account_id = $1 ORDER BY seq', id);
      for (const { id: siteId } of sites.rows) await changeKeysOf(tx, String(siteId), 'gone');
      return (await tx.query('DELETE FROM accounts WHERE id = $1', id)).count === 1;
    });
  }

  async createApiKey(key: NewApiKey): Promise<ApiKey> {
    const { hash, scopes = ['read'], siteIds = null, ...created } = key;
    await this.#db.query(
      `INSERT INTO api_keys (id, account_id, name, prefix, hash, scopes, sites, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      key.id,
      key.accountId,
      key.name,
      key.prefix,
      hash,
      scopes.join(' '),
      siteIds === null ? null : JSON.stringify(siteIds),
      key.createdAtMs,
    );
    return { ...created, scopes, siteIds, revokedAtMs: null, lastUsedAtMs: null };
  }

  async apiKeysOf(accountId: string): Promise<ApiKey[]> {
    const { rows } = await this.#db.query(
      `SELECT ${API_KEY} FROM api_keys WHERE account_id = $1 ORDER BY created_at DESC, seq DESC`,
      accountId,
    );
    return rows.map(toApiKey);
  }

  async noteApiKeyUses(atMsById: ReadonlyMap<string, number>): Promise<void> {
    await this.#db.query(
      `UPDATE api_keys k SET last_used_at = u.at FROM unnest($1::text[], $2::bigint[]) AS u (id, at)
       WHERE k.id = u.id AND coalesce(k.last_used_at, 0) < u.at`,
      [...atMsById.keys()],
      [...atMsById.values()],
    );
  }

  async apiKeyByHash(hash: string): Promise<ApiKey | null> {
    const { rows } = await this.#db.query(`SELECT ${API_KEY} FROM api_keys WHERE hash = $1`, hash);
    return rows[0] === undefined ? null : toApiKey(rows[0]);
  }

  async revokeApiKey(id: string, atMs: number): Promise<ApiKey | null> {
    const { rows } = await this.#db.query(
      `UPDATE api_keys SET revoked_at = coalesce(revoked_at, $1) WHERE id = $2 RETURNING ${API_KEY}`,
      atMs,
      id,
    );
    return rows[0] === undefined ? null : toApiKey(rows[0]);
  }

  /**
   * A deleted row stays in its page until the table is written anew, which is done here. What the server has written to its
   * write-ahead log goes when it recycles that, and archives of the log keep it for as long as they are kept.
   */
  async saltOf(day: number, keepFromDay: number): Promise<Uint8Array> {
    const salt = await this.#db.transaction(async (tx) => {
      await tx.query('DELETE FROM salts WHERE day < $1', keepFromDay);
      await tx.query(
        'INSERT INTO salts (day, salt) VALUES ($1, $2) ON CONFLICT (day) DO NOTHING',
        day,
        randomBytes(SALT_BYTES),
      );
      const { rows } = await tx.query('SELECT salt FROM salts WHERE day = $1', day);
      return rows[0]?.salt as Uint8Array; // inserted one line above, or there before
    });
    await this.#db.query('VACUUM (FULL) salts');
    return salt;
  }
}

async function insertAccount(on: Queries, { passwordHash, ...account }: NewAccount): Promise<Account> {
  await on.query(
    `INSERT INTO accounts (id, email, plan, billing_anchor_day, password_hash, created_at)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    account.id,
    account.email,
    account.plan,
    account.billingAnchorDay,
    passwordHash,
    account.createdAtMs,
  );
  return { ...account, timeZone: 'UTC' };
}
