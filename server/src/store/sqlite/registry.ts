import { randomBytes } from 'node:crypto';
import {
  keyLimit,
  type Row,
  toAccount,
  toApiKey,
  toSite,
  toSiteKey,
  toSiteKeyRecord,
} from '../registry-rows.ts';
import {
  type Account,
  type ApiKey,
  type Exclusions,
  type HostRules,
  type NewAccount,
  type NewApiKey,
  type NewSite,
  type Registry,
  RegistryConflict,
  SITE_KEYS_MAX,
  type Site,
  type SiteKey,
  type SiteKeyChanges,
  type SiteKeyRecord,
} from '../store.ts';
import {
  allAsArrays,
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
import { SqlitePeople } from './registry-people.ts';
import { REGISTRY_MIGRATIONS } from './registry-schema.ts';

const SALT_BYTES = 32;
/** Loading the keys of a million sites looks up each site in an index of 38 MiB: with half of this it reads a third more. */
const CACHE_KIB = 32 * 1024;
/** Most sites handed over in one answer. */
const SITES_PER_ANSWER = 1_000;
/** Most site keys handed over in one answer. */
const KEYS_PER_ANSWER = 10_000;

const ACCOUNT = 'id, email, plan, billing_anchor_day, time_zone, created_at';
const SITE =
  'id, account_id, domain, key, allow_subdomains, extra_hosts, retention_days, time_zone, exclusions, created_at';
const SITE_KEY = 'key, site_id, state, created_at';
const API_KEY_GRANTED = 'id, account_id, name, prefix, scopes, sites, created_at, revoked_at';
const API_KEY = `${API_KEY_GRANTED}, last_used_at`;
const NEXT_VERSION = '(SELECT coalesce(max(version), 0) + 1 FROM site_keys)';

/** The registry half of the embedded engine: one file, shared safely with other processes such as the command line. */
export class SqliteRegistry extends SqlitePeople implements Registry {
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
        throw new RegistryConflict(
          'email-taken',
          `There is an account with the e-mail address ${account.email} already.`,
        );
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
        this.#changeKeysOf(String(siteId), 'gone');
      }
      return prepared(this.#db, 'DELETE FROM accounts WHERE id = ?').run(id).changes === 1;
    });
  }

  async createSite(site: NewSite, limit: number | null): Promise<Site> {
    return transaction(this.#db, () => {
      const has = prepared(this.#db, 'SELECT count(*) AS sites FROM sites WHERE account_id = ?').get(
        site.accountId,
      );
      if (limit !== null && Number(has?.sites) >= limit) {
        throw new RegistryConflict(
          'site-limit',
          `This plan has room for ${limit} sites, and they are all in use.`,
        );
      }
      try {
        prepared(
          this.#db,
          'INSERT INTO sites (id, account_id, domain, key, created_at) VALUES (?, ?, ?, ?, ?)',
        ).run(site.id, site.accountId, site.domain, site.key, site.createdAtMs);
      } catch (error) {
        if (isUniqueViolation(error)) {
          throw new RegistryConflict('domain-taken', `This account has a site for ${site.domain} already.`);
        }
        throw error;
      }
      this.#insertSiteKey(site.id, site.key, site.createdAtMs);
      return {
        ...site,
        allowSubdomains: false,
        extraHosts: [],
        retentionDays: null,
        timeZone: null,
        exclusions: null,
      };
    });
  }

  async sitesOf(accountId: string): Promise<Site[]> {
    return translated(() =>
      prepared(this.#db, `SELECT ${SITE} FROM sites WHERE account_id = ? ORDER BY created_at, seq`)
        .all(accountId)
        .map(toSite),
    );
  }

  async siteById(id: string): Promise<Site | null> {
    const row = this.#get(`SELECT ${SITE} FROM sites WHERE id = ?`, id);
    return row === undefined ? null : toSite(row);
  }

  async removeSite(siteId: string): Promise<boolean> {
    return transaction(this.#db, () => {
      this.#changeKeysOf(siteId, 'gone');
      return prepared(this.#db, 'DELETE FROM sites WHERE id = ?').run(siteId).changes === 1;
    });
  }

  async removedSites(afterId: string): Promise<string[]> {
    return translated(() =>
      prepared(
        this.#db,
        `SELECT DISTINCT site_id FROM site_keys WHERE state = 'gone' AND site_id > ? ORDER BY site_id LIMIT ?`,
      )
        .all(afterId, SITES_PER_ANSWER)
        .map((row) => String(row.site_id)),
    );
  }

  async setHostRules(siteId: string, { allowSubdomains, extraHosts }: HostRules): Promise<Site | null> {
    return transaction(this.#db, () => {
      const row = prepared(
        this.#db,
        `UPDATE sites SET allow_subdomains = ?, extra_hosts = ? WHERE id = ? RETURNING ${SITE}`,
      ).get(allowSubdomains ? 1 : 0, JSON.stringify(extraHosts), siteId);
      if (row === undefined) return null;
      this.#changeKeysOf(siteId, null);
      return toSite(row);
    });
  }

  async setRetention(siteId: string, days: number | null): Promise<Site | null> {
    return translated(() => {
      const row = prepared(
        this.#db,
        `UPDATE sites SET retention_days = ? WHERE id = ? RETURNING ${SITE}`,
      ).get(days, siteId);
      return row === undefined ? null : toSite(row);
    });
  }

  async setSiteTimeZone(siteId: string, timeZone: string | null): Promise<Site | null> {
    return translated(() => {
      const row = prepared(this.#db, `UPDATE sites SET time_zone = ? WHERE id = ? RETURNING ${SITE}`).get(
        timeZone,
        siteId,
      );
      return row === undefined ? null : toSite(row);
    });
  }

  async setExclusions(siteId: string, exclusions: Exclusions | null): Promise<Site | null> {
    return transaction(this.#db, () => {
      const row = prepared(this.#db, `UPDATE sites SET exclusions = ? WHERE id = ? RETURNING ${SITE}`).get(
        exclusions === null ? null : JSON.stringify(exclusions),
        siteId,
      );
      if (row === undefined) return null;
      this.#changeKeysOf(siteId, null);
      return toSite(row);
    });
  }

  async sitesAfter(siteId: string | null, { ownRetention } = { ownRetention: false }): Promise<Site[]> {
    return translated(() =>
      prepared(
        this.#db,
        `SELECT ${SITE} FROM sites
           WHERE seq > coalesce((SELECT seq FROM sites WHERE id = ?), 0) AND (retention_days IS NOT NULL OR NOT ?)
           ORDER BY seq LIMIT ?`,
      )
        .all(siteId, ownRetention ? 1 : 0, SITES_PER_ANSWER)
        .map(toSite),
    );
  }

  async addSiteKey(siteId: string, key: string, atMs: number): Promise<SiteKey | null> {
    return transaction(this.#db, () => {
      const { changes } = prepared(this.#db, 'UPDATE sites SET key = ? WHERE id = ?').run(key, siteId);
      if (changes === 0) return null;
      const has = prepared(this.#db, 'SELECT count(*) AS keys FROM site_keys WHERE site_id = ?').get(siteId);
      if (Number(has?.keys) >= SITE_KEYS_MAX) throw keyLimit();
      this.#insertSiteKey(siteId, key, atMs);
      return { key, siteId, state: 'live', createdAtMs: atMs };
    });
  }

  async retireSiteKey(key: string): Promise<SiteKey | null> {
    return transaction(this.#db, () => {
      const current = prepared(this.#db, 'SELECT 1 FROM sites WHERE key = ?').get(key);
      if (current !== undefined) {
        throw new RegistryConflict('last-key', 'This is the current key of its site. Make a new one first.');
      }
      const row = prepared(
        this.#db,
        `UPDATE site_keys SET state = 'retired', version = ${NEXT_VERSION} WHERE key = ? AND state <> 'gone'
         RETURNING ${SITE_KEY}`,
      ).get(key);
      return row === undefined ? null : toSiteKey(row);
    });
  }

  async siteKeysOf(siteId: string): Promise<SiteKey[]> {
    return translated(() =>
      prepared(
        this.#db,
        `SELECT ${SITE_KEY} FROM site_keys WHERE site_id = ? AND state <> 'gone' ORDER BY created_at DESC, version DESC`,
      )
        .all(siteId)
        .map(toSiteKey),
    );
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

  async noteApiKeyUse(id: string, atMs: number): Promise<void> {
    translated(() =>
      prepared(
        this.#db,
        'UPDATE api_keys SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?',
      ).run(atMs, id),
    );
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

  async siteKeysSince(version: number): Promise<SiteKeyChanges> {
    const rows = translated(() =>
      allAsArrays(
        this.#db,
        `SELECT k.version, k.key, k.state, k.site_id, s.domain, s.allow_subdomains, s.extra_hosts, s.exclusions
           FROM site_keys k LEFT JOIN sites s ON s.id = k.site_id
           WHERE k.version > ? ORDER BY k.version LIMIT ?`,
        version,
        KEYS_PER_ANSWER,
      ),
    );
    return {
      records: rows.map(([, key, state, site_id, domain, allow_subdomains, extra_hosts, exclusions]) =>
        toSiteKeyRecord({ key, state, site_id, domain, allow_subdomains, extra_hosts, exclusions }),
      ),
      version: Number(rows.at(-1)?.[0] ?? version),
      more: rows.length === KEYS_PER_ANSWER,
    };
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

  #insertSiteKey(siteId: string, key: string, atMs: number): void {
    prepared(
      this.#db,
      `INSERT INTO site_keys (key, site_id, state, created_at, version) VALUES (?, ?, 'live', ?, ${NEXT_VERSION})`,
    ).run(key, siteId, atMs);
  }

  /** Marks every key of a site as changed, one version each. */
  #changeKeysOf(siteId: string, state: SiteKeyRecord['state'] | null): void {
    for (const { key } of prepared(this.#db, 'SELECT key FROM site_keys WHERE site_id = ?').all(siteId)) {
      prepared(
        this.#db,
        `UPDATE site_keys SET state = coalesce(?, state), version = ${NEXT_VERSION} WHERE key = ?`,
      ).run(state, String(key));
    }
  }
}

function translatedError(error: unknown): never {
  return translated(() => {
    throw error;
  });
}
