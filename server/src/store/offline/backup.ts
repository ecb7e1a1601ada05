import { createHash, type Hash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, constants, copyFile, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DAY_MS } from '../../domain/clock.ts';
import { SECRET_KEY } from '../../domain/secret-box.ts';
import { StoreBroken } from '../contract/store.ts';
import { filesIn } from '../data-dir.ts';
import {
  type Database,
  openForReading,
  openPlain,
  openUntrusted,
  quoted,
  type Statement,
  takeLock,
  translated,
} from '../drivers/sqlite.ts';
import { integrityOf } from '../drivers/sqlite-integrity.ts';
import { MARK_TABLE } from '../drivers/sqlite-mark.ts';
import { migrate, migrateTo } from '../drivers/sqlite-migrate.ts';
import { numberFile } from '../embedded/commit-numbers.ts';
import { complaintOf, daysFolder, filePath } from '../embedded/days/segment-files.ts';
import { FILE_COLUMNS, type FileRelation } from '../embedded/tables/file-columns.ts';
import { EVENT_MIGRATIONS } from '../embedded/tables/schema.ts';
import { allSegments, archivedBefore } from '../embedded/tables/segments.ts';
import { FIRST_VERSION } from '../registry/schema.ts';
import { sqliteSchema } from '../registry/sqlite/schema.ts';
import { readSecretKey, writeSecretKey } from '../secret-key.ts';
import { flush } from '../shared/flush.ts';
import { freeBytes } from '../shared/free-disk.ts';
import { UniqueViolation } from '../shared/unique-violation.ts';
import { appendChecksum, removeChecksum, wholenessOf } from './backup-checksum.ts';
import {
  BACKED_UP_TABLES,
  BACKUP_TABLES,
  columnNames,
  dropForeignTables,
  eventsVersion,
  foreignContent,
  REGISTRY_PREFIX,
  requireAllTables,
  tablesOfVersion,
} from './backup-schema.ts';
import { checkPair } from './inspect.ts';

/**
 * A backup is one SQLite file: the events file's tables under their own names, the registry's under `registry_`, and the files
 * of days that are over in `day_files`. The events are copied first, so that every site they mention is in the registry copied
 * after them. Salts are not copied, because they are meant to be destroyed, and the secret key only if that is asked for.
 *
 * Since format 2, a checksum follows the database and reveals any damage. In format 1, a wrong length and a broken structure
 * are detected, but not a changed byte inside a value. Since format 3, there are files of days.
 *
 * A checksum proves nothing about who made a file, so a restore checks a copy of it as if it were made up: it has exactly the
 * tables that `backup-schema.ts` knows, it is sound, and its two halves belong together. Only then does anything get its name.
 */
/** The bytes of a file of a day per row. */
const DAY_FILE_CHUNK_BYTES = 4 * 1024 * 1024;
/** How often everything is copied before a backup fails because a server replaced files of days meanwhile. */
const COPY_TRIES = 3;
const OWN_SALTS = 'CREATE TABLE main.salts (day INTEGER PRIMARY KEY, salt BLOB NOT NULL) STRICT';
const FORMAT = 3;
const FORMAT_WITHOUT_CHECKSUM = 1;

export class BackupError extends Error {
  override readonly name = 'BackupError';
}

/** Copies both files, each as of one instant. Other processes may write meanwhile. @throws BackupError if `to` exists */
export async function writeBackup({
  events,
  registry,
  secretKey,
  to,
}: {
  events: string;
  registry: string;
  /** The secret key to include; null to leave it out. */
  secretKey: string | null;
  to: string;
}): Promise<void> {
  refuseExisting(to);
  const unfinished = `${to}.unfinished`;
  // Two concurrent runs would mistake each other's copy for their own, and one would end with an unfinished copy.
  const lockFile = `${unfinished}-lock`;
  const lock = takeLock(lockFile);
  if (lock === null) throw new BackupError(`Another backup is being written to ${to}.`);
  try {
    refuseExisting(to);
    const sources = { events, registry, folder: daysFolder(dirname(events)) };
    for (let tries = 1; !(await copyAll(sources, unfinished)); tries++)
      if (tries === COPY_TRIES)
        throw new BackupError('Files of days were replaced during the backup. Try again later.');
    if (secretKey !== null) addSecretKey(unfinished, secretKey);
    await appendChecksum(unfinished);
    await rename(unfinished, to);
  } finally {
    await removeCopies(unfinished, lockFile);
    lock.release();
  }
}

/** Copies everything stored. @returns whether it got through; not if a server replaced files of days meanwhile */
async function copyAll(
  { events, registry, folder }: { events: string; registry: string; folder: string },
  to: string,
): Promise<boolean> {
  await removeCopies(to);
  translated(() => {
    const source = openForReading(events);
    try {
      source.prepare('VACUUM INTO ?').run(to);
    } finally {
      source.close();
    }
    withDatabase(to, (db) => addRegistry(db, registry));
  });
  try {
    await addDayFiles(to, folder);
    return true;
  } catch (error) {
    if (error instanceof BackupError && haveFilesChanged(to, events)) return false;
    throw error;
  }
}

/** Whether a copy names files of days that its source does not name any more. */
function haveFilesChanged(copy: string, source: string): boolean {
  const pathsIn = (file: string) => {
    const db = openForReading(file);
    try {
      return translated(() => filesOfSegments(db).map(({ path }) => path));
    } finally {
      db.close();
    }
  };
  const named = new Set(pathsIn(source));
  return pathsIn(copy).some((path) => !named.has(path));
}

function refuseExisting(to: string): void {
  if (existsSync(to))
    throw new BackupError(`${to} already exists. Choose another file: a backup never overwrites one.`);
}

/** Removes unfinished copies and their journals and logs, including those of a killed run. */
async function removeCopies(...files: readonly string[]): Promise<void> {
  for (const file of files) {
    for (const suffix of ['', '-journal', '-wal', '-shm']) await rm(`${file}${suffix}`, { force: true });
  }
}

/** Adds the files of the segments that the copied tables name. @throws BackupError if one is not what was written */
async function addDayFiles(file: string, folder: string): Promise<void> {
  const db = openPlain(file);
  try {
    db.exec(BACKUP_TABLES.day_files);
    const insert = db.prepare('INSERT INTO day_files (path, n, content) VALUES (?, ?, ?)');
    for (const { path, sha256 } of filesOfSegments(db)) {
      const from = join(folder, path);
      const digest = createHash('sha256');
      db.exec('BEGIN');
      try {
        let n = 0;
        for await (const chunk of createReadStream(from, { highWaterMark: DAY_FILE_CHUNK_BYTES })) {
          digest.update(chunk as Buffer);
          insert.run(path, n++, chunk as Buffer);
        }
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
        throw new BackupError(`${complaintOf(from, cause)}. See: attractos doctor`, { cause });
      }
      // Otherwise good backups would make room for damaged ones.
      if (digest.digest('hex') !== sha256)
        throw new BackupError(`${from} differs from what was written. See: attractos doctor`);
      db.exec('COMMIT');
    }
  } finally {
    db.close();
  }
}

/** Lists the files of all segments, by their paths within the folder of all segments. @throws StoreBroken if they are made up */
function filesOfSegments(db: Database): { path: string; sha256: string }[] {
  // A folder of an earlier version, on which no server has run since.
  if (!tablesOf(db).includes('segments')) return [];
  try {
    return allSegments(db).flatMap((segment) =>
      Object.entries(segment.files).map(([relation, { sha256 }]) => {
        // A backup may be made up, and the name becomes part of a path.
        if (!Object.hasOwn(FILE_COLUMNS, relation))
          throw new StoreBroken(`"${relation}" is not a file of a day`);
        return { path: filePath(segment, relation as FileRelation), sha256 };
      }),
    );
  } catch (error) {
    // Neither the JSON of a segment nor its day need be valid.
    const isMadeUp = [SyntaxError, RangeError, TypeError].some((kind) => error instanceof kind);
    throw isMadeUp ? new StoreBroken(`a segment cannot be read: ${String(error)}`, { cause: error }) : error;
  }
}

/** Writes the files of days that are in a copy of a backup to a folder, and flushes them. */
async function takeDayFiles(file: string, folder: string): Promise<void> {
  const db = openForReading(file);
  try {
    const folders = new Set<string>();
    const chunks = db.prepare('SELECT content FROM day_files WHERE path = ? ORDER BY n');
    // Only paths that this program makes up itself: those in the backup could lead elsewhere.
    for (const { path, sha256 } of filesOfSegments(db)) {
      const to = join(folder, path);
      await mkdir(dirname(to), { recursive: true, mode: 0o700 });
      const digest = createHash('sha256');
      await writeFile(to, contentOf(chunks, path, digest), { flush: true });
      if (digest.digest('hex') !== sha256) throw new StoreBroken(`${path} differs from what was written`);
      for (const changed of foldersOf(path)) folders.add(join(folder, changed));
    }
    for (const changed of folders) await flush(changed);
  } finally {
    db.close();
  }
}

/** Returns the folders above a path, up to the one that it is relative to. */
function foldersOf(path: string): string[] {
  const parent = dirname(path);
  return parent === '.' ? [parent] : [parent, ...foldersOf(parent)];
}

function* contentOf(chunks: Statement, path: string, digest: Hash): Generator<Uint8Array> {
  for (const row of chunks.iterate(path)) {
    const content = row.content as Uint8Array; // BLOB NOT NULL
    digest.update(content);
    yield content;
  }
}

function addSecretKey(file: string, secretKey: string): void {
  translated(() =>
    withDatabase(file, (db) => {
      db.exec(BACKUP_TABLES.secret_key);
      db.prepare('INSERT INTO secret_key (value) VALUES (?)').run(secretKey);
    }),
  );
}

/** Returns the secret key in a copy of a backup; null if it has none. @throws StoreBroken if it is made up */
function secretKeyIn(file: string): string | null {
  const db = openForReading(file);
  try {
    const value = tablesOf(db).includes('secret_key')
      ? db.prepare('SELECT value FROM secret_key').get()?.value
      : undefined;
    if (value === undefined) return null;
    if (!SECRET_KEY.test(String(value))) throw new StoreBroken('the secret key is not one');
    return String(value);
  } finally {
    db.close();
  }
}

/** Refuses a folder with another key than that of a backup, because a restore would overwrite it. */
function refuseOtherSecretKey(dataDir: string, secretKey: string | null): void {
  const present = readSecretKey(dataDir);
  if (secretKey === null || present === null || present === secretKey) return;
  throw new BackupError(
    `${filesIn(dataDir).secretKey} differs from the secret key in the backup. Move it away, then restore again.`,
  );
}

function addRegistry(db: Database, registry: string): void {
  db.prepare('ATTACH DATABASE ? AS registry').run(registry);
  db.exec('BEGIN');
  const schema = Number(db.prepare('PRAGMA registry.user_version').get()?.user_version);
  for (const { name } of tablesOfVersion(schema))
    db.exec(`CREATE TABLE ${REGISTRY_PREFIX}${name} AS SELECT * FROM registry.${name}`);
  db.exec(BACKUP_TABLES.backup);
  db.prepare('INSERT INTO backup (format, registry_schema) VALUES (?, ?)').run(FORMAT, schema);
  db.exec('COMMIT; DETACH DATABASE registry');
}

/** Recreates both files from a backup. @throws BackupError if it is not a backup, is damaged, or is of a newer version */
export async function readBackup({
  from,
  dataDir,
  events,
  registry,
}: {
  from: string;
  dataDir: string;
  events: string;
  registry: string;
}): Promise<void> {
  const made = { events: `${events}.restoring`, registry: `${registry}.restoring` };
  const days = daysFolder(dirname(events));
  const madeDays = `${days}.restoring`;
  await removeCopies(made.events, made.registry);
  await rm(madeDays, { recursive: true, force: true });
  try {
    // Everything is checked in this copy and taken from it, so that nothing can change in between.
    await copyWhole(from, made.events);
    const schema = checkContent(made.events, from);
    const secretKey = secretKeyIn(made.events);
    refuseOtherSecretKey(dataDir, secretKey);
    translated(() =>
      withDatabase(made.registry, (db) => {
        db.prepare('ATTACH DATABASE ? AS backup').run(made.events);
        db.exec('PRAGMA foreign_keys = OFF');
        takeRegistry(db, from, schema);
        takeMark(db);
        db.exec('DETACH DATABASE backup');
      }),
    );
    if (hasDayFiles(made.events)) await takeDayFiles(made.events, madeDays);
    translated(() =>
      withDatabase(made.events, (db) => {
        const present = tablesOf(db);
        const backups = BACKED_UP_TABLES.map(({ name }) => `${REGISTRY_PREFIX}${name}`);
        for (const table of [...Object.keys(BACKUP_TABLES), ...backups])
          if (present.includes(table)) db.exec(`DROP TABLE ${quoted(table)}`);
        db.exec('VACUUM');
        migrate(db, from, EVENT_MIGRATIONS);
        // So that a server notices if it overwrites the file of one that is running.
        db.exec('UPDATE commits SET n = 0');
      }),
    );
    requirePair(made, from);
    if (secretKey !== null) await writeSecretKey(dataDir, secretKey);
    if (existsSync(madeDays)) await rename(madeDays, days);
    await rename(made.registry, registry);
    await flush(dirname(events));
    // Whatever was counted beside an earlier events file.
    await rm(numberFile(events), { force: true });
    // The last one, since without it the others are rolled back.
    await rename(made.events, events);
    await flush(dirname(events));
  } catch (error) {
    throw error instanceof StoreBroken || error instanceof UniqueViolation ? damaged(from, error) : error;
  } finally {
    await removeCopies(made.events, made.registry);
    await rm(madeDays, { recursive: true, force: true });
  }
}

function hasDayFiles(file: string): boolean {
  let has = false;
  withDatabase(file, (db) => {
    has = tablesOf(db).includes('day_files');
  });
  return has;
}

/** Fills a new registry with the backup's state. Opening the registry migrates it. */
function takeRegistry(db: Database, from: string, schema: number): void {
  const isOwn = schema < FIRST_VERSION;
  if (!isOwn) migrateTo(db, from, sqliteSchema(schema));
  db.exec('BEGIN');
  if (isOwn) db.exec(OWN_SALTS);
  for (const table of tablesOfVersion(schema)) {
    const from = `${REGISTRY_PREFIX}${table.name}`;
    const names = columnNames(db, 'backup', from);
    if (!isOwn && names.toSorted().join() !== columnNames(db, 'main', table.name).toSorted().join())
      throw new StoreBroken(`${from} does not have the columns of its version`);
    const columns = names.map(quoted).join(', ');
    const rows = `SELECT ${columns} FROM backup.${quoted(from)} ORDER BY rowid`;
    db.exec(
      isOwn
        ? `CREATE TABLE main.${table.name} AS ${rows}`
        : `INSERT INTO main.${table.name} (${columns}) ${rows}`,
    );
  }
  // Tables of SQLite's own earlier versions are rebuilt from their rows.
  if (isOwn) db.exec(`PRAGMA user_version = ${schema}`);
  db.exec('COMMIT');
  if (isOwn) migrateTo(db, from, sqliteSchema());
}

/** Gives a new registry the mark of the events. Those of an earlier version have none. */
function takeMark(registry: Database): void {
  const hasMark = registry.prepare(`SELECT 1 FROM backup.sqlite_master WHERE name = 'installation'`).get();
  registry.exec(MARK_TABLE);
  if (hasMark !== undefined)
    registry.exec('INSERT INTO main.installation SELECT id, complete FROM backup.installation');
}

/**
 * Rolls back a restore that was killed between its files, so that it can be repeated. In that state the files of days and the
 * registry may be in place, but the events file still has its temporary name.
 */
export async function rollBackPartialRestore({
  events,
  registry,
}: {
  events: string;
  registry: string;
}): Promise<void> {
  if (existsSync(events) || !existsSync(`${events}.restoring`)) return;
  for (const name of ['', '-wal', '-shm']) await rm(`${registry}${name}`, { force: true });
  await rm(daysFolder(dirname(events)), { recursive: true, force: true });
}

function damaged(from: string, cause?: unknown): BackupError {
  return new BackupError(
    `${from} is damaged or incomplete. Nothing was restored. Copy the file again or use another backup.`,
    { cause },
  );
}

function notABackup(from: string, reason?: string, cause?: unknown): BackupError {
  const said = reason === undefined ? '.' : `: ${reason}. Nothing was restored.`;
  return new BackupError(`${from} is not a backup${said}`, { cause });
}

/** Copies a backup. @throws BackupError if the file is truncated, padded or otherwise changed, or if there is no room for it */
async function copyWhole(from: string, to: string): Promise<void> {
  if (!existsSync(from)) throw new BackupError(`The file ${from} does not exist.`);
  const unreadable = (cause: unknown) =>
    new BackupError(`Cannot read ${from}: ${cause instanceof Error ? cause.message : cause}.`, { cause });
  try {
    const { size } = await stat(from);
    // Otherwise a restore could fill the disk of a server that runs beside it.
    const free = await freeBytes(dirname(to));
    if (free < size)
      throw new BackupError(
        `The disk of ${dirname(to)} has ${free} bytes free, but the backup has ${size}. Nothing was restored.`,
      );
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    await chmod(to, 0o600);
  } catch (error) {
    throw error instanceof BackupError ? error : unreadable(error);
  }
  const wholeness = await wholenessOf(to);
  if (wholeness === 'no database') throw notABackup(from);
  if (wholeness === 'damaged') throw damaged(from);
  if (wholeness === 'matches its checksum') await removeChecksum(to);
  else if (formatOf(to, from) > FORMAT_WITHOUT_CHECKSUM) throw damaged(from);
}

/** Reads a backup's format. */
function formatOf(file: string, from: string): number {
  return inUntrusted(file, (db) => readHead(db, from).format);
}

/** Checks that a copy of a backup holds what a backup holds, and is sound. @returns the version of its registry's schema */
function checkContent(copy: string, from: string): number {
  const schema = inUntrusted(copy, (db) => {
    const { format, schema } = readHead(db, from);
    const isNewer =
      format > FORMAT || schema > sqliteSchema().version || eventsVersion(db) > EVENT_MIGRATIONS.length;
    if (isNewer)
      throw new BackupError(`${from} was written by a newer version. Upgrade AttractOS, then restore.`);
    const foreign = foreignContent(db);
    if (foreign !== null) throw notABackup(from, `it contains ${foreign}, which no backup has`);
    requireAllTables(db, schema);
    return schema;
  });
  translated(() => withDatabase(copy, dropForeignTables));
  inUntrusted(copy, (db) => {
    const [complaint] = integrityOf(db);
    if (complaint !== undefined) throw new StoreBroken(complaint);
  });
  return schema;
}

function inUntrusted<T>(file: string, work: (db: Database) => T): T {
  const db = openUntrusted(file);
  try {
    return translated(() => work(db));
  } finally {
    db.close();
  }
}

function readHead(db: Database, from: string): { format: number; schema: number } {
  let found: Record<string, unknown> | undefined;
  try {
    found = db.prepare('SELECT format, registry_schema FROM backup').get();
  } catch (error) {
    throw notABackup(from, undefined, error);
  }
  const [format, schema] = [Number(found?.format), Number(found?.registry_schema)];
  if (!(format >= FORMAT_WITHOUT_CHECKSUM && schema >= 1)) throw damaged(from);
  return { format, schema };
}

/** Refuses a backup whose accounts do not know the sites of its events. */
function requirePair(made: { events: string; registry: string }, from: string): void {
  const [complaint] = checkPair(made);
  if (complaint !== undefined) throw damaged(from, new StoreBroken(complaint));
}

function tablesOf(db: Database): string[] {
  return db
    .prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`)
    .all()
    .map((row) => String(row.name));
}

function withDatabase(file: string, work: (db: Database) => void): void {
  const db = openPlain(file);
  try {
    work(db);
  } finally {
    db.close();
  }
}

/** Returns the size of a file in bytes. */
export async function sizeOf(file: string): Promise<number> {
  return (await stat(file)).size;
}

/** Counts the events in a backup or an events file. */
export function countEvents(file: string): number {
  const db = openForReading(file);
  try {
    return translated(() => {
      const hasSegments = tablesOf(db).includes('segments');
      const before = hasSegments ? archivedBefore(db) : 0;
      const count = (sql: string) => Number(Object.values(db.prepare(sql).get(before) ?? {})[0]);
      const stored = count(`SELECT count(*) FROM events WHERE at >= ? * ${DAY_MS}`);
      if (!hasSegments) return stored;
      // A segment may have more rows than are needed, so archived days are counted by their counters.
      const archived = count(
        `SELECT coalesce(sum(c.events), 0) FROM sealed_days d JOIN counters c ON c.site = d.site AND c.day = d.day
           LEFT JOIN expired x ON x.site = d.site WHERE d.day < ? AND d.day * ${DAY_MS} >= coalesce(x.before_at, 0)`,
      );
      return stored + archived;
    });
  } finally {
    db.close();
  }
}
