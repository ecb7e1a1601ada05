import { DAY_MS } from '../../../domain/clock.ts';
import type { Server } from '../../drivers/clickhouse.ts';
import {
  type AskedRelation,
  type Column,
  RELATIONS,
  type Relation,
  VISIT_COLUMNS,
} from '../../reports/relations.ts';
import { quarterHoursOf, rollupsOf } from '../../reports/rollups.ts';
import { AGAIN, sessionsOf } from '../../reports/sessions.ts';
import type { BegunGeneration, Generation, RowCounts } from '../generations.ts';
import type { SiteDay } from '../shipping.ts';
import { day as dayLiteral, integer, list, text } from './literal.ts';
import { addColumns, ENTRIES } from './schema.ts';

/**
 * The tables of reports in ClickHouse: a table for each relation. The rows of a site's day have a `generation`, and are made
 * again under another one if the day changes. Which generation is in force, PostgreSQL says.
 */

/** The oldest server that answers reports: the first long-supported one with all that their statements need. */
const OLDEST_VERSION = { major: 24, minor: 8 };

const TABLES: Readonly<Record<Relation, string>> = {
  events: 'attractos_day_events',
  bots: 'attractos_day_bots',
  rollups: 'attractos_day_rollups',
  quarter_hours: 'attractos_day_quarter_hours',
};
export const ALL_RELATIONS = Object.keys(TABLES) as Relation[];
const NO_ROWS: RowCounts = { events: 0, bots: 0, rollups: 0, quarter_hours: 0 };

/** Within a generation, the rows of a visit follow each other, and so do those of a dimension. */
const ORDER: Readonly<Record<Relation, string>> = {
  events: 'visitor_no, visit_no, received_at, ordinal',
  bots: 'received_at, ordinal',
  rollups: 'dimension',
  quarter_hours: 'quarter',
};

/** Columns of text that is never unknown, by which rows are ordered. */
const KEYS = new Set(['site', 'dimension']);
/** Columns with numbers that are like those in the row before. */
const RISING = new Set([
  'received_at',
  'ordinal',
  'visit_no',
  'visitor_no',
  'visit_start',
  'visit_end',
  'quarter',
]);
/** Sums of integers that may be negative in ClickHouse's eyes. Other measures are counts. */
const SIGNED = new Set(['engaged']);

/** Settings that make a statement mean what it means in other engines: a name is first that of a column. */
const SETTINGS = 'SETTINGS prefer_column_name_to_alias = 1';

type DayGeneration = Pick<Generation, 'day' | 'generation'>;

/** The visitor of an event, by which visits are found that are to be made again. */
const VISITOR: Column = { name: 'visitor', type: 'integer' };
/** The columns of events, and their visitor. */
export const WITH_VISITOR: readonly Column[] = [...RELATIONS.events, VISITOR];
/** The columns of the table of a relation, without the generation. */
const columnsIn = (relation: Relation) => (relation === 'events' ? WITH_VISITOR : RELATIONS[relation]);

/** Why a server cannot answer reports; null if it can. */
export async function tooOldForReports(server: Server): Promise<string | null> {
  const [found] = await server.rows('SELECT version() AS version');
  const version = String(found?.version);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const oldest = OLDEST_VERSION;
  if (major > oldest.major || (major === oldest.major && minor >= oldest.minor)) return null;
  return `reports need version ${oldest.major}.${oldest.minor} or newer, and ${server.name} has ${version}; events are stored and counted all the same`;
}

/** Makes the tables on a server, if it does not have them. */
export async function ensureDayTables(server: Server): Promise<void> {
  const [entries] = await server.rows(
    `SELECT engine FROM system.tables WHERE database = ${text(server.database)} AND name = ${text(ENTRIES)}`,
  );
  const isReplicated = String(entries?.engine).startsWith('Replicated');
  for (const relation of ALL_RELATIONS) {
    const table = TABLES[relation];
    const engine = isReplicated
      ? `ReplicatedMergeTree('/clickhouse/tables/{shard}/${server.database}.${table}', '{replica}')`
      : 'MergeTree';
    await server.run(
      `CREATE TABLE IF NOT EXISTS ${table} (generation UInt64 CODEC(Delta, ZSTD), ${columnsIn(relation)
        .map((column) => `${column.name} ${typeOf(relation, column)} ${codecOf(column)}`)
        .join(', ')})
       ENGINE = ${engine} PARTITION BY toYYYYMM(toDate(day)) ORDER BY (site, day, generation, ${ORDER[relation]})`,
    );
    // Those that the table of an earlier release lacks.
    await addColumns(
      server,
      table,
      Object.fromEntries(
        columnsIn(relation).map((column) => [column.name, `${typeOf(relation, column)} ${codecOf(column)}`]),
      ),
    );
  }
}

function typeOf(relation: Relation, { name, type }: Column): string {
  if (KEYS.has(name)) return name === 'site' ? 'String' : 'LowCardinality(String)';
  switch (type) {
    case 'integer':
      if (name === 'day') return 'Int32';
      return (relation === 'rollups' || relation === 'quarter_hours') &&
        name !== 'quarter' &&
        !SIGNED.has(name)
        ? 'UInt64'
        : 'Int64';
    case 'number':
      return 'Nullable(Float64)';
    case 'text':
      return 'LowCardinality(Nullable(String))';
    case 'flag':
      return 'Bool';
    case 'map':
      return 'Map(LowCardinality(String), Nullable(String))';
  }
}

function codecOf({ name }: Column): string {
  return RISING.has(name) ? 'CODEC(Delta, ZSTD)' : 'CODEC(ZSTD)';
}

const namesOf = (columns: readonly Column[]) => columns.map(({ name }) => name).join(', ');
const columnsOf = (relation: Relation) => namesOf(RELATIONS[relation]);
const typed = (relation: Relation, columns: readonly Column[]) =>
  columns
    .map((column) => `CAST(made.${column.name} AS ${typeOf(relation, column)}) AS ${column.name}`)
    .join(', ');

/** Sites with the same days. */
export interface SameDays<Day> {
  siteIds: readonly string[];
  days: readonly Day[];
}

/** Returns the condition of rows that are of some sites' days. @param conditionOf returns that of sites with the same days */
function anyOf<Day>(
  all: readonly SameDays<Day>[],
  conditionOf: (siteIds: readonly string[], days: readonly Day[]) => string,
): string {
  return all.map(({ siteIds, days }) => `(${conditionOf(siteIds, days)})`).join(' OR ');
}

/** Returns the query for the rows of a relation of sites' sealed days. */
export function sealedRows(
  relation: Relation,
  sites: readonly SameDays<DayGeneration>[],
  columns = RELATIONS[relation],
): string {
  return `SELECT ${namesOf(columns)} FROM ${TABLES[relation]} WHERE ${anyOf(sites, inForce)}`;
}

/** Returns the query for the rows of a relation of sites' open days, made from entries. */
export function openRows(
  relation: 'events' | 'bots',
  sites: readonly SameDays<Pick<DayGeneration, 'day'>>[],
  columns = RELATIONS[relation],
): string {
  const where = `(${anyOf(sites, (siteIds, days) =>
    ofDays(
      siteIds,
      days.map(({ day }) => day),
    ),
  )})`;
  return madeRows(relation, relation === 'bots' ? botsOf(where) : sessionsOf(entriesOf(where)), columns);
}

/** Returns the condition for the entries, `e`, of sites' days. */
export function ofDays(siteIds: readonly string[], days: readonly number[]): string {
  return `e.site_id IN ${list(siteIds.map(text))} AND e.day IN ${list(days.map(dayLiteral))}`;
}

/** Returns the query for the rows of a relation of a site's day that has changed since its generation was begun. */
export function changedRows(
  relation: 'events' | 'bots',
  siteId: string,
  { day, generation, changedFromMs }: DayGeneration & { changedFromMs: number },
  columns = RELATIONS[relation],
): string {
  const kept = `SELECT ${namesOf(columns)} FROM ${TABLES[relation]} WHERE ${inForce([siteId], [{ day, generation }])}`;
  const where = `e.site_id = ${text(siteId)} AND e.day = ${dayLiteral(day)}`;
  if (relation === 'bots')
    return `${kept} AND received_at < ${integer(changedFromMs)}
      UNION ALL ${madeRows('bots', botsOf(`${where} AND e.received_at >= ${integer(changedFromMs)}`), columns)}`;
  // Those of rows made before too, since a row may have been replaced by one received earlier.
  const visitors = `(SELECT e.visitor FROM ${ENTRIES} AS e WHERE ${where} AND e.received_at >= ${integer(changedFromMs)}
      UNION DISTINCT SELECT visitor FROM ${TABLES.events} WHERE ${inForce([siteId], [{ day, generation }])} AND received_at >= ${integer(changedFromMs)})`;
  return `${kept} AND visitor NOT IN ${visitors}
    UNION ALL ${madeRows('events', sessionsOf(entriesOf(`${where} AND e.visitor IN ${visitors}`), AGAIN), columns)}`;
}

function madeRows(relation: Relation, query: string, columns: readonly Column[]): string {
  return `SELECT ${typed(relation, columns)} FROM (${query}) AS made`;
}

/** Returns the query for no rows of a relation. */
export function noRows(relation: Relation, columns = RELATIONS[relation]): string {
  return `SELECT ${namesOf(columns)} FROM ${TABLES[relation]} WHERE false`;
}

/** Answers a statement over relations. @param relations the query of each */
export function answerOf(relations: Partial<Record<AskedRelation, string>>, sql: string): string {
  const named = Object.entries(relations).map(([name, query]) => `${name} AS (${query})`);
  return `WITH ${named.join(',\n')}\n${sql} ${SETTINGS}`;
}

/**
 * Counts the rows of generations in all relations, as a server has them now.
 *
 * @param generations at most one of each site's day
 * @returns the same, each with the rows that were `found`
 */
export async function countGenerations<Asked extends Generation>(
  server: Server,
  generations: readonly Asked[],
): Promise<(Asked & { found: RowCounts })[]> {
  const where = among(generations);
  const rows = await server.rows(
    ALL_RELATIONS.map(
      (relation) =>
        `SELECT ${text(relation)} AS relation, site, day, count() AS n FROM ${TABLES[relation]} WHERE ${where} GROUP BY site, day`,
    ).join(' UNION ALL '),
  );
  const counts = new Map<string, Partial<RowCounts>>();
  for (const { relation, site, day, n } of rows) {
    const name = dayKey({ siteId: String(site), day: Number(day) });
    counts.set(name, { ...counts.get(name), [String(relation)]: Number(n) });
  }
  return generations.map((each) => ({ ...each, found: { ...NO_ROWS, ...counts.get(dayKey(each)) } }));
}

/** The key of a site's day in a map. */
export const dayKey = ({ siteId, day }: SiteDay) => `${day} ${siteId}`;

/** Makes the rows of all relations for a day of several sites, in parts if the day is large. */
export async function fillGeneration(
  server: Server,
  { day, generation, siteIds, parts }: BegunGeneration,
  signal?: AbortSignal,
): Promise<void> {
  const where = `e.site_id IN ${list(siteIds.map(text))} AND e.day = ${dayLiteral(day)}`;
  const insert = async (relation: Relation, query: string, from = '') => {
    signal?.throwIfAborted();
    const columns = columnsIn(relation);
    await server.run(
      `INSERT INTO ${TABLES[relation]} (${columns.map(({ name }) => name).join(', ')}, generation) ${SETTINGS}
       ${from} SELECT ${typed(relation, columns)}, ${integer(generation)} AS generation FROM (${query}) AS made`,
    );
  };
  for (let no = 0; no < parts; no++) {
    const part = parts === 1 ? where : `${where} AND cityHash64(e.visitor) % ${parts} = ${no}`;
    await insert('events', sessionsOf(entriesOf(part), { no, of: parts }));
  }
  await insert('bots', botsOf(where));
  const rows = (relation: Relation) =>
    `SELECT ${columnsOf(relation)} FROM ${TABLES[relation]} WHERE site IN ${list(siteIds.map(text))} AND ${amongDays([{ day, generation }])}`;
  const from = `WITH events AS (${rows('events')}), bots AS (${rows('bots')})`;
  await insert('rollups', rollupsOf(), from);
  await insert('quarter_hours', quarterHoursOf(), from);
}

/** Deletes the rows of generations. */
export async function deleteGenerations(server: Server, generations: readonly Generation[]): Promise<void> {
  for (const relation of ALL_RELATIONS)
    await server.run(`ALTER TABLE ${TABLES[relation]} DELETE WHERE ${among(generations)}`);
}

function among(generations: readonly Generation[]): string {
  const tuples = generations.map(
    ({ siteId, day, generation }) => `(${text(siteId)}, ${integer(day)}, ${integer(generation)})`,
  );
  return `(site, day, generation) IN ${list(tuples)}`;
}

function inForce(siteIds: readonly string[], days: readonly DayGeneration[]): string {
  return `site IN ${list(siteIds.map(text))} AND ${amongDays(days)}`;
}

function amongDays(days: readonly DayGeneration[]): string {
  return `(day, generation) IN ${list(days.map(({ day, generation }) => `(${integer(day)}, ${integer(generation)})`))}`;
}

/** The columns of entries that have the same name in the table. */
const PLAIN = [
  ...['received_at', 'visitor', 'view', 'engaged', 'name', 'host', 'currency'],
  ...VISIT_COLUMNS.filter((column) => !['entry', 'exit', 'visit_referrer'].includes(column)),
];

/** Returns the query for the entries that `sessionsOf` takes. */
function entriesOf(where: string): string {
  return `(SELECT e.site_id AS site, intDiv(e.received_at, ${DAY_MS}) AS day, e.ordinal AS ordinal, e.event_id AS id,
    e.kind = 'event' AS is_event, e.passive = 0 AS interactive, e.path AS page, ${PROPS} AS props,
    toFloat64OrNull(e.value) AS value, e.referrer AS visit_referrer,
    ${PLAIN.map((column) => `e.${column} AS ${column}`).join(', ')}
    FROM ${ENTRIES} AS e FINAL WHERE ${where} AND e.kind IN ('event', 'leave'))`;
}

/** A property as `JSON.stringify` writes it: its name, and its value. ClickHouse's own parsers refuse integers beyond 64 bits. */
const PROPERTY = String.raw`("(?:[^"\\]|\\.)*"):("(?:[^"\\]|\\.)*"|[^,}]+)`;
const PROPS = `CAST(arrayMap(property -> (JSONExtractString(property[1]),
      if(startsWith(property[2], '"'), JSONExtractString(property[2]), property[2])),
      extractAllGroupsVertical(ifNull(e.props, ''), ${text(PROPERTY)})), 'Map(LowCardinality(String), Nullable(String))')`;

function botsOf(where: string): string {
  return `SELECT e.site_id AS site, intDiv(e.received_at, ${DAY_MS}) AS day, e.received_at AS received_at, e.ordinal AS ordinal,
    e.bot AS bot, e.company AS company, e.bot_class AS class, e.host AS host, e.path AS page
    FROM ${ENTRIES} AS e FINAL WHERE ${where} AND e.kind = 'bot'`;
}
