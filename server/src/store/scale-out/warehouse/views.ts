import { DAY_MS } from '../../../domain/clock.ts';
import { VITALS } from '../../../domain/vitals.ts';
import { VISIT_COLUMNS } from '../../reports/relations.ts';
import { ofDays } from './day-tables.ts';
import { text } from './literal.ts';
import { ENTRIES } from './schema.ts';

/**
 * Returns the expression of the 75th percentile by nearest rank. Of n values in order, counted from 0, ClickHouse takes the one
 * at the level times n, rounded down. The nearest rank is one less where n is a multiple of 4, and the same elsewhere.
 */
export const P75 = (column: string) => `quantileExact(0.749999999999)(${column})`;

/** The order of entries of a visitor. An event comes before leaves that were received with it. */
const IN_ORDER = 'received_at, ordinal, is_leave, id';

/**
 * Returns the query for the relation `views` of a site's days, made from leaves. A view is all leaves with its number of a visitor
 * and day: the greatest scroll depth, the newest vitals, and the visit that was the newest when it was first said to have ended.
 * Leaves of visitors without a visit until then belong to no visit.
 *
 * @param events the query for the events of these days, with their visitors
 */
export function viewRows(siteId: string, days: readonly number[], events: string): string {
  const visit = VISIT_COLUMNS.join(', ');
  const ofVisit = (name: string) => VISIT_COLUMNS.indexOf(name) + 1;
  const place = `(${IN_ORDER})`;
  const unknown = VISIT_COLUMNS.map((name) => `CAST(NULL AS LowCardinality(Nullable(String))) AS ${name}`);
  const leaves = `SELECT toInt32(intDiv(e.received_at, ${DAY_MS})) AS day, e.visitor AS visitor, e.received_at AS received_at,
      toInt64(e.ordinal) AS ordinal, toUInt8(1) AS is_leave, toString(e.event_id) AS id, e.view AS view, e.path AS page,
      e.scroll AS scroll, e.vitals AS vitals, ${unknown.join(', ')}
    FROM ${ENTRIES} AS e FINAL WHERE ${ofDays([siteId], days)} AND e.kind = 'leave'`;
  const visits = `SELECT v.day AS day, v.visitor AS visitor, v.received_at AS received_at,
      v.ordinal AS ordinal, toUInt8(0) AS is_leave, '' AS id, CAST(NULL AS Nullable(Int64)) AS view, '' AS page,
      CAST(NULL AS Nullable(Float64)) AS scroll, CAST(NULL AS Nullable(String)) AS vitals,
      ${VISIT_COLUMNS.map((name) => `v.${name} AS ${name}`).join(', ')}
    FROM (${events}) AS v WHERE v.begins`;
  return `SELECT ${text(siteId)} AS site, day, received_at, page, scroll,
      ${VITALS.map(({ name }) => `JSONExtract(ifNull(vitals, ''), '${name}', 'Nullable(Float64)') AS ${name}`).join(', ')},
      ${VISIT_COLUMNS.map((name) => `tupleElement(of_visit, ${ofVisit(name)}) AS ${name}`).join(', ')}
    FROM (
      SELECT any(leave.day) AS day, max(leave.received_at) AS received_at, argMin(leave.page, leave.place) AS page,
        max(leave.scroll) AS scroll, argMaxIf(leave.vitals, leave.place, leave.vitals IS NOT NULL) AS vitals,
        argMin(leave.of_visit, leave.place) AS of_visit
      FROM (
        SELECT day, visitor, received_at, is_leave, view, page, scroll, vitals, ${place} AS place,
          countIf(is_leave = 0) OVER before > 0 AS has_visit,
          argMaxIf((${visit}), ${place}, is_leave = 0) OVER before AS of_visit
        FROM (${leaves} UNION ALL ${visits}) AS entries
        WINDOW before AS (PARTITION BY day, visitor ORDER BY ${IN_ORDER} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
      ) AS leave WHERE leave.is_leave = 1
      GROUP BY leave.day, leave.has_visit, if(leave.has_visit, leave.visitor, 0), ifNull(leave.view, 0)
    ) AS ended`;
}
