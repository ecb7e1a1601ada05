import { existsSync } from 'node:fs';
import type { Databases } from '../contract/databases.ts';
import { createDataDir, filesIn, isThere, takeServerLock } from '../data-dir.ts';
import { daysFolder } from '../embedded/days/segment-files.ts';
import {
  BackupError,
  countEvents,
  readBackup,
  rollBackPartialRestore,
  sizeOf,
  writeBackup,
} from './backup.ts';
import { checkPair } from './inspect.ts';

interface BackupPlace {
  dataDir: string;
  databases?: Databases | null;
  file: string;
}

/** Refuses to run with databases: a copy of the folder alone would look like a backup, but hold almost nothing. */
function refuseDatabases(databases: Databases | null): void {
  if (databases === null) return;
  throw new BackupError(
    'All data is in PostgreSQL and ClickHouse. Back them up with their own tools: pg_dump and BACKUP DATABASE.',
  );
}

/** Writes a consistent copy of everything stored to a new file. @throws BackupError */
export async function backup({ dataDir, databases = null, file }: BackupPlace) {
  refuseDatabases(databases);
  const files = filesIn(dataDir);
  if (!isThere(files.events))
    throw new BackupError(`There is no data in ${dataDir}. Set DATA_DIR to the folder that the server uses.`);
  // Without its registry the copy would look like a backup, but allow no sign-in.
  const [complaint] = checkPair(files);
  if (complaint !== undefined) throw new BackupError(`${complaint}. See: attractos doctor`);
  await writeBackup({ events: files.events, registry: files.registry, to: file });
  return { file, bytes: await sizeOf(file), events: countEvents(file) };
}

/** Fills an empty folder from a backup. @throws BackupError, DataDirInUse */
export async function restore({ dataDir, databases = null, file }: BackupPlace) {
  refuseDatabases(databases);
  const files = await createDataDir(dataDir);
  const lock = takeServerLock(files, dataDir);
  try {
    await rollBackPartialRestore(files);
    if ([files.events, files.registry, daysFolder(dataDir)].some((path) => existsSync(path))) {
      throw new BackupError(
        `${dataDir} already holds data. Restore into an empty folder, then set DATA_DIR to it.`,
      );
    }
    await readBackup({ from: file, events: files.events, registry: files.registry });
  } finally {
    lock.release();
  }
  return { dataDir, events: countEvents(files.events) };
}
