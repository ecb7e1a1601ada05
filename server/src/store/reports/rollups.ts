import { PAGEVIEW } from '../../../../tracker/wire/limits.ts';
import { MINUTE_MS } from '../../domain/clock.ts';
import { DIMENSIONS } from '../../domain/dimensions.ts';
import { columnOf, firstWith, isOfVisits, QUARTER_MEASURES } from './relations.ts';

/** The statements that make the rollups of whole days from their `events` and `bots`. */

/** The UTC offset of every time zone in use today is a multiple of it. */
export const QUARTER_MS = 15 * MINUTE_MS;

/** Makes the rows of `rollups`. */
export function rollupsOf(): string {
  const ofEvents = DIMENSIONS.map(({ name }) => {
    const column = columnOf(name) ?? name;
    const first = isOfVisits(name) ? 'begins' : firstWith(column);
    return `
      SELECT site, day, '${name}' AS dimension, ${column} AS value, NULL AS company,
        count(*) FILTER (WHERE ${first} AND lone) + count(DISTINCT visitor_no) FILTER (WHERE NOT lone) AS visitors,
        count(*) AS events, count(*) FILTER (WHERE name = '${PAGEVIEW}') AS pageviews,
        count(*) FILTER (WHERE ${first}) AS visits, count(*) FILTER (WHERE ${first} AND channel = 'ai') AS referrals,
        count(*) FILTER (WHERE ${first} AND bounce) AS bounces, sum(CASE WHEN ${first} THEN engaged ELSE 0 END) AS engaged,
        0 AS bots
      FROM events GROUP BY site, day, ${column}`;
  });
  const ofBots = `
      SELECT site, day, 'bot' AS dimension, bot AS value, max(company) AS company,
        0 AS visitors, 0 AS events, 0 AS pageviews, 0 AS visits, 0 AS referrals, 0 AS bounces, 0 AS engaged, count(*) AS bots
      FROM bots GROUP BY site, day, bot`;
  return [...ofEvents, ofBots].join('\n      UNION ALL');
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
        part(
          'received_at',
          { events: 'count(*)', pageviews: `count(*) FILTER (WHERE name = '${PAGEVIEW}')` },
          'events',
        ),
        part(
          'visit_start',
          {
            visits: 'count(*)',
            referrals: "count(*) FILTER (WHERE channel = 'ai')",
            bounces: 'count(*) FILTER (WHERE bounce)',
            engaged: 'sum(engaged)',
          },
          'events WHERE begins',
        ),
        part('first_at', { first_seen: 'count(*)' }, visitors),
        part('last_at', { last_seen: 'count(*)' }, visitors),
        part('received_at', { bots: 'count(*)' }, 'bots'),
      ].join('\n      UNION ALL')}
    ) AS part GROUP BY site, day, quarter`;
}
