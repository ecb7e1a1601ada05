import { MINUTE_MS } from '../../domain/clock.ts';
import { DIMENSIONS } from '../../domain/dimensions.ts';
import { measures, ofEvents, ofVisitors, ofVisits } from './measures.ts';
import { columnOf, firstWith, isOfVisits, QUARTER_MEASURES, rollupOf } from './relations.ts';

/** The statements that make the rollups of whole days from their `events` and `bots`. */

/** The UTC offset of every time zone in use today is a multiple of it. */
export const QUARTER_MS = 15 * MINUTE_MS;

/** Makes the rows of `rollups`. */
export function rollupsOf(): string {
  const byValue = DIMENSIONS.map(({ name }) => {
    const column = columnOf(name) ?? name;
    const first = isOfVisits(name) ? 'begins' : firstWith(column);
    return `
      SELECT site, day, '${rollupOf(name)}' AS dimension, ${column} AS value, NULL AS company,
        ${measures({ ...ofVisitors({ first, happened: 'true', isWithin: 'true' }), ...ofEvents('true'), ...ofVisits(first) })}
      FROM events GROUP BY site, day, ${column}`;
  });
  const byBot = `
      SELECT site, day, 'bot' AS dimension, bot AS value, max(company) AS company,
        ${measures({ bots: 'count(*)' })}
      FROM bots GROUP BY site, day, bot`;
  return [...byValue, byBot].join('\n      UNION ALL');
}

/** Makes the rows of `quarter_hours`. */
export function quarterHoursOf(): string {
  const part = (
    quarterOf: string,
    counted: Partial<Record<(typeof QUARTER_MEASURES)[number], string>>,
    from: string,
  ) => `
      SELECT site, day, ${quarterOf} - ${quarterOf} % ${QUARTER_MS} AS quarter,
        ${QUARTER_MEASURES.map((name) => `${counted[name] ?? '0'} AS ${name}`).join(', ')}
      FROM ${from} GROUP BY 1, 2, 3`;
  const visitors = `(
        SELECT site, day, min(visit_start) AS first_at, max(visit_end) AS last_at
        FROM events WHERE begins GROUP BY site, day, visitor_no) AS visitors`;
  return `
    SELECT site, day, quarter, ${QUARTER_MEASURES.map((name) => `sum(part.${name}) AS ${name}`).join(', ')} FROM (
      ${[
        part('received_at', ofEvents('true'), 'events'),
        part('visit_start', ofVisits('true'), 'events WHERE begins'),
        part('first_at', { first_seen: 'count(*)' }, visitors),
        part('last_at', { last_seen: 'count(*)' }, visitors),
        part('received_at', { bots: 'count(*)' }, 'bots'),
      ].join('\n      UNION ALL')}
    ) AS part GROUP BY site, day, quarter`;
}
