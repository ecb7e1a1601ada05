import { randomBytes } from 'node:crypto';
import { emailTaken } from '../registry-conflicts.ts';
import { ACCOUNT, API_KEY, API_KEY_GRANTED, type Row, SITE, toAccount, toApiKey } from '../registry-rows.ts';
import type { Account, ApiKey, NewAccount, NewApiKey, Registry } from '../store.ts';
import {
  type Database,
  emptyLog,
  isUniqueViolation,
  openDatabase,
  prepared,
  transaction,
  translated,
} from './driver.ts';
import { migrate } from './migrate.ts';
import { RegistryChanges } from './registry-changes.ts';
import { REGISTRY_MIGRATIONS } from './registry-schema.ts';
import { changeKeysOf, SqliteSites } from './registry-sites.ts';

const SALT_BYTES = 32;
/** Loading the keys of a million sites looks up each site in an index of 38 MiB: with half of this it reads a third more. */
const CACHE_KIB = 32 * 1024;

/** The registry half of the embedded engine: one file, shared safely with other processes such as the command line. */
export class SqliteRegistry extends SqliteSites implements Registry {
  readonly #db: Database;
  readonly #changes: RegistryChanges;

  constructor(file: string) {
    const db = openDatabase(file, { cacheKib: CACHE_KIB });
    super(db);
    this.#db = db;
    // Destroyed salts must not linger in free pages: https://www.sqlite.org/pragma.html#pragma_secure_delete
    this.#db.exec('PRAGMA secure_delete = ON');
    migrate(this.#db, file, REGISTRY_MIGRATIONS);
    this.#changes = new RegistryChanges(this.#db, {
      accounts: ACCOUNT,
      sites: SITE,
      api_keys: API_KEY_GRANTED,
    });
  }

  changes(): number {
    return this.#changes.count();
  }

  close(): void {
    this.#db.close();
  }

  async createAccount(account: NewAccount): Promise<Account> {
    try {
      return this.#insertAccount(account);
    } catch (error) {
      if (isUniqueViolation(error)) {
        throw emailTaken(account.email);
      }
      throw translatedError(error);
    }
  }

  async createFirstAccount(account: NewAccount): Promise<Account | null> {
    return transaction(this.#db, () => {
      const there = prepared(this.#db, 'SELECT 1 FROM accounts LIMIT 1').get() !== undefined;
      return there ? null : this.#insertAccount(account);
    });
  }

  async oldestAccount(): Promise<Account | null> {
    return translated(() => {
      const row = prepared(this.#db, `SELECT ${ACCOUNT} FROM accounts ORDER BY created_at, id LIMIT 1`).get();
      return row === undefined ? null : toAccount(row);
    });
  }

  async accountByEmail(email: string): Promise<Account | null> {
    const row = this.#get(`SELECT ${ACCOUNT} FROM accounts WHERE email = ?`, email);
    return row === undefined ? null : toAccount(row);
  }

  async accountById(id: string): Promise<Account | null> {
    const row = this.#get(`SELECT ${ACCOUNT} FROM accounts WHERE id = ?`, id);
    return row === undefined ? null : toAccount(row);
  }

  async setTimeZone(accountId: string, timeZone: string): Promise<Account | null> {
    return translated(() => {
      const row = prepared(
        this.#db,
        `UPDATE accounts SET time_zone = ? WHERE id = ? RETURNING ${ACCOUNT}`,
      ).get(timeZone, accountId);
      return row === undefined ? null : toAccount(row);
    });
  }

  async removeAccount(id: string): Promise<boolean> {
    return transaction(this.#db, () => {
      for (const { id: siteId } of prepared(this.#db, 'SELECT id FROM sites WHERE account_id = ?').all(id)) {
        changeKeysOf(this.#db, String(siteId), 'gone');
      }
      return prepared(this.#db, 'DELETE FROM accounts WHERE id = ?').run(id).changes === 1;
    });
  }

  async createApiKey(key: NewApiKey): Promise<ApiKey> {
    const { hash, scopes = ['read'], siteIds = null, ...created } = key;
    translated(() =>
      prepared(
        this.#db,
        'INSERT INTO api_keys (id, account_id, name, prefix, hash, scopes, sites, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      ).run(
        key.id,
        key.accountId,
        key.name,
        key.prefix,
        hash,
        scopes.join(' '),
        siteIds === null ? null : JSON.stringify(siteIds),
        key.createdAtMs,
      ),
    );
    return { ...created, scopes, siteIds, revokedAtMs: null, lastUsedAtMs: null };
  }

  async apiKeysOf(accountId: string): Promise<ApiKey[]> {
    return translated(() =>
      prepared(
        this.#db,
        `SELECT ${API_KEY} FROM api_keys WHERE account_id = ? ORDER BY created_at DESC, rowid DESC`,
      )
        .all(accountId)
        .map(toApiKey),
    );
  }

  async noteApiKeyUses(atMsById: ReadonlyMap<string, number>): Promise<void> {
    transaction(this.#db, () => {
      const note = prepared(
        this.#db,
        'UPDATE api_keys SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?',
      );
      for (const [id, atMs] of atMsById) note.run(atMs, id);
    });
  }

  async apiKeyByHash(hash: string): Promise<ApiKey | null> {
    const row = this.#get(`SELECT ${API_KEY} FROM api_keys WHERE hash = ?`, hash);
    return row === undefined ? null : toApiKey(row);
  }

  async revokeApiKey(id: string, atMs: number): Promise<ApiKey | null> {
    return translated(() => {
      const row = prepared(
        this.#db,
        `UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? RETURNING ${API_KEY}`,
      ).get(atMs, id);
      return row === undefined ? null : toApiKey(row);
    });
  }

  async saltOf(day: number, keepFromDay: number): Promise<Uint8Array> {
    const salt = transaction(this.#db, () => {
      prepared(this.#db, 'DELETE FROM salts WHERE day < ?').run(keepFromDay);
      prepared(this.#db, 'INSERT OR IGNORE INTO salts (day, salt) VALUES (?, ?)').run(
        day,
        randomBytes(SALT_BYTES),
      );
      const row = prepared(this.#db, 'SELECT salt FROM salts WHERE day = ?').get(day);
      return row?.salt as Uint8Array; // inserted one line above, or there before
    });
    // The log holds pages as they once were, destroyed salts included.
    emptyLog(this.#db);
    return salt;
  }

  #insertAccount({ passwordHash, ...account }: NewAccount): Account {
    prepared(
      this.#db,
      'INSERT INTO accounts (id, email, plan, billing_anchor_day, password_hash, created_at) VALUES (?, ?, ?, ?, ?, ?)',
    ).run(
      account.id,
      account.email,
      account.plan,
      account.billingAnchorDay,
      passwordHash,
      account.createdAtMs,
    );
    return { ...account, timeZone: 'UTC' };
  }

  #get(sql: string, value: string): Row | undefined {
    return translated(() => prepared(this.#db, sql).get(value));
  }
}

function translatedError(error: unknown): never {
  return translated(() => {
    throw error;
  });
}
