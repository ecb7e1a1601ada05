import type { Server } from './driver.ts';
import { text } from './literal.ts';

/** Everything that came, one row each. */
export const ENTRIES = 'attractos_entries';

/**
 * `rank` decides which of several rows with the same key stays: the one received first, and before all others the mark that
 * the event had come on another day already (`kind` 'duplicate'). What is not known is left at its default.
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

/** For how many inserts, and how long, a server recognises a repeated one; the defaults differ by a factor of a hundred. */
const DEDUPLICATION_BLOCKS = 10_000;
const DEDUPLICATION_SECONDS = 604_800;

/**
 * Makes the table where it is not there. On a server that has the macros `shard` and `replica` it is replicated. A materialized
 * view would not survive a crash between its insert and the table's, so there is none.
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

/** Whether a server has everything that any replica was told is kept. */
export async function hasAll(server: Server): Promise<boolean> {
  const [replica] = await server.rows(
    `SELECT log_pointer > log_max_index AND inserts_in_queue = 0 AS has_all FROM system.replicas
     WHERE database = ${text(server.database)} AND table = ${text(ENTRIES)}`,
    { quick: true },
  );
  return replica === undefined || Number(replica.has_all) === 1;
}
