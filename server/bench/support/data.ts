import { hash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { digestApiKey, newAccountId, newApiKey, newApiKeyId, newSiteId, newSiteKey } from '../../src/keys.ts';
import { writeProfile } from '../../src/store/sqlite/profile.ts';
import type { Store } from '../../src/store/store.ts';
import { EVENT_FILE, REGISTRY_FILE } from './files.ts';

/** Data folders for servers under measurement, filled without going through them. */

export interface Site {
  id: string;
  domain: string;
  key: string;
}

export interface Owner {
  apiKey: string;
  sites: Site[];
}

/** A fresh folder on the disk that temporary files are on. */
export async function makeFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'attractos-bench-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Creates the files of a data folder with the program's own schema. */
export async function createFiles(checkout: string, dataDir: string): Promise<void> {
  const store = await openStoreOf(checkout, dataDir);
  await store.close();
}

/** Sums up days that are over, which a server that runs does by and by. */
export async function sumUpDays(checkout: string, dataDir: string): Promise<void> {
  const store = await openStoreOf(checkout, dataDir);
  await store.reports.prepare(Math.floor(Date.now() / DAY_MS));
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

/** Opens one of the files for filling: fast, since nobody needs these rows after a power cut. */
export function openForFilling(dataDir: string, file: string): DatabaseSync {
  const db = new DatabaseSync(join(dataDir, file));
  db.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; PRAGMA wal_autocheckpoint = 100000');
  return db;
}

/** Moves everything from the log into the file. */
export function closeFilled(db: DatabaseSync): void {
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
}

/**
 * Adds accounts of the Pro plan, each with an API key and as many sites as the list says.
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

/** Bytes of a deduplication key, where those of a commit share a row. */
const KEY_BYTES = 12;

/** What the events file says when it is counted in every way there is. */
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
/** Days whose deduplication keys are still there. */
const KEY_DAYS = 2;
const TEXTS = 5_000;
/** The number of the text that says what is known of every visitor. */
const PROFILE_TEXT = 5;
const PROFILE = writeProfile({
  source: null,
  campaign: null,
  country: 'DE',
  device: 'phone',
  browser: 'Chrome',
  os: 'Android',
  timeZone: 'Europe/Berlin',
});
const EVENTS_PER_VISIT = 3;
const SLOT_MS = 900_000;

/**
 * Stores events of the last 30 days in bulk, spread evenly over sites and time, with their visits, roll-ups, counters,
 * ledger and deduplication keys: the same tables as a server that received them would have, in minutes instead of hours.
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
  // By site and time, as the table is ordered.
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
    INSERT INTO slots (site, slot, events, pageviews, bots, visits, referrals, bounces, engaged, first_seen, last_seen)
      SELECT site, at / ${SLOT_MS}, count(*), count(*), 0, 0, 0, 0, 0, 0, 0 FROM events GROUP BY 1, 2;
    INSERT INTO counters (site, day, events, changes)
      SELECT site, at / ${DAY_MS}, count(*), count(*) FROM events GROUP BY 1, 2;
    INSERT INTO ledger (site, day, outcome, host, count, first_at, last_at)
      SELECT site, at / ${DAY_MS}, 1, 3, count(*), min(at), max(at) FROM events GROUP BY 1, 2;
  `);
  addKeys(db, today, Math.round((count / (FIRST_EVENT_DAYS_AGO + 1)) * KEY_DAYS));
  db.exec('COMMIT');
  closeFilled(db);
}

/** Deduplication keys, the way the program keeps them: each in a row of its own, or those of a commit in one. */
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

/** Whether the deduplication keys of a commit share a row. */
function hasKeysTogether(db: DatabaseSync): boolean {
  return db.prepare("SELECT 1 FROM pragma_table_info('seen') WHERE name = 'keys'").get() !== undefined;
}

function textHash(text: string): bigint {
  return hash('sha256', text, 'buffer').readBigInt64LE();
}
