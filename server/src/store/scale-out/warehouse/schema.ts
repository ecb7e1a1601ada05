import type { Server } from '../../drivers/clickhouse.ts';
import { text } from './literal.ts';

/** The name of the table that has one row for each stored entry. */
export const ENTRIES = 'attractos_entries';

/**
 * The columns of the table. `rank` decides which of several rows with the same key stays: the one received first, unless there
 * is a mark that the event already arrived on another day (`kind` 'duplicate'). `path` is the whole page; rows of earlier releases have
 * its query apart. Unknown values have the column's default.
 */
const COLUMNS = `
  site_id String, day Date, event_id UUID, rank UInt64,
  kind Enum8('event' = 1, 'leave' = 2, 'bot' = 3, 'duplicate' = 4),
  received_at Int64, ordinal UInt64, site_key String, host String, name String, path String, query Nullable(String),
  referrer Nullable(String), visitor Int64, nav Nullable(String), props Nullable(String), value Nullable(String),
  currency Nullable(String), view Nullable(Int64), width Nullable(Int64), time_zone Nullable(String),
  device Nullable(String), browser Nullable(String), os Nullable(String), country Nullable(String),
  source Nullable(String), channel String, campaign Nullable(String),
  engaged Nullable(Int64), scroll Nullable(Float64), vitals Nullable(String),
  bot String, company Nullable(String), bot_class String`;

/** The columns that the table of an earlier release lacks. */
const LATER_COLUMNS: Readonly<Record<string, string>> = {
  // 1 for an event that does not end a bounce. Old servers know only the default of the type.
  passive: 'UInt8',
  ...Object.fromEntries(
    [
      ...['utm_source', 'utm_medium', 'utm_content', 'utm_term', 'region', 'city'],
      ...['browser_version', 'os_version', 'language', 'screen'],
    ].map((column) => [column, 'Nullable(String)']),
  ),
};

/** The deduplication window as a number of inserts. Defaults differ between versions by a factor of a hundred. */
const DEDUPLICATION_BLOCKS = 10_000;
const DEDUPLICATION_SECONDS = 604_800;

/**
 * Creates the table if it does not exist. On a server with the macros `shard` and `replica`, it is replicated. There is no
 * materialized view, since a crash between its insert and the table's would leave them different.
 */
export async function ensureSchema(server: Server): Promise<void> {
  const replicated = await isReplicated(server);
  const engine = replicated
    ? `ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/${server.database}.${ENTRIES}', '{replica}', rank)`
    : 'ReplacingMergeTree(rank)';
  const settings = await tableSettings(server, replicated);
  await server.run(
    `CREATE TABLE IF NOT EXISTS ${ENTRIES} (${COLUMNS}, ${definitions(LATER_COLUMNS).join(', ')}) ENGINE = ${engine}
     PARTITION BY toYYYYMM(day) ORDER BY (site_id, day, event_id)${settings === '' ? '' : ` SETTINGS ${settings}`}`,
  );
  await addColumns(server, ENTRIES, LATER_COLUMNS);
}

/** Adds the columns that a table does not have yet. @param columns the type of each column */
export async function addColumns(
  server: Server,
  table: string,
  columns: Readonly<Record<string, string>>,
): Promise<void> {
  const missing = await columnsMissing(server, table, columns);
  if (missing.length === 0) return;
  try {
    await server.run(`ALTER TABLE ${table} ${missing.map((column) => `ADD COLUMN ${column}`).join(', ')}`);
  } catch (error) {
    // Another process may have added them meanwhile. Old servers do not know IF NOT EXISTS here.
    if ((await columnsMissing(server, table, columns)).length > 0) throw error;
  }
}

async function columnsMissing(
  server: Server,
  table: string,
  columns: Readonly<Record<string, string>>,
): Promise<string[]> {
  const found = await server.rows(
    `SELECT name FROM system.columns WHERE database = ${text(server.database)} AND table = ${text(table)}`,
  );
  const names = new Set(found.map(({ name }) => name));
  return definitions(Object.fromEntries(Object.entries(columns).filter(([name]) => !names.has(name))));
}

const definitions = (columns: Readonly<Record<string, string>>) =>
  Object.entries(columns).map(([name, type]) => `${name} ${type}`);

async function isReplicated(server: Server): Promise<boolean> {
  const macros = await server.rows("SELECT macro FROM system.macros WHERE macro IN ('shard', 'replica')");
  return macros.length === 2;
}

async function tableSettings(server: Server, replicated: boolean): Promise<string> {
  const wanted = replicated
    ? {
        replicated_deduplication_window: DEDUPLICATION_BLOCKS,
        replicated_deduplication_window_seconds: DEDUPLICATION_SECONDS,
      }
    : { non_replicated_deduplication_window: DEDUPLICATION_BLOCKS };
  const known = await server.rows(
    `SELECT name FROM system.merge_tree_settings WHERE name IN (${Object.keys(wanted).map(text).join(', ')})`,
  );
  const names = new Set(known.map(({ name }) => name));
  return Object.entries(wanted)
    .filter(([name]) => names.has(name))
    .map(([name, value]) => `${name} = ${value}`)
    .join(', ');
}

/** What a server says about the table under the product's name. */
export interface FoundTable {
  /** For example `ReplicatedReplacingMergeTree`; null if there is no table. */
  engine: string | null;
  /** Where the replicas of the table coordinate, and the name of this one; null if the table is not replicated. */
  replica: { path: string; name: string } | null;
}

/** Looks at the table on a server, without asking the keeper. */
export async function findTable(server: Server): Promise<FoundTable> {
  const where = `WHERE database = ${text(server.database)}`;
  const [table] = await server.rows(`SELECT engine FROM system.tables ${where} AND name = ${text(ENTRIES)}`, {
    quick: true,
  });
  const [replica] = await server.rows(
    `SELECT zookeeper_path, replica_name FROM system.replicas ${where} AND table = ${text(ENTRIES)}`,
    { quick: true },
  );
  return {
    engine: table === undefined ? null : String(table.engine),
    replica:
      replica === undefined
        ? null
        : { path: String(replica.zookeeper_path), name: String(replica.replica_name) },
  };
}

/** What a server's keeper says about its replica. */
export interface ReplicaState {
  /** Whether this server has every row that any replica acknowledged. */
  hasAll: boolean;
  /** The number of replicas of the table, including those that are down; 0 if the server has lost its keeper. */
  replicas: number;
}

/** Returns the state of a server's replica; null if the table is not replicated. */
export async function replicaState(server: Server): Promise<ReplicaState | null> {
  const [state] = await server.rows(
    `SELECT log_pointer > log_max_index AND inserts_in_queue = 0 AS has_all, total_replicas FROM system.replicas
     WHERE database = ${text(server.database)} AND table = ${text(ENTRIES)}`,
    { quick: true },
  );
  if (state === undefined) return null;
  return { hasAll: Number(state.has_all) === 1, replicas: Number(state.total_replicas) };
}
