import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { takeLock } from './sqlite/driver.ts';
import { type OnBroken, SqliteEvents } from './sqlite/events.ts';
import { EventReader } from './sqlite/reader.ts';
import { SqliteRegistry } from './sqlite/registry.ts';
import type { Events, Registry, Store } from './store.ts';

/** Another server works on the same data folder. */
export class DataDirInUse extends Error {
  override readonly name = 'DataDirInUse';
}

const OWNER_ONLY = 0o700;

async function createDataDir(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: OWNER_ONLY });
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
  await createDataDir(dataDir);
  const lock = takeLock(join(dataDir, 'server.lock'));
  if (lock === null) {
    throw new DataDirInUse(
      `Another server is running on the data folder ${dataDir}. Stop it first, or give this one a folder of its own with DATA_DIR.`,
    );
  }
  let registry: SqliteRegistry | undefined;
  try {
    registry = new SqliteRegistry(join(dataDir, 'registry.db'));
    const openRegistry = registry;
    const events = await SqliteEvents.open(join(dataDir, 'events.db'), onBroken);
    return {
      registry,
      events,
      async close() {
        await events.close();
        openRegistry.close();
        lock.release();
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
  events: Pick<Events, 'countBySite'>;
  close(): void;
}

/** Opens the registry, and the events for reading. Takes no lock, and disturbs no server. */
export async function openShared({ dataDir }: { dataDir: string }): Promise<SharedStore> {
  await createDataDir(dataDir);
  const registry = new SqliteRegistry(join(dataDir, 'registry.db'));
  const eventsFile = join(dataDir, 'events.db');
  // Before the first server has run there are no events.
  const reader = existsSync(eventsFile) ? new EventReader(eventsFile) : null;
  return {
    registry,
    events: {
      countBySite: async (siteIds, range) =>
        reader?.countBySite(siteIds, range) ?? new Map(siteIds.map((siteId) => [siteId, 0])),
    },
    close() {
      reader?.close();
      registry.close();
    },
  };
}
