import { existsSync } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { StoreUnavailable } from '../store.ts';
import { type Database, openForReading, openPlain, takeLock, translated } from './driver.ts';
import { migrate } from './migrate.ts';
import { REGISTRY_MIGRATIONS } from './registry-schema.ts';
import { EVENT_MIGRATIONS } from './schema.ts';

/**
 * A backup is one SQLite file: the events file's tables under their own names, the registry's under `registry_`. The events
 * are copied first, so that every site they mention is in the registry copied after them. Salts stay behind: what is meant
 * to be destroyed must not live on in a copy.
 */
const PREFIX = 'registry_';
const LEFT_OUT = 'salts';
const FORMAT = 1;

export class BackupError extends Error {
  override readonly name = 'BackupError';
}

/** Copies both files, each as of one instant, beside whoever writes them. @throws BackupError where `to` exists */
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
  // Two at once would take each other's copy for their own: one would end with what the other has not finished.
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
    await rename(unfinished, to);
  } finally {
    await removeCopies(unfinished, lockFile);
    lock.release();
  }
}

function refuseExisting(to: string): void {
  if (existsSync(to)) throw new BackupError(`${to} exists already. A backup never overwrites a file.`);
}

/** Removes copies in the making, those of a run that was killed included, and the journals beside them. */
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

/** Makes both files anew from a backup. @throws BackupError where the file is none, or of a newer version */
export async function readBackup({
  from,
  events,
  registry,
}: {
  from: string;
  events: string;
  registry: string;
}): Promise<void> {
  if (!existsSync(from)) throw new BackupError(`There is no file ${from}.`);
  const made = { events: `${events}.restoring`, registry: `${registry}.restoring` };
  await removeCopies(made.events, made.registry);
  try {
    translated(() => {
      let schema = 0;
      const source = openForReading(from);
      try {
        schema = readSchema(source, from);
        source.prepare('VACUUM INTO ?').run(made.events);
      } finally {
        source.close();
      }
      withDatabase(made.registry, (db) => {
        // As it was when it was copied; what came since is done when it is opened.
        migrate(db, from, REGISTRY_MIGRATIONS.slice(0, schema));
        db.prepare('ATTACH DATABASE ? AS backup').run(made.events);
        db.exec('PRAGMA foreign_keys = OFF; BEGIN');
        for (const table of tablesOf(db, 'main')) {
          if (table !== LEFT_OUT) db.exec(`INSERT INTO main.${table} SELECT * FROM backup.${PREFIX}${table}`);
        }
        db.exec('COMMIT; DETACH DATABASE backup');
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
  } finally {
    await removeCopies(made.events, made.registry);
  }
}

/**
 * Takes back a restore that was killed between its two files, so that it can be done again: a registry in its place, and
 * events that still bear the name they were made under.
 */
export async function takeBackHalf({
  events,
  registry,
}: {
  events: string;
  registry: string;
}): Promise<void> {
  if (existsSync(events) || !existsSync(`${events}.restoring`)) return;
  for (const name of ['', '-wal', '-shm']) await rm(`${registry}${name}`, { force: true });
}

/** How many steps the registry's schema had when it was copied. */
function readSchema(source: Database, from: string): number {
  let found: Record<string, unknown> | undefined;
  try {
    found = source.prepare('SELECT format, registry_schema FROM backup').get();
  } catch (error) {
    throw new BackupError(`${from} is no backup.`, { cause: error });
  }
  const schema = Number(found?.registry_schema);
  if (found?.format !== FORMAT || schema > REGISTRY_MIGRATIONS.length) {
    throw new BackupError(`${from} was written by a newer version of the program.`);
  }
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

/** Size of a file, in bytes. */
export async function sizeOf(file: string): Promise<number> {
  return (await stat(file)).size;
}

/** How many events a backup or an events file holds. */
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
