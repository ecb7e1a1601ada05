import { existsSync } from 'node:fs';
import { systemClock } from '../domain/clock.ts';
import type { Databases } from './contract/databases.ts';
import type {
  AskedReports,
  Events,
  Registry,
  ReportLimits,
  Reports,
  SharedCounters,
  Store,
  TextLimits,
} from './contract/store.ts';
import { closeToOthers, createDataDir, type DataFiles, takeServerLock } from './data-dir.ts';
import { Database } from './drivers/postgres.ts';
import { lackingCommitsComplaint } from './embedded/commit-numbers.ts';
import { ActivityBeside } from './embedded/days/activity-beside.ts';
import { daysFolder } from './embedded/days/segment-files.ts';
import { type OnBroken, SqliteEvents } from './embedded/events.ts';
import { EventReader } from './embedded/reader.ts';
import { beginInstallation, completeInstallation, requireInstallation } from './installation.ts';
import { openPostgresRegistry } from './registry/postgres/registry.ts';
import { openSqliteRegistry } from './registry/sqlite/registry.ts';
import { PostgresCounts } from './scale-out/counts/counts.ts';
import { PostgresSharedCounters } from './scale-out/counts/shared-counters.ts';
import { warehouseOf } from './scale-out/open-warehouse.ts';
import { ShippedEvents } from './scale-out/shipped-events.ts';
import { SqliteSpool } from './scale-out/spool/spool.ts';
import { toRow } from './scale-out/warehouse/row.ts';
import { FreeDisk } from './shared/free-disk.ts';

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

/** The default limits of text, which hardly any site reaches. */
const TEXT_LIMITS: TextLimits = { texts: 1_000_000, bytes: 1024 ** 3 };

interface EventPlaces {
  disk: FreeDisk;
  textLimits: TextLimits;
  databases: Databases | null;
  spoolMaxBytes: number;
  reportLimits: ReportLimits;
  onBroken: OnBroken;
  onWarning: (message: string) => void;
}

/**
 * Opens the events half. With databases, only the spool is opened here; their tables are created when they are first
 * reached.
 */
async function openEvents(files: DataFiles, places: EventPlaces): Promise<OpenEvents> {
  const { databases, spoolMaxBytes, onBroken, textLimits, disk } = places;
  if (databases === null) return openMarkedEvents(files, places);
  const spool = await SqliteSpool.open(files.spool, { maxBytes: spoolMaxBytes, onBroken });
  const db = new Database(databases.postgres);
  return new ShippedEvents({
    spool,
    warehouse: await warehouseOf(databases, db),
    counts: new PostgresCounts(db),
    toRow,
    clock: systemClock,
    ...{ textLimits, disk },
    onClosed: () => db.close(),
  });
}

/** Opens the events file. On the first start, it and the registry get the mark of the installation. */
async function openMarkedEvents(
  files: DataFiles,
  { onBroken, onWarning, reportLimits, textLimits, disk }: EventPlaces,
): Promise<OpenEvents> {
  const mark = beginInstallation(files.registry);
  const events = await SqliteEvents.open(files.events, {
    ...{ onBroken, limits: reportLimits, textLimits, disk },
  });
  try {
    const lacking = await events.takeLackingCommits();
    if (lacking > 0)
      onWarning(
        `${lackingCommitsComplaint(files.events, lacking)}. If you have a better copy, stop the server and put it back.`,
      );
    if (mark.isComplete) return events;
    await events.mark({ ...mark, isComplete: true });
    completeInstallation(files.registry, mark);
    return events;
  } catch (error) {
    await events.close();
    throw error;
  }
}

/**
 * Opens the whole store for a server. A second server on the same folder is refused.
 *
 * @param databases null if everything is in the folder
 * @param onBroken called once if the files can no longer be trusted. The process must then end, unless they are gone
 * @throws DataDirInUse, IncompleteDataDir, StoreUnavailable, NewerSchema
 */
export async function openStore({
  dataDir,
  databases = null,
  spoolMaxBytes = SPOOL_MAX_BYTES,
  reportLimits = REPORT_LIMITS,
  textLimits = TEXT_LIMITS,
  minFreeBytes = 0,
  onBroken,
  onWarning = () => undefined,
}: {
  dataDir: string;
  databases?: Databases | null;
  /** Maximum bytes in the local spool; when it is full, entries are rejected with `StoreBusy`. */
  spoolMaxBytes?: number;
  /** What reports may use on this machine. */
  reportLimits?: ReportLimits;
  /** How much text each site may store per day. */
  textLimits?: TextLimits;
  /** The free bytes on the disk of the folder below which no events are stored; 0 for any. */
  minFreeBytes?: number;
  onBroken: OnBroken;
  /** Called with what the operator should know about the files. */
  onWarning?: (message: string) => void;
}): Promise<Store> {
  const files = await createDataDir(dataDir);
  const lock = takeServerLock(files, dataDir);
  let opened: OpenRegistry | undefined;
  let disk: FreeDisk | undefined;
  try {
    const left = await closeToOthers(dataDir);
    if (left.length > 0)
      onWarning(
        `Other users can open ${left.join(', ')}, which this user does not own. Run: chmod go= ${left.join(' ')}`,
      );
    if (databases === null) requireInstallation({ ...files, days: daysFolder(dataDir) });
    opened = await openRegistry(files, databases);
    const { registry, sharedCounters, close: closeRegistry } = opened;
    disk = await FreeDisk.watch(dataDir, minFreeBytes);
    const watched = disk;
    const events = await openEvents(files, {
      ...{ disk, textLimits, databases, spoolMaxBytes, reportLimits, onBroken, onWarning },
    });
    const release = async () => {
      await watched.stop();
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
    await disk?.stop();
    await opened?.close();
    lock.release();
    throw error;
  }
}

/** The store of the command line, which works whether a server is running or not. */
export interface SharedStore {
  registry: Registry;
  events: Pick<Events, 'countBySite' | 'ledger' | 'keyUse'>;
  reports: Pick<AskedReports, 'listActivity'>;
  close(): Promise<void>;
}

/**
 * Opens the registry, and the events for reading. Takes no lock, and does not disturb a server.
 *
 * @throws IncompleteDataDir, StoreUnavailable, NewerSchema
 */
export async function openShared({
  dataDir,
  databases = null,
}: {
  dataDir: string;
  databases?: Databases | null;
}): Promise<SharedStore> {
  const files = await createDataDir(dataDir);
  if (databases === null) requireInstallation({ ...files, days: daysFolder(dataDir) });
  const { registry, close } = await openRegistry(files, databases);
  if (databases !== null) return sharedCounts(databases, { registry, close });
  // The events file does not exist until a server has run.
  const reader = existsSync(files.events) ? new EventReader(files.events) : null;
  const activity = reader === null ? null : new ActivityBeside(files.events);
  return {
    registry,
    events: {
      countBySite: async (siteIds, range) =>
        reader?.countBySite(siteIds, range) ?? new Map(siteIds.map((siteId) => [siteId, 0])),
      ledger: async (siteId, range) => reader?.ledger(siteId, range) ?? [],
      keyUse: async (siteId) => reader?.keyUse(siteId) ?? [],
    },
    reports: {
      listActivity: async (scope, options) =>
        activity?.listActivity(scope, options) ?? { items: [], nextCursor: null },
    },
    async close() {
      await activity?.close();
      reader?.close();
      await close();
    },
  };
}

async function sharedCounts(databases: Databases, { registry, close }: OpenRegistry): Promise<SharedStore> {
  const db = new Database(databases.postgres);
  const warehouse = await warehouseOf(databases, db);
  return {
    registry,
    events: new PostgresCounts(db),
    reports: warehouse.reports,
    async close() {
      await warehouse.close();
      await db.close();
      await close();
    },
  };
}
