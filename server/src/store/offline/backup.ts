import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DAY_MS } from '../../domain/clock.ts';
import { StoreBroken } from '../contract/store.ts';
import {
  type Database,
  openForReading,
  openPlain,
  type Statement,
  takeLock,
  translated,
} from '../drivers/sqlite.ts';
import { integrityOf } from '../drivers/sqlite-integrity.ts';
import { migrate, migrateTo } from '../drivers/sqlite-migrate.ts';
import { complaintOf, daysFolder, filePath, flush } from '../embedded/days/segment-files.ts';
import { FILE_COLUMNS, type FileRelation } from '../embedded/tables/file-columns.ts';
import { EVENT_MIGRATIONS } from '../embedded/tables/schema.ts';
import { allSegments, archivedBefore } from '../embedded/tables/segments.ts';
import { FIRST_VERSION } from '../registry/schema.ts';
import { sqliteSchema } from '../registry/sqlite/schema.ts';
import { REGISTRY_TABLES } from '../registry/tables.ts';
import { appendChecksum, wholenessOf } from './backup-checksum.ts';

/**
 * A backup is one SQLite file: the events file's tables under their own names, the registry's under `registry_`, and the files
 * of days that are over in `day_files`. The events are copied first, so that every site they mention is in the registry copied
 * after them. Salts are not copied, because they are meant to be destroyed.
 *
 * Since format 2, a checksum follows the database and reveals any damage. In format 1, a wrong length and a broken structure
 * are detected, but not a changed byte inside a value. Since format 3, there are files of days.
 */
const PREFIX = 'registry_';
const LEFT_OUT = 'salts';
const DAY_FILES = 'day_files';
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
  to,
}: {
  events: string;
  registry: string;
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

/** Removes unfinished copies and their journals, including those of a killed run. */
async function removeCopies(...files: readonly string[]): Promise<void> {
  for (const file of files) {
    await rm(file, { force: true });
    await rm(`${file}-journal`, { force: true });
  }
}

/** Adds the files of the segments that the copied tables name. @throws BackupError if one is not what was written */
async function addDayFiles(file: string, folder: string): Promise<void> {
  const db = openPlain(file);
  try {
    db.exec(
      'CREATE TABLE day_files (path TEXT NOT NULL, n INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY (path, n)) STRICT',
    );
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

/** Lists the files of all segments, by their paths within the folder of all segments. */
function filesOfSegments(db: Database): { path: string; sha256: string }[] {
  // A folder of an earlier version, on which no server has run since.
  if (!tablesOf(db, 'main').includes('segments')) return [];
  return allSegments(db).flatMap((segment) =>
    Object.entries(segment.files).map(([relation, { sha256 }]) => {
      // A backup may be made up, and the name becomes part of a path.
      if (!Object.hasOwn(FILE_COLUMNS, relation))
        throw new StoreBroken(`"${relation}" is not a file of a day`);
      return { path: filePath(segment, relation as FileRelation), sha256 };
    }),
  );
}

/** Writes the files of days that are in a copy of a backup to a folder, and flushes them. */
async function takeDayFiles(file: string, folder: string): Promise<void> {
  const db = openForReading(file);
  try {
    const folders = new Set<string>();
    const chunks = db.prepare('SELECT content FROM day_files WHERE path = ? ORDER BY n');
    // Only paths that this program makes up itself: those in the backup could lead elsewhere.
    for (const { path } of filesOfSegments(db)) {
      const to = join(folder, path);
      await mkdir(dirname(to), { recursive: true, mode: 0o700 });
      await writeFile(to, contentOf(chunks, path), { flush: true });
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

function* contentOf(chunks: Statement, path: string): Generator<Uint8Array> {
  for (const { content } of chunks.iterate(path)) yield content as Uint8Array; // BLOB NOT NULL
}

function addRegistry(db: Database, registry: string): void {
  db.prepare('ATTACH DATABASE ? AS registry').run(registry);
  db.exec('BEGIN');
  for (const table of tablesOf(db, 'registry')) {
    if (table !== LEFT_OUT) db.exec(`CREATE TABLE ${PREFIX}${table} AS SELECT * FROM registry.${table}`);
  }
  const schema = Number(db.prepare('PRAGMA registry.user_version').get()?.user_version);
  db.exec('CREATE TABLE backup (format INTEGER NOT NULL, registry_schema INTEGER NOT NULL) STRICT');
  db.prepare('INSERT INTO backup (format, registry_schema) VALUES (?, ?)').run(FORMAT, schema);
  db.exec('COMMIT; DETACH DATABASE registry');
}

/** Recreates both files from a backup. @throws BackupError if it is not a backup, is damaged, or is of a newer version */
export async function readBackup({
  from,
  events,
  registry,
}: {
  from: string;
  events: string;
  registry: string;
}): Promise<void> {
  if (!existsSync(from)) throw new BackupError(`The file ${from} does not exist.`);
  const hasChecksum = await checkWhole(from);
  const made = { events: `${events}.restoring`, registry: `${registry}.restoring` };
  const days = daysFolder(dirname(events));
  const madeDays = `${days}.restoring`;
  await removeCopies(made.events, made.registry);
  await rm(madeDays, { recursive: true, force: true });
  try {
    translated(() => {
      let schema = 0;
      const source = openForReading(from);
      try {
        schema = readSchema(source, { from, hasChecksum });
        source.prepare('VACUUM INTO ?').run(made.events);
      } finally {
        source.close();
      }
      withDatabase(made.registry, (db) => {
        db.prepare('ATTACH DATABASE ? AS backup').run(made.events);
        db.exec('PRAGMA foreign_keys = OFF');
        takeRegistry(db, from, schema);
        db.exec('DETACH DATABASE backup');
      });
    });
    if (hasDayFiles(made.events)) await takeDayFiles(made.events, madeDays);
    translated(() =>
      withDatabase(made.events, (db) => {
        for (const table of tablesOf(db, 'main')) {
          if (table.startsWith(PREFIX) || table === 'backup' || table === DAY_FILES)
            db.exec(`DROP TABLE ${table}`);
        }
        db.exec('VACUUM');
        migrate(db, from, EVENT_MIGRATIONS);
      }),
    );
    if (existsSync(madeDays)) await rename(madeDays, days);
    await rename(made.registry, registry);
    await flush(dirname(events));
    // The last one, since without it the others are rolled back.
    await rename(made.events, events);
    await flush(dirname(events));
  } catch (error) {
    throw error instanceof StoreBroken ? damaged(from, error) : error;
  } finally {
    await removeCopies(made.events, made.registry);
    await rm(madeDays, { recursive: true, force: true });
  }
}

function hasDayFiles(file: string): boolean {
  let has = false;
  withDatabase(file, (db) => {
    has = tablesOf(db, 'main').includes(DAY_FILES);
  });
  return has;
}

/** Fills a new registry with the backup's state. Opening the registry migrates it. */
function takeRegistry(db: Database, from: string, schema: number): void {
  const isOwn = schema < FIRST_VERSION;
  if (!isOwn) migrateTo(db, from, sqliteSchema(schema));
  db.exec('BEGIN');
  for (const { name } of REGISTRY_TABLES) {
    const rows = `SELECT * FROM backup.${PREFIX}${name}`;
    if (isOwn) db.exec(name === LEFT_OUT ? OWN_SALTS : `CREATE TABLE main.${name} AS ${rows}`);
    else if (name !== LEFT_OUT) db.exec(`INSERT INTO main.${name} ${rows}`);
  }
  // Tables of SQLite's own earlier versions are rebuilt from their rows.
  if (isOwn) db.exec(`PRAGMA user_version = ${schema}`);
  db.exec('COMMIT');
  if (isOwn) migrateTo(db, from, sqliteSchema());
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

function notABackup(from: string, cause?: unknown): BackupError {
  return new BackupError(`${from} is not a backup.`, { cause });
}

/** Refuses a file that is truncated, padded or otherwise changed. @returns whether it has a checksum */
async function checkWhole(from: string): Promise<boolean> {
  const wholeness = await wholenessOf(from).catch((error: unknown) => {
    throw new BackupError(`Cannot read ${from}: ${error instanceof Error ? error.message : error}.`, {
      cause: error,
    });
  });
  if (wholeness === 'no database') throw notABackup(from);
  if (wholeness === 'damaged') throw damaged(from);
  return wholeness === 'matches its checksum';
}

/** Checks a backup's format and returns the version of its registry's schema. */
function readSchema(source: Database, { from, hasChecksum }: { from: string; hasChecksum: boolean }): number {
  if (!hasChecksum && integrityOf(source).length > 0) throw damaged(from);
  let found: Record<string, unknown> | undefined;
  try {
    found = source.prepare('SELECT format, registry_schema FROM backup').get();
  } catch (error) {
    throw notABackup(from, error);
  }
  const schema = Number(found?.registry_schema);
  const format = Number(found?.format);
  if (format > FORMAT || schema > sqliteSchema().version)
    throw new BackupError(`${from} was written by a newer version. Upgrade AttractOS, then restore.`);
  if (hasChecksum !== format > FORMAT_WITHOUT_CHECKSUM) throw damaged(from);
  return schema;
}

function tablesOf(db: Database, schema: 'main' | 'registry'): string[] {
  return db
    .prepare(
      `SELECT name FROM ${schema}.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid`,
    )
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
      const hasSegments = tablesOf(db, 'main').includes('segments');
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
