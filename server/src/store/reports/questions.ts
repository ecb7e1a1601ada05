import { PAGEVIEW } from '../../../../tracker/wire/limits.ts';
import { DAY_MS, utcDay } from '../../domain/clock.ts';
import type { Dimension, FilterDimension } from '../../domain/dimensions.ts';
import type { GoalTarget } from '../../domain/goals.ts';
import {
  type Filter,
  type FilteredSites,
  type OfSites,
  type RowPaging,
  type Scope,
  type SpanOfSites,
  sitesIn,
} from '../contract/store.ts';
import { keptBy, keyOf, namedKey, reached } from './conditions.ts';
import { measures, ofEvents, ofVisitors, ofVisits, sumOfValues } from './measures.ts';
import { type Ranking, ranked } from './ranking.ts';
import { columnOf, firstWith, isOfVisits, LATER_DIMENSIONS, MEASURES, rollupOf } from './relations.ts';
import { QUARTER_MS } from './rollups.ts';
import { type SiteDay, type Statement, Values } from './statement.ts';

/** Every question of the reports, as one statement each. */

/** A site's day with data. */
export interface StoredDay extends SiteDay {
  /** Whether the day is over and has rollups, which give the same numbers as its events. */
  isRolledUp: boolean;
}

const sums = MEASURES.map((name) => `sum(part.${name}) AS ${name}`).join(', ');
/** Adds up rows from several sources by their key. */
const summed = (parts: readonly string[], more: readonly string[] = []) =>
  `SELECT ${['key', sums, ...more].join(', ')} FROM (${parts.join('\n    UNION ALL ')}\n  ) AS part GROUP BY key`;

/** Counts by the values of a dimension, from rollups for whole days without filters, else from events. Returns one page. */
export function countBy(
  scope: Scope,
  by: Exclude<Dimension, 'bot'>,
  { paging, ranking, days }: { paging: RowPaging; ranking: Ranking; days: readonly StoredDay[] },
): Statement | null {
  const { fromMs, toMs, filters } = scope;
  const sites = sitesIn(scope);
  const hasRollups = filters.length === 0 && rollupOf(by) !== null;
  const [rolledUp, others] = split(days, (day) => hasRollups && isWhole(day, { fromMs, toMs }));
  const values = new Values();
  const parts: string[] = [];
  if (rolledUp.length > 0) {
    const dimension = values.bind(rollupOf(by) ?? by);
    const key = namedKey('value', by, sites, values);
    parts.push(`SELECT ${key} AS key, ${MEASURES.join(', ')} FROM rollups WHERE dimension = ${dimension}`);
    if (LATER_DIMENSIONS.includes(by)) parts.push(unknownOfDaysWithout(dimension));
  }
  if (others.length > 0) {
    const key = keyOf(by, sites, values);
    const inSpan = spanOf({ fromMs, toMs }, values);
    const kept = keptBy(scope, values);
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
    siteIds: idsOf(scope),
    from: {
      rollups: rolledUp,
      events: others,
      ...(LATER_DIMENSIONS.includes(by) ? { quarter_hours: rolledUp } : {}),
    },
    sql: ranked(summed(parts), paging, values, { by, ranking }),
    values: values.all,
  };
}

/** A site's day as one value, which is never null. */
const SITE_DAY = "site || ' ' || CAST(day AS String)";

/** Counts all of the days without rollups of a dimension as unknown: they were sealed before there was the dimension. */
function unknownOfDaysWithout(dimension: string): string {
  const counted = { ...Object.fromEntries(MEASURES.map((name) => [name, name])), bots: '0' };
  return `SELECT NULL AS key, ${measures({ ...counted, visitors: 'first_seen' })}
    FROM quarter_hours WHERE ${SITE_DAY} NOT IN (SELECT ${SITE_DAY} FROM rollups WHERE dimension = ${dimension})`;
}

/** Counts crawlers' visits by their names. Returns one page. */
export function countBots(
  scope: SpanOfSites,
  { paging, ranking, days }: { paging: RowPaging; ranking: Ranking; days: readonly StoredDay[] },
): Statement | null {
  const { fromMs, toMs } = scope;
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
    siteIds: idsOf(scope),
    from: { rollups: rolledUp, bots: others },
    sql: ranked(summed(parts, ['max(part.company) AS company']), paging, values, { by: 'bot', ranking }),
    values: values.all,
  };
}

/**
 * Counts by the buckets between boundaries. The key is the position of the bucket. Days without a bucket inside them, such as
 * those cut by the midnight of another time zone, are counted from quarters of an hour, if there are no filters.
 *
 * @param bySite whether to count each site: the key is then the site, a space and the position
 */
export function countByTime(
  scope: FilteredSites,
  boundariesMs: readonly number[],
  days: readonly StoredDay[],
  { bySite = false }: { bySite?: boolean } = {},
): Statement | null {
  const { filters } = scope;
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
  const ofSite = (bucket: string) => (bySite ? `site || ' ' || CAST(${bucket} AS String)` : bucket);
  const [fromMs, toMs] = [boundariesMs[0] ?? 0, boundariesMs.at(-1) ?? 0];
  const parts: string[] = [];
  if (rolledUp.length > 0) {
    // A day's first part has the visitors whose first event is in it, the part after a boundary those whose last one is.
    const seen = `CASE WHEN ${bucketOf(`(day * ${DAY_MS})`)} = ${bucketOf('quarter')} THEN first_seen ELSE last_seen END`;
    parts.push(
      `SELECT ${ofSite(bucketOf('quarter'))} AS key, ${measures({
        ...Object.fromEntries(MEASURES.map((name) => [name, name])),
        visitors: seen,
      })} FROM quarter_hours WHERE ${spanOf({ fromMs, toMs }, values)('quarter')}`,
    );
  }
  if (others.length > 0) {
    const inSpan = spanOf({ fromMs, toMs }, values);
    // All that is in the span is in the only bucket.
    const keyOf = (at: string) => ofSite(boundariesMs.length === 2 ? '0' : bucketOf(at));
    parts.push(
      countEvents({
        kept: keptBy(scope, values),
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
    siteIds: idsOf(scope),
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
    siteIds: [siteId],
    from: { events: days },
    sql: `
      SELECT page, count(*) AS visitors FROM (
        SELECT page, row_number() OVER (PARTITION BY visitor_no ORDER BY received_at DESC, ordinal DESC) AS place
        FROM events WHERE received_at >= ${values.bind(sinceMs)}) AS seen
      WHERE place = 1 GROUP BY page`,
    values: values.all,
  };
}

/** Adds up the values of events by the buckets between boundaries, and by currency. */
export function sumByTime(
  scope: FilteredSites,
  boundariesMs: readonly number[],
  days: readonly StoredDay[],
): Statement | null {
  const values = new Values();
  const key = boundariesMs.length === 2 ? '0' : bucketsOf(boundariesMs, values)('received_at');
  const span = { fromMs: boundariesMs[0] ?? 0, toMs: boundariesMs.at(-1) ?? 0 };
  const kept = keptBy(scope, values);
  return sumsOf({ scope, key, kept: `${kept} AND ${spanOf(span, values)('received_at')}`, values, days });
}

/** Adds up the values of events by some values of a dimension, and by currency. */
export function sumByValue(
  scope: Scope,
  by: FilterDimension,
  wanted: readonly (string | null)[],
  days: readonly StoredDay[],
): Statement | null {
  const values = new Values();
  const key = keyOf(by, sitesIn(scope), values);
  const filters: Filter[] = [...scope.filters, { by, values: wanted, negated: false }];
  const kept = keptBy({ ...scope, filters }, values);
  const happened = spanOf(scope, values)('received_at');
  return sumsOf({ scope, key, kept: `${kept} AND ${happened}`, values, days });
}

function sumsOf({
  scope,
  key,
  kept,
  values,
  days,
}: {
  scope: FilteredSites;
  key: string;
  kept: string;
  values: Values;
  days: readonly StoredDay[];
}) {
  if (days.length === 0) return null;
  return {
    siteIds: idsOf(scope),
    from: { events: days },
    sql: `SELECT ${key} AS key, currency, ${sumOfValues()} AS revenue FROM events WHERE value IS NOT NULL AND ${kept} GROUP BY 1, 2`,
    values: values.all,
  };
}

/** Counts the visitors and events that reached each goal. */
export function countGoals(
  scope: Scope,
  goals: readonly GoalTarget[],
  days: readonly StoredDay[],
): Statement | null {
  const counts = goals.map(
    (_, i) => `count(DISTINCT CASE WHEN goal_${i} THEN visitor_no END) AS visitors_${i},
      count(*) FILTER (WHERE goal_${i}) AS events_${i}`,
  );
  return overGoals(scope, goals, days, {
    ...{ columns: 'visitor_no', where: 'true' },
    select: (reached) => `SELECT ${counts.join(', ')} FROM ${reached}`,
  });
}

/** Adds up the values of the events that reached each goal, by currency. */
export function sumGoals(
  scope: Scope,
  goals: readonly GoalTarget[],
  days: readonly StoredDay[],
): Statement | null {
  const sums = goals.map(
    (_, i) => `count(*) FILTER (WHERE goal_${i}) AS events_${i}, ${sumOfValues(`goal_${i}`)} AS revenue_${i}`,
  );
  return overGoals(scope, goals, days, {
    ...{ columns: 'currency, value', where: 'value IS NOT NULL' },
    select: (reached) => `SELECT currency, ${sums.join(', ')} FROM ${reached} GROUP BY currency`,
  });
}

/** Asks about the events of a scope, with a flag `goal_N` for each goal that they may have reached. */
function overGoals(
  scope: Scope,
  goals: readonly GoalTarget[],
  days: readonly StoredDay[],
  { columns, where, select }: { columns: string; where: string; select: (relation: string) => string },
): Statement | null {
  if (goals.length === 0 || days.length === 0) return null;
  const values = new Values();
  const flags = goals.map((goal, i) => `${reached(goal, values)} AS goal_${i}`);
  const kept = `${keptBy(scope, values)} AND ${spanOf(scope, values)('received_at')}`;
  return {
    siteIds: idsOf(scope),
    from: { events: days },
    sql: select(`(SELECT ${columns}, ${flags.join(', ')} FROM events WHERE ${where} AND ${kept}) AS reached`),
    values: values.all,
  };
}

/** Counts the events other than page views that have each property. */
export function countProperties(scope: Scope, limit: number, days: readonly StoredDay[]): Statement | null {
  if (days.length === 0) return null;
  const values = new Values();
  const kept = `${keptBy(scope, values)} AND ${spanOf(scope, values)('received_at')}`;
  return {
    siteIds: idsOf(scope),
    from: { events: days },
    sql: `SELECT property, count(*) AS events FROM (
        SELECT arrayJoin(mapKeys(props)) AS property FROM events WHERE name <> '${PAGEVIEW}' AND ${kept}) AS properties
      GROUP BY property ORDER BY events DESC, property LIMIT ${values.bind(limit)}`,
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
  const isOfKey = (filter: Filter) =>
    column !== null && filter.by !== 'goal' && columnOf(filter.by) === column;
  if (!filters.every((filter) => isOfKey(filter) || (filter.by !== 'goal' && isOfVisits(filter.by))))
    return null;
  if (by === null || isOfVisits(by)) return 'begins';
  return column === null ? null : firstWith(column);
}

/** Returns the condition that an instant is in a span. */
export function spanOf(
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

/** Divides days into those that are answered from rollups, if these can answer, and those that are answered from rows. */
function split(days: readonly StoredDay[], canRollUp: (day: number) => boolean): [SiteDay[], SiteDay[]] {
  const [rolledUp, others]: [SiteDay[], SiteDay[]] = [[], []];
  for (const { siteId, day, isRolledUp } of days)
    (isRolledUp && canRollUp(day) ? rolledUp : others).push({ siteId, day });
  return [rolledUp, others];
}

/** Returns the sites of a statement. */
export const idsOf = (scope: OfSites) => sitesIn(scope).map(({ siteId }) => siteId);

const isWhole = (day: number, { fromMs, toMs }: Pick<Scope, 'fromMs' | 'toMs'>) =>
  day * DAY_MS >= fromMs && (day + 1) * DAY_MS <= toMs;
