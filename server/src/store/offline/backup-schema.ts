import { StoreBroken } from '../contract/store.ts';
import { type Database, openPlain, quoted, translated } from '../drivers/sqlite.ts';
import { EVENT_MIGRATIONS } from '../embedded/tables/schema.ts';
import { FIRST_VERSION } from '../registry/schema.ts';
import { REGISTRY_TABLES, type RegistryTable } from '../registry/tables.ts';

/**
 * What a backup consists of. Anyone can make up a file with a valid checksum, and a database can contain code: triggers, views,
 * virtual tables, expressions, and names that are SQL. So its tables and indexes are compared with those that this program
 * makes. Tables of other programs, such as a replicator's, are dropped; anything else is refused.
 * See https://www.sqlite.org/security.html
 */

/** The prefix of the registry's tables, which distinguishes them from those of the events file. */
export const REGISTRY_PREFIX = 'registry_';
/** The table that no backup has, because salts are meant to be destroyed. */
const LEFT_OUT = 'salts';

/** The tables that only a backup has, with the SQL that makes them. `secret_key` is there only if it was asked for. */
export const BACKUP_TABLES = {
  backup: 'CREATE TABLE backup (format INTEGER NOT NULL, registry_schema INTEGER NOT NULL) STRICT',
  day_files:
    'CREATE TABLE day_files (path TEXT NOT NULL, n INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY (path, n)) STRICT',
  secret_key: 'CREATE TABLE secret_key (value TEXT NOT NULL) STRICT',
} as const;

/** The tables that SQLite makes itself. */
const OWN_TABLES: Readonly<Record<string, string>> = {
  sqlite_sequence: 'CREATE TABLE sqlite_sequence(name,seq)',
  sqlite_stat1: 'CREATE TABLE sqlite_stat1(tbl,idx,stat)',
  sqlite_stat4: 'CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)',
};

/** The registry's tables in a backup. */
export const BACKED_UP_TABLES: readonly RegistryTable[] = REGISTRY_TABLES.filter(
  ({ name }) => name !== LEFT_OUT,
);

/** Returns the registry's tables in a backup of one version of its schema. */
export function tablesOfVersion(version: number): readonly RegistryTable[] {
  return BACKED_UP_TABLES.filter(({ since = FIRST_VERSION }) => since <= Math.max(version, FIRST_VERSION));
}

/** A table or an index. Comments and blanks do not matter in its SQL. */
interface SchemaItem {
  type: string;
  name: string;
  table: string;
  /** Null for an index that belongs to the definition of its table. */
  sql: string | null;
}

/** Drops the tables of other programs from a copy of a backup. */
export function dropForeignTables(copy: Database): void {
  for (const name of foreignTables(copy)) translated(() => copy.exec(`DROP TABLE ${quoted(name)}`));
}

/** Says what is in a backup that does not belong there, other than plain tables; null if there is nothing. Reads only the schema. */
export function foreignContent(file: Database): string | null {
  const own = new Map(eventsSchema(file).map((item) => [item.name, item]));
  const ignored = new Set(foreignTables(file));
  for (const item of schemaOf(file)) {
    if (['table', 'index'].includes(item.type) && ignored.has(item.table)) continue;
    const registryTable = BACKED_UP_TABLES.find(({ name }) => `${REGISTRY_PREFIX}${name}` === item.name);
    const isKnown =
      registryTable === undefined
        ? isOwn(item, own.get(item.name))
        : item.type === 'table' && hasOnlyColumnsOf(file, item.name, registryTable);
    if (!isKnown) return `the ${item.type} "${printable(item.name)}"`;
  }
  return null;
}

/** Names the plain tables that this program does not make. Tables of modules, and what they keep their content in, are not plain. */
function foreignTables(file: Database): string[] {
  const known = new Set([
    ...eventsSchema(file).map(({ name }) => name),
    ...Object.keys({ ...BACKUP_TABLES, ...OWN_TABLES }),
    ...BACKED_UP_TABLES.map(({ name }) => `${REGISTRY_PREFIX}${name}`),
  ]);
  const plain = translated(() =>
    file.prepare(`SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'`).all(),
  );
  return plain
    .map(({ name }) => String(name))
    .filter((name) => !known.has(name) && !name.startsWith('sqlite_'));
}

/**
 * Fails unless a backup has every table and index that its version has.
 *
 * @param schema the version of the registry's schema
 * @throws StoreBroken
 */
export function requireAllTables(file: Database, schema: number): void {
  // Without a version, all of its tables would be another program's.
  if (eventsVersion(file) < 1) throw new StoreBroken('the version is missing');
  const names = new Set(schemaOf(file).map(({ name }) => name));
  const expected = [
    ...eventsSchema(file).map(({ name }) => name),
    ...tablesOfVersion(schema).map(({ name }) => `${REGISTRY_PREFIX}${name}`),
  ];
  const missing = expected.find((name) => !names.has(name));
  if (missing !== undefined) throw new StoreBroken(`${missing} is missing`);
}

/** Returns the names of a table's columns. */
export function columnNames(db: Database, schema: 'main' | 'backup', table: string): string[] {
  return columnsOf(db, table, schema).map(({ name }) => name);
}

/** Returns the version of the events' tables in a backup. */
export function eventsVersion(file: Database): number {
  return translated(() => Number(file.prepare('PRAGMA user_version').get()?.user_version));
}

/** Returns the events' tables and indexes as this program makes them in the version that a backup has. */
function eventsSchema(file: Database): SchemaItem[] {
  const db = openPlain(':memory:');
  try {
    for (const step of EVENT_MIGRATIONS.slice(0, eventsVersion(file))) db.exec(step);
    return schemaOf(db);
  } finally {
    db.close();
  }
}

function isOwn(item: SchemaItem, expected: SchemaItem | undefined): boolean {
  if (expected !== undefined)
    return item.type === expected.type && item.table === expected.table && item.sql === expected.sql;
  const madeBy = { ...OWN_TABLES, ...BACKUP_TABLES } as Readonly<Record<string, string>>;
  if (item.type === 'table')
    return Object.hasOwn(madeBy, item.name) && item.sql === normalized(madeBy[item.name] ?? '');
  return item.type === 'index' && item.sql === null && Object.hasOwn(BACKUP_TABLES, item.table);
}

/** Whether a table has only known columns, none of them computed, and comes from no module. */
function hasOnlyColumnsOf(db: Database, name: string, { columns }: RegistryTable): boolean {
  const found = columnsOf(db, name, 'main');
  const list = translated(() =>
    db.prepare(`SELECT type FROM pragma_table_list WHERE schema = 'main' AND name = ?`).get(name),
  );
  return list?.type === 'table' && found.every((column) => !column.isHidden && columns.includes(column.name));
}

function columnsOf(
  db: Database,
  table: string,
  schema: 'main' | 'backup',
): { name: string; isHidden: boolean }[] {
  return translated(() =>
    db
      .prepare(`PRAGMA ${quoted(schema)}.table_xinfo(${quoted(table)})`)
      .all()
      .map((row) => ({ name: String(row.name), isHidden: Number(row.hidden) !== 0 })),
  );
}

/** Lists everything in a database's schema, of whatever type. */
function schemaOf(db: Database): SchemaItem[] {
  return translated(() =>
    db
      .prepare('SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid')
      .all()
      .map((row) => ({
        type: String(row.type),
        name: String(row.name),
        table: String(row.tbl_name),
        sql: row.sql === null ? null : normalized(String(row.sql)),
      })),
  );
}

/** Removes comments and repeated blanks from a definition. No definition of ours has either inside a literal. */
function normalized(sql: string): string {
  return sql
    .replaceAll(/--[^\n]*/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

const PRINTED_CHARS = 60;

/** Returns a name that someone may have made up in a form that is safe to print. */
function printable(name: string): string {
  const clean = name.replaceAll(/[^\x20-\x7e]/g, '?');
  return clean.length <= PRINTED_CHARS ? clean : `${clean.slice(0, PRINTED_CHARS)}…`;
}
