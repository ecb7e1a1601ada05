import { PAGEVIEW } from '../../../../tracker/wire/limits.ts';
import type { GoalTarget } from '../../domain/goals.ts';
import { JOURNEY_STEPS } from '../../domain/journey.ts';
import type { JourneyStep, Scope } from '../contract/store.ts';
import { keptBy, reached } from './conditions.ts';
import { idsOf, type StoredDay, spanOf } from './questions.ts';
import { type Statement, Values } from './statement.ts';

/** The question which pages visits came from and went on to, around a page. */

const WINDOW = 'PARTITION BY visit_no ORDER BY received_at, ordinal';

/**
 * Counts the pages around the first view of a page in each visit: a row a step and page, of each step the most frequent pages.
 * Views of one page in a row are one step.
 */
export function countJourneys(
  scope: Scope,
  page: GoalTarget,
  limit: number,
  days: readonly StoredDay[],
): Statement | null {
  if (days.length === 0) return null;
  const values = new Values();
  const isPage = reached(page, values);
  const kept = `${keptBy(scope, values)} AND ${spanOf(scope, values)('received_at')}`;
  const before = `max(page) OVER (${WINDOW} ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING)`;
  return {
    siteIds: idsOf(scope),
    from: { events: days },
    sql: `SELECT step, page, visits, step_visits, step_pages FROM (
      SELECT step, page, visits, row_number() OVER (PARTITION BY step ORDER BY visits DESC, page) AS place,
        sum(visits) OVER (PARTITION BY step) AS step_visits, count(*) OVER (PARTITION BY step) AS step_pages
      FROM (
        SELECT place - first_place AS step, page, count(*) AS visits FROM (
          SELECT page, place, min(CASE WHEN is_page = 1 THEN place END) OVER (PARTITION BY visit_no) AS first_place FROM (
            SELECT visit_no, page, is_page, row_number() OVER (${WINDOW}) AS place FROM (
              SELECT visit_no, received_at, ordinal, page, CASE WHEN ${isPage} THEN 1 ELSE 0 END AS is_page, ${before} AS page_before
              FROM events WHERE name = '${PAGEVIEW}' AND ${kept}
            ) AS views WHERE page_before IS NULL OR page_before <> page
          ) AS places
        ) AS starts WHERE first_place IS NOT NULL AND place - first_place BETWEEN -${JOURNEY_STEPS} AND ${JOURNEY_STEPS}
        GROUP BY 1, 2
      ) AS counted
    ) AS ranked WHERE place <= ${values.bind(limit)} ORDER BY step, place`,
    values: values.all,
  };
}

/** Converts the rows of the answer to all steps, in order. A step that no visit has is empty. */
export function journeyOf(rows: readonly Readonly<Record<string, unknown>>[]): JourneyStep[] {
  return Array.from({ length: 2 * JOURNEY_STEPS + 1 }, (_, i) => {
    const step = i - JOURNEY_STEPS;
    const found = rows.filter((row) => Number(row.step) === step);
    return {
      step,
      visits: Number(found[0]?.step_visits ?? 0),
      pages: Number(found[0]?.step_pages ?? 0),
      rows: found.map(({ page, visits }) => ({ page: String(page), visits: Number(visits) })),
    };
  });
}
