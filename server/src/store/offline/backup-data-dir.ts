import { existsSync } from 'node:fs';
import type { Databases } from '../contract/databases.ts';
import { createDataDir, filesIn, isThere, takeServerLock } from '../data-dir.ts';
import { daysFolder } from '../embedded/days/segment-files.ts';
import { installationComplaint } from '../installation.ts';
import { readSecretKey } from '../secret-key.ts';
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

/**
 * Writes a consistent copy of everything stored to a new file.
 *
 * @param secretKey the key in the settings; null if it is in the data folder
 * @param withSecretKey whether the copy includes the secret key
 * @throws BackupError
 */
export async function backup({
  dataDir,
  databases = null,
  file,
  secretKey = null,
  withSecretKey = false,
}: BackupPlace & { secretKey?: string | null; withSecretKey?: boolean }) {
  refuseDatabases(databases);
  const files = filesIn(dataDir);
  if (!isThere(files.events)) {
    const complaint = installationComplaint({ ...files, days: daysFolder(dataDir) });
    throw new BackupError(
      complaint === null
        ? `There is no data in ${dataDir}. Set DATA_DIR to the folder that the server uses.`
        : `${complaint}. See: attractos doctor`,
    );
  }
  // Without its registry the copy would look like a backup, but allow no sign-in.
  const [complaint] = checkPair(files);
  if (complaint !== undefined) throw new BackupError(`${complaint}. See: attractos doctor`);
  const key = withSecretKey ? (secretKey ?? readSecretKey(dataDir)) : null;
  if (withSecretKey && key === null)
    throw new BackupError(
      `There is no ${files.secretKey}, and SECRET_KEY is not set. Put back the key, or leave out --with-secret-key.`,
    );
  await writeBackup({ events: files.events, registry: files.registry, secretKey: key, to: file });
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
    await readBackup({ from: file, dataDir, events: files.events, registry: files.registry });
  } finally {
    lock.release();
  }
  return { dataDir, events: countEvents(files.events) };
}
