import { statSync } from 'node:fs';
import { chmod, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { takeLock } from './drivers/sqlite.ts';

/** A failure to start because another server uses the same data folder. */
export class DataDirInUse extends Error {
  override readonly name = 'DataDirInUse';
}

/** The mode of the folder, which only its owner may access. */
const OWNER_ONLY = 0o700;
/** The bits of a mode that let the group and others in. */
const OTHERS = 0o077;
/** The names of databases, their logs, the lock, and the secret key. */
const PRIVATE = /\.(db|lock)(-(wal|shm|journal|commits))?$|^secret\.key/;

/** The files of a data folder. */
export interface DataFiles {
  registry: string;
  events: string;
  spool: string;
  lock: string;
  secretKey: string;
}

export function filesIn(dataDir: string): DataFiles {
  return {
    registry: join(dataDir, 'registry.db'),
    events: join(dataDir, 'events.db'),
    spool: join(dataDir, 'spool.db'),
    lock: join(dataDir, 'server.lock'),
    secretKey: join(dataDir, 'secret.key'),
  };
}

export async function createDataDir(dataDir: string): Promise<DataFiles> {
  await mkdir(dataDir, { recursive: true, mode: OWNER_ONLY });
  return filesIn(dataDir);
}

/**
 * Closes a data folder, its databases and its secret key to other users, in case another program opened them: a copy tool, or an
 * orchestrator.
 *
 * @returns the paths that stay open to others, because they belong to another user
 */
export async function closeToOthers(dataDir: string): Promise<string[]> {
  const files = (await readdir(dataDir)).filter((name) => PRIVATE.test(name));
  const left: string[] = [];
  for (const path of [dataDir, ...files.map((name) => join(dataDir, name))]) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined || (found.mode & OTHERS) === 0) continue;
    const user = process.geteuid?.();
    if (user === found.uid || user === 0) await chmod(path, found.mode & OWNER_ONLY).catch(ignoreMissing);
    else left.push(path);
  }
  return left;
}

/** A log may be deleted at any time by the command that used it. */
function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
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
