import type { Server } from '../../drivers/clickhouse.ts';
import { text } from './literal.ts';

/** The name of the table that has one row for each stored entry. */
export const ENTRIES = 'attractos_entries';

/**
 * The columns of the table. `rank` decides which of several rows with the same key stays: the one received first, unless there
 * is a mark that the event already arrived on another day (`kind` 'duplicate'). Unknown values have the column's default.
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
    `CREATE TABLE IF NOT EXISTS ${ENTRIES} (${COLUMNS}) ENGINE = ${engine}
     PARTITION BY toYYYYMM(day) ORDER BY (site_id, day, event_id)${settings === '' ? '' : ` SETTINGS ${settings}`}`,
  );
}

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

/** Checks whether a server has every row that any replica acknowledged. */
export async function hasAll(server: Server): Promise<boolean> {
  const [replica] = await server.rows(
    `SELECT log_pointer > log_max_index AND inserts_in_queue = 0 AS has_all FROM system.replicas
     WHERE database = ${text(server.database)} AND table = ${text(ENTRIES)}`,
    { quick: true },
  );
  return replica === undefined || Number(replica.has_all) === 1;
}
