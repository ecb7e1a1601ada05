import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Database } from './postgres/driver.ts';
import { PostgresRegistry } from './postgres/registry.ts';
import { BackupError, countEvents, readBackup, sizeOf, writeBackup } from './sqlite/backup.ts';
import { takeLock } from './sqlite/driver.ts';
import { type OnBroken, SqliteEvents } from './sqlite/events.ts';
import { EventReader } from './sqlite/reader.ts';
import { SqliteRegistry } from './sqlite/registry.ts';
import type { Audit, Events, Registry, Store } from './store.ts';

/** Another server works on the same data folder. */
export class DataDirInUse extends Error {
  override readonly name = 'DataDirInUse';
}

const OWNER_ONLY = 0o700;

interface Files {
  registry: string;
  events: string;
  lock: string;
}

function filesIn(dataDir: string): Files {
  return {
    registry: join(dataDir, 'registry.db'),
    events: join(dataDir, 'events.db'),
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

/** A registry that any number of processes share, on a server of its own. @throws StoreUnavailable, NewerSchema */
export async function openPostgresRegistry(
  databaseUrl: string,
): Promise<{ registry: Registry; close(): Promise<void> }> {
  const db = new Database(databaseUrl);
  try {
    return { registry: await PostgresRegistry.open(db), close: () => db.close() };
  } catch (error) {
    await db.close();
    throw error;
  }
}

/**
 * Opens the whole store for a server; a second server on the same folder is turned away.
 *
 * @param onBroken told once when the files can no longer be trusted: end the process then
 * @throws DataDirInUse, StoreUnavailable, NewerSchema
 */
export async function openStore({
  dataDir,
  onBroken,
}: {
  dataDir: string;
  onBroken: OnBroken;
}): Promise<Store> {
  const files = await createDataDir(dataDir);
  const lock = takeServerLock(files, dataDir);
  let registry: SqliteRegistry | undefined;
  try {
    registry = new SqliteRegistry(files.registry);
    const openedRegistry = registry;
    const events = await SqliteEvents.open(files.events, onBroken);
    const letGo = async () => {
      await events.close();
      openedRegistry.close();
      lock.release();
    };
    let closed: Promise<void> | undefined;
    return {
      registry,
      events,
      reports: events.reports,
      close() {
        closed ??= letGo();
        return closed;
      },
    };
  } catch (error) {
    registry?.close();
    lock.release();
    throw error;
  }
}

/** What the command line works with, beside a running server or without one. */
export interface SharedStore {
  registry: Registry;
  events: Pick<Events, 'countBySite' | 'ledger' | 'keyUse'>;
  close(): void;
}

/** Opens the registry, and the events for reading. Takes no lock, and disturbs no server. */
export async function openShared({ dataDir }: { dataDir: string }): Promise<SharedStore> {
  const files = await createDataDir(dataDir);
  const registry = new SqliteRegistry(files.registry);
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
    close() {
      reader?.close();
      registry.close();
    },
  };
}

/** Recounts what is stored, beside a running server or without one. */
export async function inspect({
  dataDir,
}: {
  dataDir: string;
}): Promise<{ audit: Audit; newestEventMs: number | null }> {
  const { events } = filesIn(dataDir);
  if (!existsSync(events))
    return { audit: { counters: [], ledger: [], rollups: [], integrity: [] }, newestEventMs: null };
  const reader = new EventReader(events);
  try {
    return { audit: reader.audit(), newestEventMs: reader.newestEventMs() };
  } finally {
    reader.close();
  }
}

/** Writes a consistent copy of everything stored to a new file. @throws BackupError */
export async function backup({ dataDir, file }: { dataDir: string; file: string }) {
  const files = filesIn(dataDir);
  if (!existsSync(files.events)) throw new BackupError(`There is nothing to back up in ${dataDir}.`);
  await writeBackup({ events: files.events, registry: files.registry, to: file });
  return { file, bytes: await sizeOf(file), events: countEvents(file) };
}

/** Fills a folder that holds nothing yet from a backup. @throws BackupError, DataDirInUse */
export async function restore({ dataDir, file }: { dataDir: string; file: string }) {
  const files = await createDataDir(dataDir);
  const lock = takeServerLock(files, dataDir);
  try {
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
