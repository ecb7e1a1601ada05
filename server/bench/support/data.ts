import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { digestApiKey, newAccountId, newApiKey, newApiKeyId, newSiteId, newSiteKey } from '../../src/keys.ts';
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
  const { openStore } = (await import(
    pathToFileURL(join(checkout, 'server/src/store/open.ts')).href
  )) as typeof import('../../src/store/open.ts');
  const store = await openStore({
    dataDir,
    onBroken: (error) => {
      throw error;
    },
  });
  await store.close();
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

/** What the events file says when it is counted in every way there is. */
export interface Totals {
  rows: number;
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
      counted: one('SELECT coalesce(sum(events), 0) AS n FROM counters'),
      ledger: one(
        "SELECT coalesce(sum(count), 0) AS n FROM ledger JOIN texts ON texts.id = outcome WHERE text = 'stored'",
      ),
      deduplicationKeys: one('SELECT count(*) AS n FROM seen'),
    };
  } finally {
    db.close();
  }
}
