import { PAGEVIEW } from '../../../../tracker/wire/limits.ts';
import { BOUNCE_ENGAGED_MS, VISIT_GAP_MS } from '../../domain/visit-rules.ts';
import {
  type Column,
  EVENT_COLUMNS,
  EVENTS,
  firstWith,
  NUMBERS_PER_DAY,
  VISIT_COLUMNS,
} from './relations.ts';

/** The statement that makes the relation `events` from single entries, for engines that store no visits. */

/** The dimensions of visits that the first event of a visit tells. */
const SENDER_COLUMNS = VISIT_COLUMNS.filter((column) => column !== 'entry' && column !== 'exit');

/**
 * The columns of the entries: events, and the ends of views. No two entries of a site and day have the same `id`. `view` is null
 * if it is not known; `engaged` is null for events. An entry of a view's end needs no more than that and its place.
 */
export const ENTRIES: readonly Column[] = [
  { name: 'site', type: 'text' },
  { name: 'day', type: 'integer' },
  { name: 'received_at', type: 'integer' },
  { name: 'ordinal', type: 'integer' },
  { name: 'id', type: 'text' },
  { name: 'visitor', type: 'integer' },
  { name: 'is_event', type: 'flag' },
  { name: 'interactive', type: 'flag' },
  { name: 'view', type: 'integer' },
  { name: 'engaged', type: 'integer' },
  ...EVENTS.filter(({ name }) =>
    [...EVENT_COLUMNS, ...SENDER_COLUMNS, 'props', 'value', 'currency'].includes(name),
  ),
];

/** The columns of `events` that are the same for all events of a visit. */
const OF_VISIT = [
  ...['visit_start', 'visit_end', 'visitor_no', 'visit_no', 'entry', 'exit', 'lone', 'engaged', 'bounce'],
  ...SENDER_COLUMNS,
];
const FIRSTS = EVENT_COLUMNS.map(firstWith);
/** The columns of `events` that are those of its entry. */
const OWN = EVENTS.map(({ name }) => name).filter(
  (name) => ![...OF_VISIT, ...FIRSTS, 'begins'].includes(name),
);

const VISITOR = 'site, day, visitor';
const VISIT = `${VISITOR}, visit`;
const IN_ORDER = 'received_at, ordinal, id';

/** Which of the visitors of each day the entries have, if a day is made in parts. Numbers of two parts differ. */
export interface Part {
  no: number;
  of: number;
}
/** The part of visitors who are made again, beside a whole day that was made before. */
export const AGAIN: Part = { no: NUMBERS_PER_DAY / 2, of: 1 };

/**
 * Makes the rows of `events`, with the column `visitor` of the entries. A visit is the events of a visitor and day without a gap,
 * in the order of receipt. Engaged time belongs to the visit in which the view was first said to have ended: the newest begun
 * before.
 *
 * Windows look at few columns, and the others are joined afterwards, which costs a quarter of windows over whole rows.
 *
 * @param entries a relation or query with the columns `ENTRIES`, of whole visitors' days
 */
export function sessionsOf(entries: string, { no, of }: Part = { no: 0, of: 1 }): string {
  const events = (name: string) => `(SELECT * FROM ${entries} WHERE is_event) AS ${name}`;
  const isSame = (columns: readonly string[], a: string, b: string) =>
    columns.map((column) => `${a}.${column} = ${b}.${column}`).join(' AND ');
  const begins = `is_event AND (previous_at IS NULL OR received_at - previous_at >= ${VISIT_GAP_MS})`;
  const numberOf = (rank: string) => `day * ${NUMBERS_PER_DAY} + (${rank} - 1) * ${of} + ${no}`;
  return `
    WITH following AS (
      SELECT ${VISITOR}, ${IN_ORDER}, is_event, interactive, view, engaged, ${EVENT_COLUMNS.join(', ')},
        max(CASE WHEN is_event THEN received_at END)
          OVER (PARTITION BY ${VISITOR} ORDER BY ${IN_ORDER} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS previous_at
      FROM ${entries}
    ), numbered AS (
      SELECT ${VISITOR}, ${IN_ORDER}, is_event, interactive, view, engaged, ${EVENT_COLUMNS.join(', ')}, ${begins} AS begins,
        sum(CASE WHEN ${begins} THEN 1 ELSE 0 END)
          OVER (PARTITION BY ${VISITOR} ORDER BY ${IN_ORDER} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS visit
      FROM following
    ), views AS (
      SELECT ${VISITOR}, min(visit) AS first_visit, max(coalesce(engaged, 0)) AS view_engaged
      FROM numbered WHERE NOT is_event AND visit > 0 GROUP BY ${VISITOR}, coalesce(view, 0)
    ), engagement AS (
      SELECT ${VISITOR}, first_visit AS visit, sum(view_engaged) AS visit_engaged FROM views GROUP BY ${VISITOR}, first_visit
    ), marked AS (
      SELECT ${VISIT}, ${IN_ORDER}, begins, interactive, ${EVENT_COLUMNS.join(', ')},
        coalesce(max(visit) OVER (PARTITION BY ${VISITOR} ORDER BY ${IN_ORDER} ROWS BETWEEN 1 FOLLOWING AND 1 FOLLOWING), 0) AS next_visit,
        ${EVENT_COLUMNS.map((column) => `row_number() OVER (PARTITION BY ${VISIT}, ${column} ORDER BY ${IN_ORDER}) = 1 AS ${firstWith(column)}`).join(', ')}
      FROM numbered WHERE is_event
    ), visits AS (
      SELECT ${VISIT}, min(received_at) AS visit_start, max(received_at) AS visit_end,
        sum(CASE WHEN name = '${PAGEVIEW}' THEN 1 ELSE 0 END) AS visit_pageviews,
        sum(CASE WHEN interactive AND name <> '${PAGEVIEW}' THEN 1 ELSE 0 END) AS visit_actions,
        max(CASE WHEN begins THEN page END) AS entry, max(CASE WHEN next_visit <> visit THEN page END) AS exit,
        max(CASE WHEN begins THEN id END) AS first_id,
        visit = 1 AND max(CASE WHEN next_visit > visit THEN 1 ELSE 0 END) = 0 AS lone
      FROM marked GROUP BY ${VISIT}
    ), measured AS (
      SELECT visits.site AS site, visits.day AS day, visits.visitor AS visitor, visits.visit AS visit,
        visit_start, visit_end, visit_pageviews, visit_actions, entry, exit, first_id, lone,
        coalesce(visit_engaged, 0) AS visit_engaged
      FROM visits LEFT JOIN engagement ON ${isSame(VISIT.split(', '), 'visits', 'engagement')}
    ), numbered_visits AS (
      SELECT ${VISIT}, visit_start, visit_end, entry, exit, first_id, lone, visit_engaged AS engaged,
        visit_pageviews = 1 AND visit_actions = 0 AND visit_engaged < ${BOUNCE_ENGAGED_MS} AS bounce,
        ${numberOf('dense_rank() OVER (PARTITION BY day ORDER BY site, visitor)')} AS visitor_no,
        ${numberOf('row_number() OVER (PARTITION BY day ORDER BY site, visitor, visit)')} AS visit_no
      FROM measured
    ), whole_visits AS (
      SELECT ${[...VISIT.split(', '), ...OF_VISIT.filter((column) => !SENDER_COLUMNS.includes(column))].map((column) => `numbered_visits.${column} AS ${column}`).join(', ')},
        ${SENDER_COLUMNS.map((column) => `began.${column} AS ${column}`).join(', ')}
      FROM numbered_visits JOIN ${events('began')} ON ${isSame(['site', 'day', 'visitor'], 'began', 'numbered_visits')} AND began.id = numbered_visits.first_id
    )
    SELECT ${EVENTS.map(({ name }) => {
      if (OWN.includes(name)) return `own.${name} AS ${name}`;
      return `${OF_VISIT.includes(name) ? 'whole_visits' : 'marked'}.${name} AS ${name}`;
    }).join(', ')}, own.visitor AS visitor
    FROM marked JOIN ${events('own')} ON ${isSame(['site', 'day', 'visitor', 'id'], 'own', 'marked')}
      JOIN whole_visits ON ${isSame(VISIT.split(', '), 'whole_visits', 'marked')}`;
}
