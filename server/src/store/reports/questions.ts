import { DAY_MS, utcDay } from '../../domain/clock.ts';
import { type Dimension, type FilterDimension, propName } from '../../domain/dimensions.ts';
import type { Filter, Scope } from '../contract/store.ts';
import { measures, ofEvents, ofVisitors, ofVisits } from './measures.ts';
import { type Paging, ranked } from './ranking.ts';
import { columnOf, firstWith, isOfVisits, MEASURES } from './relations.ts';
import { QUARTER_MS } from './rollups.ts';
import { type Statement, Values } from './statement.ts';

/** Every question of the reports, as one statement each. */

/** A site's day with data. */
export interface StoredDay {
  day: number;
  /** Whether the day is over and has rollups, which give the same numbers as its events. */
  isRolledUp: boolean;
}

const sums = MEASURES.map((name) => `sum(part.${name}) AS ${name}`).join(', ');
/** Adds up rows from several sources by their key. */
const summed = (parts: readonly string[], more: readonly string[] = []) =>
  `SELECT ${['key', sums, ...more].join(', ')} FROM (${parts.join('\n    UNION ALL ')}\n  ) AS part GROUP BY key`;

/** Counts by the values of a dimension, from rollups for whole days without filters, else from events. Returns one page. */
export function countBy(
  { siteId, fromMs, toMs, filters }: Scope,
  by: Exclude<Dimension, 'bot'>,
  paging: Paging,
  days: readonly StoredDay[],
): Statement | null {
  const hasRollups = filters.length === 0 && columnOf(by) !== null;
  const [rolledUp, others] = split(days, (day) => hasRollups && isWhole(day, { fromMs, toMs }));
  const values = new Values();
  const parts: string[] = [];
  if (rolledUp.length > 0)
    parts.push(
      `SELECT value AS key, ${MEASURES.join(', ')} FROM rollups WHERE dimension = ${values.bind(by)}`,
    );
  if (others.length > 0) {
    const key = keyOf(by, values);
    const inSpan = spanOf({ fromMs, toMs }, values);
    const kept = keptBy(filters, values);
    parts.push(
      countEvents({
        kept: columnOf(by) === null ? `${kept} AND ${key} IS NOT NULL` : kept,
        keyOf: () => key,
        inSpan,
        isWithin: `${inSpan('visit_start')} AND ${inSpan('visit_end')}`,
        first: firstOf(by, filters),
      }),
    );
  }
  if (parts.length === 0) return null;
  return {
    siteId,
    from: { rollups: rolledUp, events: others },
    sql: ranked(summed(parts), paging, values),
    values: values.all,
  };
}

/** Counts crawlers' visits by their names. Returns one page. */
export function countBots(
  { siteId, fromMs, toMs }: Omit<Scope, 'filters'>,
  paging: Paging,
  days: readonly StoredDay[],
): Statement | null {
  const [rolledUp, others] = split(days, (day) => isWhole(day, { fromMs, toMs }));
  const values = new Values();
  const parts: string[] = [];
  if (rolledUp.length > 0)
    parts.push(`SELECT value AS key, company, ${MEASURES.join(', ')} FROM rollups WHERE dimension = 'bot'`);
  if (others.length > 0) {
    const happened = spanOf({ fromMs, toMs }, values)('received_at');
    parts.push(
      `SELECT bot AS key, max(company) AS company, ${measures({ bots: 'count(*)' })}
    FROM bots WHERE ${happened} GROUP BY bot`,
    );
  }
  if (parts.length === 0) return null;
  return {
    siteId,
    from: { rollups: rolledUp, bots: others },
    sql: ranked(summed(parts, ['max(part.company) AS company']), paging, values),
    values: values.all,
  };
}

/**
 * Counts by the buckets between boundaries. The key is the position of the bucket. Days without a bucket inside them, such as
 * those cut by the midnight of another time zone, are counted from quarters of an hour, if there are no filters.
 */
export function countByTime(
  { siteId, filters }: Pick<Scope, 'siteId' | 'filters'>,
  boundariesMs: readonly number[],
  days: readonly StoredDay[],
): Statement | null {
  const cuts = new Map<number, number>();
  for (const boundary of boundariesMs) {
    if (boundary % DAY_MS === 0) continue;
    const day = utcDay(boundary);
    // A boundary within a quarter counts twice: the quarter's numbers cannot be split.
    cuts.set(day, (cuts.get(day) ?? 0) + (boundary % QUARTER_MS === 0 ? 1 : 2));
  }
  const [rolledUp, others] = split(days, (day) => filters.length === 0 && (cuts.get(day) ?? 0) <= 1);
  const values = new Values();
  const bucketOf = bucketsOf(boundariesMs, values);
  const [fromMs, toMs] = [boundariesMs[0] ?? 0, boundariesMs.at(-1) ?? 0];
  const parts: string[] = [];
  if (rolledUp.length > 0) {
    // A day's first part has the visitors whose first event is in it, the part after a boundary those whose last one is.
    const seen = `CASE WHEN ${bucketOf(`(day * ${DAY_MS})`)} = ${bucketOf('quarter')} THEN first_seen ELSE last_seen END`;
    parts.push(
      `SELECT ${bucketOf('quarter')} AS key, ${measures({
        ...Object.fromEntries(MEASURES.map((name) => [name, name])),
        visitors: seen,
      })} FROM quarter_hours WHERE ${spanOf({ fromMs, toMs }, values)('quarter')}`,
    );
  }
  if (others.length > 0) {
    const inSpan = spanOf({ fromMs, toMs }, values);
    // All that is in the span is in the only bucket.
    const keyOf = boundariesMs.length === 2 ? () => '0' : bucketOf;
    parts.push(
      countEvents({
        kept: keptBy(filters, values),
        keyOf,
        inSpan,
        isWithin: `${inSpan('visit_start')} AND ${inSpan('visit_end')} AND ${keyOf('visit_start')} = ${keyOf('visit_end')}`,
        first: firstOf(null, filters),
      }),
    );
    // Filters are about people.
    if (filters.length === 0)
      parts.push(
        `SELECT ${keyOf('received_at')} AS key, ${measures({ bots: 'count(*)' })}
    FROM bots WHERE ${inSpan('received_at')} GROUP BY 1`,
      );
  }
  if (parts.length === 0) return null;
  return {
    siteId,
    from: { quarter_hours: rolledUp, events: others, ...(filters.length === 0 ? { bots: others } : {}) },
    sql: summed(parts),
    values: values.all,
  };
}

/** Counts visitors by the page of their last event since an instant. */
export function lastPages(
  { siteId, sinceMs }: { siteId: string; sinceMs: number },
  days: readonly StoredDay[],
): Statement {
  const values = new Values();
  return {
    siteId,
    from: { events: days.map(({ day }) => day) },
    sql: `
      SELECT page, count(*) AS visitors FROM (
        SELECT page, row_number() OVER (PARTITION BY visitor_no ORDER BY received_at DESC, ordinal DESC) AS place
        FROM events WHERE received_at >= ${values.bind(sinceMs)}) AS seen
      WHERE place = 1 GROUP BY page`,
    values: values.all,
  };
}

interface Counting {
  /** The condition of the filters. */
  kept: string;
  /** The key of a row, given the column of the instant that decides. */
  keyOf: (atColumn: string) => string;
  inSpan: (atColumn: string) => string;
  /** Whether all of the visit's events are in the span and have the same key. */
  isWithin: string;
  /** The flag of one kept row per visit and key; null if there is no such flag. */
  first: string | null;
}

const countEvents = (counting: Counting) =>
  counting.first === null ? countSets(counting) : countFlags({ ...counting, first: counting.first });

/** Counts in one pass. */
function countFlags({ kept, keyOf, inSpan, isWithin, first }: Counting & { first: string }): string {
  const happened = inSpan('received_at');
  const begun = `${first} AND ${inSpan('visit_start')}`;
  const byEvent = { ...ofVisitors({ first, happened, isWithin }), ...ofEvents(happened) };
  const byVisit = ofVisits(begun);
  const [eventKey, visitKey] = [keyOf('received_at'), keyOf('visit_start')];
  if (eventKey === visitKey)
    return `SELECT ${eventKey} AS key, ${measures({ ...byEvent, ...byVisit })} FROM events WHERE ${kept} GROUP BY 1`;
  return `SELECT ${eventKey} AS key, ${measures(byEvent)} FROM events WHERE ${kept} AND ${happened} GROUP BY 1
    UNION ALL SELECT ${visitKey} AS key, ${measures(byVisit)} FROM events WHERE ${kept} AND ${begun} GROUP BY 1`;
}

/** Counts with sets of visits and visitors. */
function countSets({ kept, keyOf, inSpan }: Counting): string {
  const [happened, begun] = [inSpan('received_at'), inSpan('visit_start')];
  const [eventKey, visitKey] = [keyOf('received_at'), keyOf('visit_start')];
  if (eventKey === visitKey) return countVisits({ kept, key: eventKey, happened, begun });
  return `SELECT ${eventKey} AS key, ${measures({
    visitors: 'count(DISTINCT visitor_no)',
    ...ofEvents('true'),
  })} FROM events WHERE ${kept} AND ${happened} GROUP BY 1
    UNION ALL ${countVisits({ kept, key: visitKey, happened: 'false', begun })}`;
}

/** Counts in one pass with a set of visits; only visitors with several visits need another one. */
function countVisits({
  kept,
  key,
  happened,
  begun,
}: Pick<Counting, 'kept'> & { key: string; happened: string; begun: string }): string {
  const { events, pageviews } = ofEvents(happened);
  return `SELECT key, ${measures({
    visitors: `count(*) FILTER (WHERE is_lone AND happened > 0)
      + count(DISTINCT visitor) FILTER (WHERE NOT is_lone AND happened > 0)`,
    events: 'sum(happened)',
    pageviews: 'sum(viewed)',
    ...ofVisits('has_begun'),
  })} FROM (
      SELECT ${key} AS key, any_value(visitor_no) AS visitor, any_value(lone) AS is_lone,
        ${events} AS happened, ${pageviews} AS viewed, any_value(${begun}) AS has_begun,
        any_value(channel) AS channel, any_value(bounce) AS bounce, any_value(engaged) AS engaged
      FROM events WHERE ${kept} AND (${happened} OR ${begun}) GROUP BY 1, visit_no) AS visits GROUP BY key`;
}

/** The flag of one row per visit and key; null if filters of other columns of events decide which rows of a visit there are. */
function firstOf(by: FilterDimension | null, filters: readonly Filter[]): string | null {
  const column = by === null ? null : columnOf(by);
  const isOfKey = (filter: Filter) => column !== null && columnOf(filter.by) === column;
  if (!filters.every((filter) => isOfVisits(filter.by) || isOfKey(filter))) return null;
  if (by === null || isOfVisits(by)) return 'begins';
  return column === null ? null : firstWith(column);
}

function spanOf(
  { fromMs, toMs }: { fromMs: number; toMs: number },
  values: Values,
): (atColumn: string) => string {
  // Whole days: the relation has no others.
  if (fromMs % DAY_MS === 0 && toMs % DAY_MS === 0) return () => 'true';
  const [from, to] = [values.bind(fromMs), values.bind(toMs)];
  return (at) => `(${at} >= ${from} AND ${at} < ${to})`;
}

/** Finds the bucket of an instant by halves. Before the first boundary it is -1, after the last one the number of buckets. */
function bucketsOf(boundariesMs: readonly number[], values: Values): (at: string) => string {
  let bounds: readonly string[] = [];
  const search = (at: string, low: number, high: number): string => {
    if (low === high) return String(low - 1);
    const middle = (low + high) >> 1;
    return `CASE WHEN ${at} < ${bounds[middle]} THEN ${search(at, low, middle)} ELSE ${search(at, middle + 1, high)} END`;
  };
  return (at) => {
    // Not before, since a statement must have no value that it does not use.
    if (bounds.length === 0) bounds = boundariesMs.map((boundary) => values.bind(boundary));
    return search(at, 0, bounds.length);
  };
}

function keptBy(filters: readonly Filter[], values: Values): string {
  if (filters.length === 0) return 'true';
  return filters.map((filter) => condition(filter, values)).join(' AND ');
}

function condition({ by, values: wanted, negated }: Filter, values: Values): string {
  const key = keyOf(by, values);
  const texts = wanted.filter((value) => value !== null);
  const listed =
    texts.length === 0 ? 'false' : `${key} IN (${texts.map((text) => values.bind(text)).join(', ')})`;
  const is = wanted.includes(null) ? `(${key} IS NULL OR ${listed})` : `(${key} IS NOT NULL AND ${listed})`;
  return negated ? `NOT ${is}` : is;
}

function keyOf(by: FilterDimension, values: Values): string {
  return columnOf(by) ?? `props[${values.bind(propName(by) ?? '')}]`;
}

/** Divides days into those that are answered from rollups, if these can answer, and those that are answered from rows. */
function split(days: readonly StoredDay[], canRollUp: (day: number) => boolean): [number[], number[]] {
  const [rolledUp, others]: [number[], number[]] = [[], []];
  for (const { day, isRolledUp } of days) (isRolledUp && canRollUp(day) ? rolledUp : others).push(day);
  return [rolledUp, others];
}

const isWhole = (day: number, { fromMs, toMs }: Pick<Scope, 'fromMs' | 'toMs'>) =>
  day * DAY_MS >= fromMs && (day + 1) * DAY_MS <= toMs;
