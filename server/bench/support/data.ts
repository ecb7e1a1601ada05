import { hash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import {
  digestApiKey,
  newAccountId,
  newApiKey,
  newApiKeyId,
  newSiteId,
  newSiteKey,
} from '../../src/domain/keys.ts';
import { digestToken, newId, newToken } from '../../src/domain/tokens.ts';
import type { Store } from '../../src/store/contract/store.ts';
import { EVENT_FILE, REGISTRY_FILE } from './files.ts';

/** Data folders for servers under measurement, filled directly instead of through a server. */

export interface Site {
  id: string;
  domain: string;
  key: string;
}

export interface Owner {
  apiKey: string;
  sites: Site[];
}

/** Creates a folder on the disk of temporary files. */
export async function makeFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'attractos-bench-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Creates the files of a data folder with the program's own schema. */
export async function createFiles(checkout: string, dataDir: string): Promise<void> {
  const store = await openStoreOf(checkout, dataDir);
  await store.close();
}

/** Seals past days, which a running server does in the background. */
export async function sumUpDays(checkout: string, dataDir: string): Promise<void> {
  const store = await openStoreOf(checkout, dataDir);
  await store.reports.sealDaysBefore(Math.floor(Date.now() / DAY_MS));
  await store.close();
}

async function openStoreOf(checkout: string, dataDir: string): Promise<Store> {
  const { openStore } = (await import(
    pathToFileURL(join(checkout, 'server/src/store/open.ts')).href
  )) as typeof import('../../src/store/open.ts');
  return openStore({
    dataDir,
    onBroken: (error) => {
      throw error;
    },
  });
}

/** Opens a database file for filling. Writes are not flushed, because these rows need not survive a power cut. */
export function openForFilling(dataDir: string, file: string): DatabaseSync {
  const db = new DatabaseSync(join(dataDir, file));
  db.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; PRAGMA wal_autocheckpoint = 100000');
  return db;
}

/** Moves everything from the write-ahead log into the file, and closes it. */
export function closeFilled(db: DatabaseSync): void {
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
}

/**
 * Adds accounts on the Pro plan, each with an API key and the listed number of sites.
 *
 * @returns the owners with their sites
 */
export function addOwners(dataDir: string, sitesEach: readonly number[]): Owner[] {
  const db = openForFilling(dataDir, REGISTRY_FILE);
  const account = db.prepare(
    "INSERT INTO accounts (id, email, plan, billing_anchor_day, password_hash, created_at) VALUES (?, ?, 'pro', 1, 'none', ?)",
  );
  const apiKey = db.prepare(
    'INSERT INTO api_keys (id, account_id, name, prefix, hash, created_at) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const site = db.prepare(
    'INSERT INTO sites (id, account_id, domain, key, created_at) VALUES (?, ?, ?, ?, ?)',
  );
  const siteKey = db.prepare(
    "INSERT INTO site_keys (key, site_id, state, created_at, version) VALUES (?, ?, 'live', ?, ?)",
  );
  let version = Number(db.prepare('SELECT coalesce(max(version), 0) AS last FROM site_keys').get()?.last);
  const nowMs = Date.now();
  db.exec('BEGIN');
  const owners = sitesEach.map((count) => {
    const accountId = newAccountId();
    const key = newApiKey();
    const digest = digestApiKey(key);
    if (digest === null) throw new Error('a new API key has no digest');
    account.run(accountId, `${accountId}@example.com`, nowMs);
    apiKey.run(newApiKeyId(), accountId, 'bench', digest.prefix, digest.hash, nowMs);
    const sites: Site[] = [];
    for (let i = 0; i < count; i++) {
      const added = { id: newSiteId(), domain: `site-${version}.example`, key: newSiteKey() };
      site.run(added.id, accountId, added.domain, added.key, nowMs);
      siteKey.run(added.key, added.id, nowMs, ++version);
      sites.push(added);
    }
    return { apiKey: key, sites };
  });
  db.exec('COMMIT');
  closeFilled(db);
  return owners;
}

/** Signs in the owner of a site for a day. @returns the session's token */
export function addSession(dataDir: string, siteId: string): string {
  const db = openForFilling(dataDir, REGISTRY_FILE);
  const token = newToken();
  const nowMs = Date.now();
  db.prepare(
    `INSERT INTO sessions (id, token_hash, account_id, label, created_at, last_seen_at, expires_at)
     SELECT ?, ?, account_id, 'bench', ?, ?, ? FROM sites WHERE id = ?`,
  ).run(newId('ses'), digestToken(token), nowMs, nowMs, nowMs + DAY_MS, siteId);
  closeFilled(db);
  return token;
}

/** Size of a deduplication key in bytes, in a schema where the keys of a commit share a row. */
const KEY_BYTES = 12;

/** All counts of the events file. */
export interface Totals {
  rows: number;
  leaves: number;
  counted: number;
  ledger: number;
  deduplicationKeys: number;
}

export function totals(dataDir: string): Totals {
  const db = new DatabaseSync(join(dataDir, EVENT_FILE), { readOnly: true });
  const one = (sql: string) => Number(db.prepare(sql).get()?.n);
  try {
    return {
      rows: one('SELECT count(*) AS n FROM events'),
      leaves: one('SELECT count(*) AS n FROM leaves'),
      counted: one('SELECT coalesce(sum(events), 0) AS n FROM counters'),
      ledger: one(
        "SELECT coalesce(sum(count), 0) AS n FROM ledger JOIN texts ON texts.id = outcome WHERE text = 'stored'",
      ),
      deduplicationKeys: one(
        hasKeysTogether(db)
          ? `SELECT coalesce(sum(length(keys)), 0) / ${KEY_BYTES} AS n FROM seen`
          : 'SELECT count(*) AS n FROM seen',
      ),
    };
  } finally {
    db.close();
  }
}

const FIRST_EVENT_DAYS_AGO = 29;
const DAY_MS = 86_400_000;
/** The number of days whose deduplication keys are still stored. */
const KEY_DAYS = 2;
const TEXTS = 5_000;
/** The number of the text with the profile that all visitors share. */
const PROFILE_TEXT = 5;
const PROFILE = JSON.stringify([null, null, 'DE', 'phone', 'Chrome', 'Android', 'Europe/Berlin']);
const EVENTS_PER_VISIT = 3;

/**
 * Stores events of the last 30 days in bulk, spread evenly over sites and time, with their visits, counters, ledger and
 * deduplication keys. The tables are those of a server that received the events, but filling takes minutes instead of
 * hours.
 */
export function addEvents(dataDir: string, sites: readonly Site[], count: number): void {
  if (count === 0) return;
  const db = openForFilling(dataDir, EVENT_FILE);
  const today = Math.floor(Date.now() / DAY_MS);
  const firstDay = today - FIRST_EVENT_DAYS_AGO;
  db.exec('BEGIN');
  const site = db.prepare('INSERT INTO sites (id, site) VALUES (?, ?)');
  for (const [i, { id }] of sites.entries()) site.run(i + 1, id);
  const text = db.prepare('INSERT INTO texts (id, hash, text) VALUES (?, ?, ?)');
  text.run(1, textHash('stored'), 'stored');
  text.run(2, textHash('pageview'), 'pageview');
  for (let i = 3; i < TEXTS; i++) {
    const said = i === PROFILE_TEXT ? PROFILE : `/blog/page-${i}`;
    text.run(i, textHash(said), said);
  }
  // Ordered by site and time, like the table.
  const perSite = Math.ceil(count / sites.length);
  const spanMs = Date.now() - firstDay * DAY_MS - 1;
  db.exec(`
    WITH RECURSIVE numbers (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${count - 1})
    INSERT INTO events (site, at, n, visit, name, host, path, nav)
      SELECT 1 + i / ${perSite}, ${firstDay * DAY_MS} + CAST((i % ${perSite}) * (${spanMs}.0 / ${perSite}) AS INTEGER),
        i % ${perSite}, 1 + (i % ${perSite}) / ${EVENTS_PER_VISIT}, 2, 3, 3 + abs(random() % ${TEXTS - 3}), 4 FROM numbers;
    INSERT INTO visits (site, day, no, visitor, first, start_at, start_n, end_at, channel, profile, entry, exit, pageviews, events, engaged)
      SELECT site, at / ${DAY_MS}, visit, random(), visit, min(at) % ${DAY_MS}, min(n), max(at) % ${DAY_MS}, 0, ${PROFILE_TEXT}, 6, 7, count(*), count(*), 0
      FROM events GROUP BY 1, 2, 3;
    INSERT INTO counters (site, day, events, changes)
      SELECT site, at / ${DAY_MS}, count(*), count(*) FROM events GROUP BY 1, 2;
    INSERT INTO ledger (site, day, outcome, host, count, first_at, last_at)
      SELECT site, at / ${DAY_MS}, 1, 3, count(*), min(at), max(at) FROM events GROUP BY 1, 2;
  `);
  addKeys(db, today, Math.round((count / (FIRST_EVENT_DAYS_AGO + 1)) * KEY_DAYS));
  db.exec('COMMIT');
  closeFilled(db);
}

/** Adds deduplication keys as the program stores them: each in its own row, or those of a commit in one. */
function addKeys(db: DatabaseSync, today: number, count: number): void {
  const [table, keysEach, columns] = hasKeysTogether(db)
    ? ['seen (day, n, keys)', 32, `${today} - (i % ${KEY_DAYS}), i, randomblob(${KEY_BYTES} * 32)`]
    : ['seen (day, key)', 1, `${today} - (i % ${KEY_DAYS}), randomblob(12)`];
  const rows = Math.ceil(count / Number(keysEach));
  db.exec(`
    WITH RECURSIVE numbers (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${rows - 1})
    INSERT INTO ${table} SELECT ${columns} FROM numbers;
  `);
}

/** Returns whether the deduplication keys of a commit share a row. */
function hasKeysTogether(db: DatabaseSync): boolean {
  return db.prepare("SELECT 1 FROM pragma_table_info('seen') WHERE name = 'keys'").get() !== undefined;
}

function textHash(text: string): bigint {
  return hash('sha256', text, 'buffer').readBigInt64LE();
}
