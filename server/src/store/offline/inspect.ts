import { existsSync } from 'node:fs';
import type { Databases } from '../contract/databases.ts';
import { type Audit, NO_SITE, StoreBroken, StoreUnavailable } from '../contract/store.ts';
import { type DataFiles, filesIn } from '../data-dir.ts';
import { Database } from '../drivers/postgres.ts';
import { about, complaintsOf, damageOf, schemaComplaints } from '../drivers/sqlite-integrity.ts';
import { EventReader } from '../embedded/reader.ts';
import { examineServer, type ServerFound } from '../registry/postgres/examine.ts';
import { audit } from '../scale-out/audit.ts';
import { PostgresCounts } from '../scale-out/counts/counts.ts';
import { warehouseOf } from '../scale-out/open-warehouse.ts';

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
  if (!existsSync(events))
    return { audit: { counters: [], ledger: [], rollups: [], integrity: [] }, newestEventMs: null, damage };
  if (damage.length === 0) damage.push(...checkPair(files));
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

/** Checks that two files belong together. @returns complaints */
export function checkPair({ events, registry }: DataFiles): string[] {
  if (!existsSync(registry)) return [`${registry} is missing`];
  const strange = [...schemaComplaints(registry, 'accounts'), ...schemaComplaints(events, 'counters')];
  return strange.length > 0 ? strange : orphanSites(events, registry);
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
  const warehouse = warehouseOf(databases, db);
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
