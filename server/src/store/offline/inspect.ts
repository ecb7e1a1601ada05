import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Databases } from '../contract/databases.ts';
import { type Audit, NO_SITE, StoreBroken, StoreUnavailable } from '../contract/store.ts';
import { type DataFiles, filesIn } from '../data-dir.ts';
import { Database } from '../drivers/postgres.ts';
import { openForReading, translated } from '../drivers/sqlite.ts';
import { about, complaintsOf, damageOf, schemaComplaints } from '../drivers/sqlite-integrity.ts';
import { lackingCommits, lackingCommitsComplaint } from '../embedded/commit-numbers.ts';
import { daysFolder } from '../embedded/days/segment-files.ts';
import { EventReader } from '../embedded/reader.ts';
import { installationComplaint } from '../installation.ts';
import { examineServer, type ServerFound } from '../registry/postgres/examine.ts';
import { audit } from '../scale-out/audit.ts';
import { PostgresCounts } from '../scale-out/counts/counts.ts';
import { warehouseOf } from '../scale-out/open-warehouse.ts';
import { readSecretKey } from '../secret-key.ts';
import { freeBytes } from '../shared/free-disk.ts';

/** The findings of an inspection of all stored data. */
export interface Inspection {
  /** The audit; null if a file is too damaged to count its rows. */
  audit: Audit | null;
  newestEventMs: number | null;
  /** Complaints of the engine about files of this folder, except those in `audit`. */
  damage: readonly string[];
}

/** Recounts stored data. A server may be running. */
export async function inspect({
  dataDir,
  databases = null,
}: {
  dataDir: string;
  databases?: Databases | null;
}): Promise<Inspection> {
  const files = filesIn(dataDir);
  const { events, registry, spool } = files;
  if (databases !== null)
    return { ...(await inspectShipped(databases)), damage: existsSync(spool) ? damageOf(spool) : [] };
  const damage = existsSync(registry) ? damageOf(registry) : [];
  if (!existsSync(events)) {
    if (damage.length === 0) damage.push(...complaintOfInstallation(files));
    return { audit: { counters: [], ledger: [], rollups: [], integrity: [] }, newestEventMs: null, damage };
  }
  if (damage.length === 0) damage.push(...checkPair(files));
  if (damage.length === 0) damage.push(...lackingIn(events));
  try {
    return { ...(await inspectEvents(events)), damage };
  } catch (error) {
    // If the engine can still read a damaged file, a row may contain anything.
    if (error instanceof StoreUnavailable && !(error instanceof StoreBroken) && damage.length === 0)
      throw error;
    const complaint = about(events, error instanceof Error ? error.message : String(error));
    return { audit: null, newestEventMs: null, damage: [...new Set([...damage, complaint])] };
  }
}

type Pair = Pick<DataFiles, 'events' | 'registry'>;

/** Checks that two files belong together. @returns complaints */
export function checkPair({ events, registry }: Pair): string[] {
  if (!existsSync(registry)) return [`${registry} is missing`];
  const strange = [...schemaComplaints(registry, 'accounts'), ...schemaComplaints(events, 'counters')];
  if (strange.length === 0) strange.push(...complaintOfInstallation({ events, registry }));
  return strange.length > 0 ? strange : orphanSites(events, registry);
}

function lackingIn(events: string): string[] {
  return complaintsOf(events, (db) => {
    const lacking = lackingCommits(events, db);
    return lacking === 0 ? [] : [lackingCommitsComplaint(events, lacking)];
  });
}

function complaintOfInstallation({ events, registry }: Pair): string[] {
  const complaint = installationComplaint({ events, registry, days: daysFolder(dirname(events)) });
  return complaint === null ? [] : [complaint];
}

async function inspectEvents(file: string): Promise<{ audit: Audit; newestEventMs: number | null }> {
  const reader = new EventReader(file);
  try {
    return { audit: await reader.audit(), newestEventMs: reader.newestEventMs() };
  } finally {
    reader.close();
  }
}

async function inspectShipped(databases: Databases): Promise<Omit<Inspection, 'damage'>> {
  const db = new Database(databases.postgres);
  const warehouse = await warehouseOf(databases, db);
  try {
    return await audit(warehouse, new PostgresCounts(db));
  } finally {
    await warehouse.close();
    await db.close();
  }
}

/** Inspects the database servers without changing anything. @throws StoreUnavailable, NewerSchema */
export async function inspectDatabases({ postgres }: Databases): Promise<{ postgres: ServerFound }> {
  const db = new Database(postgres);
  try {
    return { postgres: await examineServer(db) };
  } finally {
    await db.close();
  }
}

/** Measures the disk of a data folder. */
export async function inspectDisk(dataDir: string): Promise<{ freeBytes: number }> {
  return { freeBytes: await freeBytes(dataDir) };
}

/** A second factor as it is stored. */
export interface StoredSecret {
  accountId: string;
  email: string;
  totpSecret: string;
}

/**
 * Reads the secrets of two-factor authentication, and the secret key of the data folder (null if it has none), without changing
 * anything.
 *
 * @throws StoreUnavailable, InvalidSecretKey
 */
export async function inspectSecrets({
  dataDir,
  databases = null,
}: {
  dataDir: string;
  databases?: Databases | null;
}): Promise<{ secrets: StoredSecret[]; secretKey: string | null }> {
  const { registry } = filesIn(dataDir);
  const rows = databases === null ? secretRowsIn(registry) : await sharedSecretRows(databases);
  const secrets = rows.map(({ id, email, totp_secret }) => ({
    ...{ accountId: String(id), email: String(email), totpSecret: String(totp_secret) },
  }));
  return { secrets, secretKey: databases === null ? readSecretKey(dataDir) : null };
}

const SECRETS = 'SELECT id, email, totp_secret FROM accounts WHERE totp_secret IS NOT NULL ORDER BY id';

function secretRowsIn(registry: string): Record<string, unknown>[] {
  if (!existsSync(registry)) return [];
  const db = openForReading(registry);
  try {
    return translated(() => db.prepare(SECRETS).all(), registry);
  } finally {
    db.close();
  }
}

async function sharedSecretRows({ postgres }: Databases): Promise<Record<string, unknown>[]> {
  const db = new Database(postgres);
  try {
    const { schema } = await examineServer(db);
    return schema === 0 ? [] : (await db.query(SECRETS)).rows;
  } finally {
    await db.close();
  }
}

/** Finds sites of the events file that never had a key in the registry, which shows that the files do not belong together. */
function orphanSites(events: string, registry: string): string[] {
  const [first, ...others] = complaintsOf(events, (db) => {
    db.prepare('ATTACH DATABASE ? AS registry').run(registry);
    return db
      .prepare(
        'SELECT site FROM sites WHERE site <> ? AND site NOT IN (SELECT site_id FROM registry.site_keys)',
      )
      .all(NO_SITE)
      .map((row) => String(row.site));
  });
  if (first === undefined) return [];
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return [about(registry, `has no site ${first}${more}, although there are events of it`)];
}
