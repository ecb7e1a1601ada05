import { existsSync } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { StoreBroken, StoreUnavailable } from '../contract/store.ts';
import { type Database, openForReading, openPlain, takeLock, translated } from '../drivers/sqlite.ts';
import { integrityOf } from '../drivers/sqlite-integrity.ts';
import { migrate, migrateTo } from '../drivers/sqlite-migrate.ts';
import { EVENT_MIGRATIONS } from '../embedded/tables/schema.ts';
import { FIRST_VERSION } from '../registry/schema.ts';
import { sqliteSchema } from '../registry/sqlite/schema.ts';
import { REGISTRY_TABLES } from '../registry/tables.ts';
import { appendChecksum, wholenessOf } from './backup-checksum.ts';

/**
 * A backup is one SQLite file: the events file's tables under their own names, the registry's under `registry_`. The events
 * are copied first, so that every site they mention is in the registry copied after them. Salts are not copied, because they
 * are meant to be destroyed.
 *
 * Since format 2, a checksum follows the database and reveals any damage. In format 1, a wrong length and a broken structure
 * are detected, but not a changed byte inside a value.
 */
const PREFIX = 'registry_';
const LEFT_OUT = 'salts';
const OWN_SALTS = 'CREATE TABLE main.salts (day INTEGER PRIMARY KEY, salt BLOB NOT NULL) STRICT';
const FORMAT = 2;
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
    await removeCopies(unfinished);
    translated(() => {
      const source = openForReading(events);
      try {
        source.prepare('VACUUM INTO ?').run(unfinished);
      } finally {
        source.close();
      }
      withDatabase(unfinished, (db) => addRegistry(db, registry));
    });
    await appendChecksum(unfinished);
    await rename(unfinished, to);
  } finally {
    await removeCopies(unfinished, lockFile);
    lock.release();
  }
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
  await removeCopies(made.events, made.registry);
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
      withDatabase(made.events, (db) => {
        for (const table of tablesOf(db, 'main')) {
          if (table.startsWith(PREFIX) || table === 'backup') db.exec(`DROP TABLE ${table}`);
        }
        migrate(db, from, EVENT_MIGRATIONS);
      });
    });
    await rename(made.registry, registry);
    await rename(made.events, events);
  } catch (error) {
    throw error instanceof StoreBroken ? damaged(from, error) : error;
  } finally {
    await removeCopies(made.events, made.registry);
  }
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
 * Rolls back a restore that was killed between its two files, so that it can be repeated. In that state the registry is in
 * place, but the events file still has its temporary name.
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
    const row = translated(() => db.prepare('SELECT count(*) AS events FROM events').get());
    if (row === undefined) throw new StoreUnavailable(`${file} cannot be read`);
    return Number(row.events);
  } finally {
    db.close();
  }
}
