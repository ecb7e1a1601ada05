import { statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { takeLock } from './drivers/sqlite.ts';

/** A failure to start because another server uses the same data folder. */
export class DataDirInUse extends Error {
  override readonly name = 'DataDirInUse';
}

/** The mode of the folder, which only its owner may access. */
const OWNER_ONLY = 0o700;

/** The files of a data folder. */
export interface DataFiles {
  registry: string;
  events: string;
  spool: string;
  lock: string;
}

export function filesIn(dataDir: string): DataFiles {
  return {
    registry: join(dataDir, 'registry.db'),
    events: join(dataDir, 'events.db'),
    spool: join(dataDir, 'spool.db'),
    lock: join(dataDir, 'server.lock'),
  };
}

export async function createDataDir(dataDir: string): Promise<DataFiles> {
  await mkdir(dataDir, { recursive: true, mode: OWNER_ONLY });
  return filesIn(dataDir);
}

/** Takes the lock that allows only one server to use a data folder. @throws DataDirInUse */
export function takeServerLock(files: DataFiles, dataDir: string): { release(): void } {
  const lock = takeLock(files.lock);
  if (lock !== null) return lock;
  throw new DataDirInUse(
    `Another server is running on the data folder ${dataDir}. Stop it first, or use another folder with DATA_DIR.`,
  );
}

/** Checks whether a file exists. @throws Error if this user lacks permission to check */
export function isThere(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}
