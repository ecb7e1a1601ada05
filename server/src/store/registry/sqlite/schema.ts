import type { Schema } from '../../shared/schema.ts';
import { FIRST_VERSION, registrySchema, type Types } from '../schema.ts';
import { REGISTRY_TABLES, type RegistryTable } from '../tables.ts';

const TYPES: Types = {
  name: 'text',
  big: 'integer',
  yesNo: 'integer',
  bytes: 'blob',
  sequence: 'integer PRIMARY KEY',
  key: 'NOT NULL UNIQUE',
  end: ' STRICT',
};

/** Returns the registry's schema in SQLite. @param upTo the version to stop at; defaults to the newest */
export function sqliteSchema(upTo?: number): Schema {
  return registrySchema(TYPES, adopt, upTo);
}

/** The steps to SQLite's own versions 2 and 3. Version 4 added an index. */
const OWN_STEPS = [
  `ALTER TABLE accounts ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC';
   ALTER TABLE api_keys ADD COLUMN scopes TEXT NOT NULL DEFAULT 'read';
   ALTER TABLE api_keys ADD COLUMN sites TEXT;
   ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;`,
  `ALTER TABLE sites ADD COLUMN time_zone TEXT;
   ALTER TABLE sites ADD COLUMN exclusions TEXT;`,
] as const;

/** The old indexes, which must be dropped because new ones have the same names. */
const OWN_INDEXES = [
  ...['site_keys_by_site', 'site_keys_gone', 'api_keys_by_account', 'sessions_by_account'],
  ...['members_by_account', 'shares_by_site'],
] as const;

/** Migrates SQLite's own versions to the first shared version by recreating and filling every table. */
function adopt(version: number): readonly string[] {
  const old = REGISTRY_TABLES.filter(({ since = FIRST_VERSION }) => since === FIRST_VERSION);
  const all = (statement: (table: RegistryTable) => string) => old.map(statement);
  return [
    ...OWN_STEPS.slice(version - 1),
    ...OWN_INDEXES.map((name) => `DROP INDEX IF EXISTS ${name}`),
    ...all(({ name }) => `ALTER TABLE ${name} RENAME TO own_${name}`),
    ...registrySchema(TYPES, () => [], FIRST_VERSION).stepsFrom(0),
    ...all(copyOwn),
    ...all(({ name }) => `DROP TABLE own_${name}`).toReversed(),
  ];
}

/** Returns the SQL that copies an old table. The row ids of API keys are the order in which they were added. */
function copyOwn({ name, columns: all, added = [] }: RegistryTable): string {
  const columns = all.filter((column) => !added.includes(column));
  const read = columns.map((column) => (name === 'api_keys' && column === 'seq' ? 'rowid' : column));
  return `INSERT INTO ${name} (${columns.join(', ')}) SELECT ${read.join(', ')} FROM own_${name}`;
}
