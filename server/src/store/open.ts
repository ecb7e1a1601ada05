import { existsSync } from 'node:fs';
import { systemClock } from '../domain/clock.ts';
import type { Databases } from './contract/databases.ts';
import type { Events, Registry, ReportLimits, Reports, SharedCounters, Store } from './contract/store.ts';
import { createDataDir, type DataFiles, takeServerLock } from './data-dir.ts';
import { Database } from './drivers/postgres.ts';
import { type OnBroken, SqliteEvents } from './embedded/events.ts';
import { EventReader } from './embedded/reader.ts';
import { openPostgresRegistry } from './registry/postgres/registry.ts';
import { openSqliteRegistry } from './registry/sqlite/registry.ts';
import { PostgresCounts } from './scale-out/counts/counts.ts';
import { PostgresSharedCounters } from './scale-out/counts/shared-counters.ts';
import { warehouseOf } from './scale-out/open-warehouse.ts';
import { ShippedEvents } from './scale-out/shipped-events.ts';
import { SqliteSpool } from './scale-out/spool/spool.ts';
import { toRow } from './scale-out/warehouse/row.ts';

/** Chooses and opens the engines for a configuration. */

interface OpenRegistry {
  registry: Registry;
  sharedCounters?: SharedCounters;
  close(): Promise<void>;
}

async function openRegistry(files: DataFiles, databases: Databases | null): Promise<OpenRegistry> {
  if (databases !== null) return openSharedRegistry(databases.postgres);
  return openSqliteRegistry(files.registry);
}

async function openSharedRegistry(url: string): Promise<OpenRegistry> {
  const db = new Database(url);
  try {
    const registry = await openPostgresRegistry(db);
    return {
      registry,
      sharedCounters: await PostgresSharedCounters.open(db, registry),
      close: () => db.close(),
    };
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** The default size limit of a spool. */
const SPOOL_MAX_BYTES = 4 * 1024 ** 3;

type OpenEvents = Events & { reports: Reports; close(): Promise<void> };

/** The default limits of reports, which leave room on a machine with 1 GB. */
const REPORT_LIMITS: ReportLimits = { memoryMib: 256, threads: 2, spillFolder: null };

interface EventPlaces {
  databases: Databases | null;
  spoolMaxBytes: number;
  reportLimits: ReportLimits;
  onBroken: OnBroken;
}

/**
 * Opens the events half. With databases, only the spool is opened here; their tables are created when they are first
 * reached.
 */
async function openEvents(files: DataFiles, places: EventPlaces): Promise<OpenEvents> {
  const { databases, spoolMaxBytes, reportLimits, onBroken } = places;
  if (databases === null) return SqliteEvents.open(files.events, onBroken, reportLimits);
  const spool = await SqliteSpool.open(files.spool, { maxBytes: spoolMaxBytes, onBroken });
  const db = new Database(databases.postgres);
  return new ShippedEvents({
    spool,
    warehouse: warehouseOf(databases, db),
    counts: new PostgresCounts(db),
    toRow,
    clock: systemClock,
    onClosed: () => db.close(),
  });
}

/**
 * Opens the whole store for a server. A second server on the same folder is refused.
 *
 * @param databases null if everything is in the folder
 * @param onBroken called once if the files can no longer be trusted; the process must then end
 * @throws DataDirInUse, StoreUnavailable, NewerSchema
 */
export async function openStore({
  dataDir,
  databases = null,
  spoolMaxBytes = SPOOL_MAX_BYTES,
  reportLimits = REPORT_LIMITS,
  onBroken,
}: {
  dataDir: string;
  databases?: Databases | null;
  /** Maximum bytes in the local spool; when it is full, entries are rejected with `StoreBusy`. */
  spoolMaxBytes?: number;
  /** What reports may use on this machine. */
  reportLimits?: ReportLimits;
  onBroken: OnBroken;
}): Promise<Store> {
  const files = await createDataDir(dataDir);
  const lock = takeServerLock(files, dataDir);
  let opened: OpenRegistry | undefined;
  try {
    opened = await openRegistry(files, databases);
    const { registry, sharedCounters, close: closeRegistry } = opened;
    const events = await openEvents(files, { databases, spoolMaxBytes, reportLimits, onBroken });
    const release = async () => {
      await events.close();
      await closeRegistry();
      lock.release();
    };
    let closed: Promise<void> | undefined;
    return {
      registry,
      events,
      reports: events.reports,
      ...(sharedCounters === undefined ? {} : { sharedCounters }),
      close() {
        closed ??= release();
        return closed;
      },
    };
  } catch (error) {
    await opened?.close();
    lock.release();
    throw error;
  }
}

/** The store of the command line, which works whether a server is running or not. */
export interface SharedStore {
  registry: Registry;
  events: Pick<Events, 'countBySite' | 'ledger' | 'keyUse'>;
  close(): Promise<void>;
}

/** Opens the registry, and the events for reading. Takes no lock, and does not disturb a server. */
export async function openShared({
  dataDir,
  databases = null,
}: {
  dataDir: string;
  databases?: Databases | null;
}): Promise<SharedStore> {
  const files = await createDataDir(dataDir);
  const { registry, close } = await openRegistry(files, databases);
  if (databases !== null) return sharedCounts(databases, { registry, close });
  // The events file does not exist until a server has run.
  const reader = existsSync(files.events) ? new EventReader(files.events) : null;
  return {
    registry,
    events: {
      countBySite: async (siteIds, range) =>
        reader?.countBySite(siteIds, range) ?? new Map(siteIds.map((siteId) => [siteId, 0])),
      ledger: async (siteId, range) => reader?.ledger(siteId, range) ?? [],
      keyUse: async (siteId) => reader?.keyUse(siteId) ?? [],
    },
    async close() {
      reader?.close();
      await close();
    },
  };
}

function sharedCounts({ postgres }: Databases, { registry, close }: OpenRegistry): SharedStore {
  const db = new Database(postgres);
  return {
    registry,
    events: new PostgresCounts(db),
    async close() {
      await db.close();
      await close();
    },
  };
}
