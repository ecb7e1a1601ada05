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
import type { Database, Queries } from './driver.ts';
import { PostgresPeople } from './registry-people.ts';

/** Most sites handed over in one answer. */
const SITES_PER_ANSWER = 1_000;
/** Most site keys handed over in one answer. */
const KEYS_PER_ANSWER = 10_000;

/**
 * Held, until its commit, by whoever gives site keys new versions: versions become visible in their order, none is passed
 * over by a reader, and sites are added one after the other. Taken before any row is locked. The number is ours alone.
 */
export const KEYS_LOCK = 4_129_002;
/** Told with every commit that changes site keys. */
const KEYS_CHANNEL = 'attractos_site_keys';

const LAST_VERSION = '(SELECT coalesce(max(version), 0) FROM site_keys)';

/** The chapter of the registry about sites and their keys, on top of the one about people. */
export class PostgresSites extends PostgresPeople {
  readonly #db: Database;

  constructor(db: Database) {
    super(db);
    this.#db = db;
  }

  async createSite(site: NewSite, limit: number | null): Promise<Site> {
    return changeKeys(this.#db, async (tx) => {
      const has = await tx.query('SELECT count(*) AS sites FROM sites WHERE account_id = $1', site.accountId);
      if (limit !== null && Number(has.rows[0]?.sites) >= limit) throw siteLimit(limit);
      const { count } = await tx.query(
        `INSERT INTO sites (id, account_id, domain, key, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (account_id, domain) DO NOTHING`,
        site.id,
        site.accountId,
        site.domain,
        site.key,
        site.createdAtMs,
      );
      if (count === 0) throw domainTaken(site.domain);
      await insertSiteKey(tx, site.id, site.key, site.createdAtMs);
      return addedSite(site);
    });
  }

  async sitesOf(accountId: string): Promise<Site[]> {
    const { rows } = await this.#db.query(
      `SELECT ${SITE} FROM sites WHERE account_id = $1 ORDER BY created_at, seq`,
      accountId,
    );
    return rows.map(toSite);
  }

  async siteById(id: string): Promise<Site | null> {
    const { rows } = await this.#db.query(`SELECT ${SITE} FROM sites WHERE id = $1`, id);
    return rows[0] === undefined ? null : toSite(rows[0]);
  }

  async removeSite(siteId: string): Promise<boolean> {
    return changeKeys(this.#db, async (tx) => {
      await changeKeysOf(tx, siteId, 'gone');
      return (await tx.query('DELETE FROM sites WHERE id = $1', siteId)).count === 1;
    });
  }

  async removedSites(afterId: string): Promise<string[]> {
    const { rows } = await this.#db.query(
      `SELECT DISTINCT site_id FROM site_keys WHERE state = 'gone' AND site_id > $1 ORDER BY site_id LIMIT $2`,
      afterId,
      SITES_PER_ANSWER,
    );
    return rows.map((row) => String(row.site_id));
  }

  async setHostRules(siteId: string, { allowSubdomains, extraHosts }: HostRules): Promise<Site | null> {
    return changeKeys(this.#db, async (tx) => {
      const { rows } = await tx.query(
        `UPDATE sites SET allow_subdomains = $1, extra_hosts = $2 WHERE id = $3 RETURNING ${SITE}`,
        allowSubdomains,
        JSON.stringify(extraHosts),
        siteId,
      );
      if (rows[0] === undefined) return null;
      await changeKeysOf(tx, siteId, null);
      return toSite(rows[0]);
    });
  }

  async setRetention(siteId: string, days: number | null): Promise<Site | null> {
    const { rows } = await this.#db.query(
      `UPDATE sites SET retention_days = $1 WHERE id = $2 RETURNING ${SITE}`,
      days,
      siteId,
    );
    return rows[0] === undefined ? null : toSite(rows[0]);
  }

  async setSiteTimeZone(siteId: string, timeZone: string | null): Promise<Site | null> {
    const { rows } = await this.#db.query(
      `UPDATE sites SET time_zone = $1 WHERE id = $2 RETURNING ${SITE}`,
      timeZone,
      siteId,
    );
    return rows[0] === undefined ? null : toSite(rows[0]);
  }

  async setExclusions(siteId: string, exclusions: Exclusions | null): Promise<Site | null> {
    return changeKeys(this.#db, async (tx) => {
      const { rows } = await tx.query(
        `UPDATE sites SET exclusions = $1 WHERE id = $2 RETURNING ${SITE}`,
        exclusions === null ? null : JSON.stringify(exclusions),
        siteId,
      );
      if (rows[0] === undefined) return null;
      await changeKeysOf(tx, siteId, null);
      return toSite(rows[0]);
    });
  }

  async sitesAfter(siteId: string | null, { ownRetention } = { ownRetention: false }): Promise<Site[]> {
    const { rows } = await this.#db.query(
      `SELECT ${SITE} FROM sites
         WHERE seq > coalesce((SELECT seq FROM sites WHERE id = $1), 0) AND (retention_days IS NOT NULL OR NOT $2::boolean)
         ORDER BY seq LIMIT $3`,
      siteId,
      ownRetention,
      SITES_PER_ANSWER,
    );
    return rows.map(toSite);
  }

  async addSiteKey(siteId: string, key: string, atMs: number): Promise<SiteKey | null> {
    return changeKeys(this.#db, async (tx) => {
      const { count } = await tx.query('UPDATE sites SET key = $1 WHERE id = $2', key, siteId);
      if (count === 0) return null;
      const { count: keys } = await tx.query('SELECT 1 FROM site_keys WHERE site_id = $1', siteId);
      if (keys >= SITE_KEYS_MAX) throw keyLimit();
      await insertSiteKey(tx, siteId, key, atMs);
      return { key, siteId, state: 'live', createdAtMs: atMs };
    });
  }

  async retireSiteKey(key: string): Promise<SiteKey | null> {
    return changeKeys(this.#db, async (tx) => {
      const current = await tx.query('SELECT 1 FROM sites WHERE key = $1', key);
      if (current.count > 0) throw lastKey();
      const { rows } = await tx.query(
        `UPDATE site_keys SET state = 'retired', version = ${LAST_VERSION} + 1 WHERE key = $1 AND state <> 'gone'
         RETURNING ${SITE_KEY}`,
        key,
      );
      return rows[0] === undefined ? null : toSiteKey(rows[0]);
    });
  }

  async siteKeysOf(siteId: string): Promise<SiteKey[]> {
    const { rows } = await this.#db.query(
      `SELECT ${SITE_KEY} FROM site_keys WHERE site_id = $1 AND state <> 'gone' ORDER BY created_at DESC, version DESC`,
      siteId,
    );
    return rows.map(toSiteKey);
  }

  /** A database that was put back to an earlier state may hold less than was seen of it: then it is told from the start. */
  async siteKeysSince(version: number): Promise<SiteKeyChanges> {
    const { rows } = await this.#db.query(
      `SELECT k.key, k.state, k.version, k.site_id, s.domain, s.allow_subdomains, s.extra_hosts, s.exclusions
         FROM site_keys k LEFT JOIN sites s ON s.id = k.site_id
         WHERE k.version > CASE WHEN ${LAST_VERSION} < $1::bigint THEN 0 ELSE $1::bigint END
         ORDER BY k.version LIMIT $2`,
      version,
      KEYS_PER_ANSWER,
    );
    const last = rows.at(-1);
    return {
      records: rows.map(toSiteKeyRecord),
      version: last === undefined ? version : Number(last.version),
      more: rows.length === KEYS_PER_ANSWER,
    };
  }

  onSiteKeysChanged(listener: () => void): () => void {
    return this.#db.listen(KEYS_CHANNEL, listener);
  }
}

/** Runs `work` in a transaction that may give site keys new versions; collectors hear of its commit. */
export function changeKeys<T>(db: Database, work: (tx: Queries) => Promise<T>): Promise<T> {
  return db.transaction(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1)', KEYS_LOCK);
    const result = await work(tx);
    await tx.query("SELECT pg_notify($1, '')", KEYS_CHANNEL);
    return result;
  });
}

async function insertSiteKey(tx: Queries, siteId: string, key: string, atMs: number): Promise<void> {
  await tx.query(
    `INSERT INTO site_keys (key, site_id, state, created_at, version) VALUES ($1, $2, 'live', $3, ${LAST_VERSION} + 1)`,
    key,
    siteId,
    atMs,
  );
}

/** Marks every key of a site as changed, one version each. To be called in `changeKeys`. */
export async function changeKeysOf(
  tx: Queries,
  siteId: string,
  state: SiteKeyRecord['state'] | null,
): Promise<void> {
  await tx.query(
    `UPDATE site_keys SET state = coalesce($1, state), version = ${LAST_VERSION} + ordered.n
       FROM (SELECT key, row_number() OVER (ORDER BY version) AS n FROM site_keys WHERE site_id = $2) ordered
       WHERE site_keys.key = ordered.key`,
    state,
    siteId,
  );
}
