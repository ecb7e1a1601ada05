import { existsSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../clock.ts';
import type { Databases } from '../config.ts';
import { toMovedRow } from './clickhouse/checksum.ts';
import { toRow } from './clickhouse/row.ts';
import { ClickHouseWarehouse } from './clickhouse/warehouse.ts';
import { type Moved, MoveError, moveEvents } from './move.ts';
import { PostgresBooks } from './postgres/books.ts';
import { BooksFill } from './postgres/books-fill.ts';
import { Database } from './postgres/driver.ts';
import { examineServer, type ServerFound } from './postgres/examine.ts';
import { PostgresRegistry } from './postgres/registry.ts';
import { fillRegistry } from './postgres/registry-fill.ts';
import { PostgresTally } from './postgres/tally.ts';
import { ShippedEvents } from './shipped-events.ts';
import { BackupError, countEvents, readBackup, sizeOf, takeBackHalf, writeBackup } from './sqlite/backup.ts';
import { takeLock } from './sqlite/driver.ts';
import { EventDump } from './sqlite/event-dump.ts';
import { type OnBroken, SqliteEvents } from './sqlite/events.ts';
import { about, damageOf, strangenessOf, strangersOf } from './sqlite/integrity.ts';
import { EventReader } from './sqlite/reader.ts';
import { SqliteRegistry } from './sqlite/registry.ts';
import { RegistryDump } from './sqlite/registry-dump.ts';
import { SqliteSpool } from './sqlite/spool/spool.ts';
import {
  type Audit,
  type Events,
  type Registry,
  type Reports,
  type Store,
  StoreBroken,
  StoreUnavailable,
  type Tally,
} from './store.ts';

/** Another server works on the same data folder. */
export class DataDirInUse extends Error {
  override readonly name = 'DataDirInUse';
}

const OWNER_ONLY = 0o700;

interface Files {
  registry: string;
  events: string;
  spool: string;
  lock: string;
}

function filesIn(dataDir: string): Files {
  return {
    registry: join(dataDir, 'registry.db'),
    events: join(dataDir, 'events.db'),
    spool: join(dataDir, 'spool.db'),
    lock: join(dataDir, 'server.lock'),
  };
}

async function createDataDir(dataDir: string): Promise<Files> {
  await mkdir(dataDir, { recursive: true, mode: OWNER_ONLY });
  return filesIn(dataDir);
}

/** Takes the place of the one server that may work on a data folder. @throws DataDirInUse */
function takeServerLock(files: Files, dataDir: string): { release(): void } {
  const lock = takeLock(files.lock);
  if (lock !== null) return lock;
  throw new DataDirInUse(
    `Another server is running on the data folder ${dataDir}. Stop it first, or use another folder with DATA_DIR.`,
  );
}

interface OpenRegistry {
  registry: Registry;
  tally?: Tally;
  close(): Promise<void>;
}

async function openRegistry(files: Files, databases: Databases | null): Promise<OpenRegistry> {
  if (databases !== null) return openPostgresRegistry(databases.postgres);
  const registry = new SqliteRegistry(files.registry);
  return { registry, close: async () => registry.close() };
}

async function openPostgresRegistry(url: string): Promise<OpenRegistry> {
  const db = new Database(url);
  try {
    const registry = await PostgresRegistry.open(db);
    return { registry, tally: await PostgresTally.open(db, registry), close: () => db.close() };
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** Bytes that may wait in a spool where nothing else is said. */
const SPOOL_MAX_BYTES = 4 * 1024 ** 3;

type OpenEvents = Events & { reports: Reports; close(): Promise<void> };

interface EventPlaces {
  databases: Databases | null;
  spoolMaxBytes: number;
  onBroken: OnBroken;
}

/**
 * Beside databases, events need only the spool to be opened: what is kept in the databases is made when they are first
 * reached.
 */
async function openEvents(files: Files, places: EventPlaces): Promise<OpenEvents> {
  const { databases, spoolMaxBytes, onBroken } = places;
  if (databases === null) return SqliteEvents.open(files.events, onBroken);
  const spool = await SqliteSpool.open(files.spool, { maxBytes: spoolMaxBytes, onBroken });
  const db = new Database(databases.postgres);
  return new ShippedEvents({
    spool,
    warehouse: warehouseOf(databases),
    books: new PostgresBooks(db),
    toRow,
    clock: systemClock,
    onClosed: () => db.close(),
  });
}

function warehouseOf({ clickhouse }: Databases): ClickHouseWarehouse {
  return new ClickHouseWarehouse(clickhouse.split(',').map((url) => url.trim()));
}

/**
 * Opens the whole store for a server; a second server on the same folder is turned away.
 *
 * @param databases null: everything is in the folder
 * @param onBroken told once when the files can no longer be trusted: end the process then
 * @throws DataDirInUse, StoreUnavailable, NewerSchema
 */
export async function openStore({
  dataDir,
  databases = null,
  spoolMaxBytes = SPOOL_MAX_BYTES,
  onBroken,
}: {
  dataDir: string;
  databases?: Databases | null;
  /** Bytes that may wait for the databases on this machine; more is `StoreBusy`. */
  spoolMaxBytes?: number;
  onBroken: OnBroken;
}): Promise<Store> {
  const files = await createDataDir(dataDir);
  const lock = takeServerLock(files, dataDir);
  let opened: OpenRegistry | undefined;
  try {
    opened = await openRegistry(files, databases);
    const { registry, tally, close: closeRegistry } = opened;
    const events = await openEvents(files, { databases, spoolMaxBytes, onBroken });
    const letGo = async () => {
      await events.close();
      await closeRegistry();
      lock.release();
    };
    let closed: Promise<void> | undefined;
    return {
      registry,
      events,
      reports: events.reports,
      ...(tally === undefined ? {} : { tally }),
      close() {
        closed ??= letGo();
        return closed;
      },
    };
  } catch (error) {
    await opened?.close();
    lock.release();
    throw error;
  }
}

/** What the command line works with, beside a running server or without one. */
export interface SharedStore {
  registry: Registry;
  events: Pick<Events, 'countBySite' | 'ledger' | 'keyUse'>;
  close(): Promise<void>;
}

/** Opens the registry, and the events for reading. Takes no lock, and disturbs no server. */
export async function openShared({
  dataDir,
  databases = null,
}: {
  dataDir: string;
  databases?: Databases | null;
}): Promise<SharedStore> {
  const files = await createDataDir(dataDir);
  const { registry, close } = await openRegistry(files, databases);
  if (databases !== null) return sharedBooks(databases, { registry, close });
  // Before the first server has run there are no events.
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

function sharedBooks({ postgres }: Databases, { registry, close }: OpenRegistry): SharedStore {
  const db = new Database(postgres);
  return {
    registry,
    events: new PostgresBooks(db),
    async close() {
      await db.close();
      await close();
    },
  };
}

/**
 * Copies everything from a data folder into the databases, beside a running server or without one. May be repeated, and then
 * copies what changed, until the databases are used.
 *
 * @param onProgress told how much is done, from 0 to 1
 * @throws MoveError where the databases are in use, or hold something else than was sent; StoreUnavailable, NewerSchema
 */
export async function moveStore({
  dataDir,
  to,
  onProgress,
}: {
  dataDir: string;
  to: Databases;
  onProgress: (share: number) => void;
}): Promise<Moved & { registryRows: number }> {
  const files = filesIn(dataDir);
  if (!isThere(files.events)) throw new MoveError(`There is nothing to move in ${dataDir}.`);
  const db = new Database(to.postgres);
  const rows = warehouseOf(to);
  const from = new EventDump(files.events);
  try {
    const registryRows = await moveRegistry(files, db, (share) => onProgress(share * REGISTRY_SHARE));
    const moved = await moveEvents({
      from,
      rows,
      counts: new BooksFill(db),
      toRow: toMovedRow,
      onProgress: (done, all) => onProgress(REGISTRY_SHARE + ((1 - REGISTRY_SHARE) * done) / all),
    });
    return { ...moved, registryRows };
  } finally {
    from.close();
    await rows.close();
    await db.close();
  }
}

/** Reads as of one instant, and no longer than it must: as long as it does, destroyed salts stay in the log. */
async function moveRegistry(
  files: Files,
  db: Database,
  onProgress: (share: number) => void,
): Promise<number> {
  await PostgresRegistry.open(db);
  const registry = new RegistryDump(files.registry);
  try {
    const all = Math.max(1, registry.count());
    return await fillRegistry(
      db,
      (table) => registry.rows(table),
      (done) => onProgress(done / all),
    );
  } finally {
    registry.close();
  }
}

/** Of the way shown, what the registry takes. */
const REGISTRY_SHARE = 0.05;

/** What a look at everything that is stored has found. */
export interface Inspection {
  /** Null where a file is too damaged to be counted. */
  audit: Audit | null;
  newestEventMs: number | null;
  /** Complaints of the engine about files of this folder, those in `audit` apart. */
  damage: readonly string[];
}

/** Recounts what is stored, beside a running server or without one. */
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
  if (damage.length === 0) damage.push(...misfits(files));
  try {
    return { ...inspectEvents(events), damage };
  } catch (error) {
    // Where the engine reads on, what stands in a row may be what no program ever wrote.
    if (error instanceof StoreUnavailable && !(error instanceof StoreBroken) && damage.length === 0)
      throw error;
    const complaint = about(events, error instanceof Error ? error.message : String(error));
    return { audit: null, newestEventMs: null, damage: [...new Set([...damage, complaint])] };
  }
}

/** What says that these are not the two files of one installation. */
function misfits({ events, registry }: Files): string[] {
  if (!existsSync(registry)) return [`${registry} is missing`];
  const strange = [...strangenessOf(registry, 'accounts'), ...strangenessOf(events, 'counters')];
  return strange.length > 0 ? strange : strangersOf(events, registry);
}

function inspectEvents(file: string): { audit: Audit; newestEventMs: number | null } {
  const reader = new EventReader(file);
  try {
    return { audit: reader.audit(), newestEventMs: reader.newestEventMs() };
  } finally {
    reader.close();
  }
}

/** Compares what is counted with the rows there are. Differs for a moment while batches are under way. */
async function inspectShipped(databases: Databases): Promise<Omit<Inspection, 'damage'>> {
  const db = new Database(databases.postgres);
  const warehouse = warehouseOf(databases);
  try {
    const { rows, newestAtMs } = await warehouse.countAll();
    const audit = await new PostgresBooks(db).audit(rows);
    return { audit: { ...audit, rollups: [], integrity: [] }, newestEventMs: newestAtMs };
  } finally {
    await warehouse.close();
    await db.close();
  }
}

/** Looks at the servers of the databases without changing anything. @throws StoreUnavailable, NewerSchema */
export async function inspectDatabases({ postgres }: Databases): Promise<{ postgres: ServerFound }> {
  const db = new Database(postgres);
  try {
    return { postgres: await examineServer(db) };
  } finally {
    await db.close();
  }
}

/** Whether there is a file. @throws Error where this user may not know */
function isThere(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}

interface BackupPlace {
  dataDir: string;
  databases?: Databases | null;
  file: string;
}

/** A copy of the folder alone would look like a backup and hold next to nothing. */
function refuseDatabases(databases: Databases | null): void {
  if (databases === null) return;
  throw new BackupError(
    'Everything is in PostgreSQL and ClickHouse: back them up with their own tools, pg_dump and BACKUP DATABASE.',
  );
}

/** Writes a consistent copy of everything stored to a new file. @throws BackupError */
export async function backup({ dataDir, databases = null, file }: BackupPlace) {
  refuseDatabases(databases);
  const files = filesIn(dataDir);
  if (!isThere(files.events)) throw new BackupError(`There is nothing to back up in ${dataDir}.`);
  // It would look like a backup, and nobody could sign in to what it holds.
  const [complaint] = misfits(files);
  if (complaint !== undefined) throw new BackupError(`${complaint}. See: attractos doctor`);
  await writeBackup({ events: files.events, registry: files.registry, to: file });
  return { file, bytes: await sizeOf(file), events: countEvents(file) };
}

/** Fills a folder that holds nothing yet from a backup. @throws BackupError, DataDirInUse */
export async function restore({ dataDir, databases = null, file }: BackupPlace) {
  refuseDatabases(databases);
  const files = await createDataDir(dataDir);
  const lock = takeServerLock(files, dataDir);
  try {
    await takeBackHalf(files);
    if (existsSync(files.events) || existsSync(files.registry)) {
      throw new BackupError(
        `${dataDir} holds data already. Restore into an empty folder, then use that one.`,
      );
    }
    await readBackup({ from: file, events: files.events, registry: files.registry });
  } finally {
    lock.release();
  }
  return { dataDir, events: countEvents(files.events) };
}
