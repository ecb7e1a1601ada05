import { domainTaken, keyLimit, lastKey, siteLimit } from '../registry-conflicts.ts';
import { addedSite, SITE, SITE_KEY, toSite, toSiteKey, toSiteKeyRecord } from '../registry-rows.ts';
import {
  type Exclusions,
  type HostRules,
  type NewSite,
  SITE_KEYS_MAX,
  type Site,
  type SiteKey,
  type SiteKeyChanges,
  type SiteKeyRecord,
} from '../store.ts';
import {
  allAsArrays,
  type Database,
  isUniqueViolation,
  prepared,
  transaction,
  translated,
} from './driver.ts';
import { SqlitePeople } from './registry-people.ts';

/** Most sites handed over in one answer. */
const SITES_PER_ANSWER = 1_000;
/** Most site keys handed over in one answer. */
const KEYS_PER_ANSWER = 10_000;

const NEXT_VERSION = '(SELECT coalesce(max(version), 0) + 1 FROM site_keys)';

/** The chapter of the registry about sites and their keys, on top of the one about people. */
export class SqliteSites extends SqlitePeople {
  readonly #db: Database;

  constructor(db: Database) {
    super(db);
    this.#db = db;
  }

  async createSite(site: NewSite, limit: number | null): Promise<Site> {
    return transaction(this.#db, () => {
      const has = prepared(this.#db, 'SELECT count(*) AS sites FROM sites WHERE account_id = ?').get(
        site.accountId,
      );
      if (limit !== null && Number(has?.sites) >= limit) throw siteLimit(limit);
      try {
        prepared(
          this.#db,
          'INSERT INTO sites (id, account_id, domain, key, created_at) VALUES (?, ?, ?, ?, ?)',
        ).run(site.id, site.accountId, site.domain, site.key, site.createdAtMs);
      } catch (error) {
        if (isUniqueViolation(error)) throw domainTaken(site.domain);
        throw error;
      }
      insertSiteKey(this.#db, site.id, site.key, site.createdAtMs);
      return addedSite(site);
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
    return translated(() => {
      const row = prepared(this.#db, `SELECT ${SITE} FROM sites WHERE id = ?`).get(id);
      return row === undefined ? null : toSite(row);
    });
  }

  async removeSite(siteId: string): Promise<boolean> {
    return transaction(this.#db, () => {
      changeKeysOf(this.#db, siteId, 'gone');
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
      changeKeysOf(this.#db, siteId, null);
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
      changeKeysOf(this.#db, siteId, null);
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
      insertSiteKey(this.#db, siteId, key, atMs);
      return { key, siteId, state: 'live', createdAtMs: atMs };
    });
  }

  async retireSiteKey(key: string): Promise<SiteKey | null> {
    return transaction(this.#db, () => {
      const current = prepared(this.#db, 'SELECT 1 FROM sites WHERE key = ?').get(key);
      if (current !== undefined) throw lastKey();
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
}

function insertSiteKey(db: Database, siteId: string, key: string, atMs: number): void {
  prepared(
    db,
    `INSERT INTO site_keys (key, site_id, state, created_at, version) VALUES (?, ?, 'live', ?, ${NEXT_VERSION})`,
  ).run(key, siteId, atMs);
}

/** Marks every key of a site as changed, one version each. To be called in a transaction. */
export function changeKeysOf(db: Database, siteId: string, state: SiteKeyRecord['state'] | null): void {
  for (const { key } of prepared(db, 'SELECT key FROM site_keys WHERE site_id = ?').all(siteId)) {
    prepared(
      db,
      `UPDATE site_keys SET state = coalesce(?, state), version = ${NEXT_VERSION} WHERE key = ?`,
    ).run(state, String(key));
  }
}
