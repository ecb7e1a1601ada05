import type { FilterDimension } from '../../domain/dimensions.ts';
import type { GoalTarget } from '../../domain/goals.ts';
import { type FunnelRow, type RowPaging, type Scope, sitesIn } from '../contract/store.ts';
import { keptBy, keyOf, reached } from './conditions.ts';
import { idsOf, type StoredDay, spanOf } from './questions.ts';
import { type Ranking, ranked } from './ranking.ts';
import { type Statement, Values } from './statement.ts';

/** The question how far visits got through the steps of a funnel. */

const BY_FIRST_STEP: Ranking = { size: 'visitors_0', more: 'visits_0', isListed: 'visits_0 > 0' };

/** The order of a visit's events. */
const IN_ORDER = 'ORDER BY received_at, ordinal';

/**
 * Counts the visits that reached each step after all earlier ones, and their visitors. With a dimension, visits are split by the
 * value of the event of their first step, and rows are paged; without one, there is a single row.
 */
export function countFunnel(
  scope: Scope,
  steps: readonly GoalTarget[],
  by: FilterDimension | null,
  { paging, days }: { paging: RowPaging; days: readonly StoredDay[] },
): Statement | null {
  if (days.length === 0 || steps.length === 0) return null;
  const values = new Values();
  const flags = steps.map((step, i) => `CASE WHEN ${reached(step, values)} THEN 1 ELSE 0 END AS is_${i}`);
  const key = by === null ? [] : [`${keyOf(by, sitesIn(scope), values)} AS own_key`];
  const kept = `${keptBy(scope, values)} AND ${spanOf(scope, values)('received_at')}`;
  const events = `SELECT visit_no, visitor_no, ${['received_at', 'ordinal', ...key, ...flags].join(', ')}
    FROM events WHERE ${kept}`;
  const visits = visitsOf(events, { steps: steps.length, hasKey: by !== null });
  const counts = steps.map(
    (_, i) => `count(*) FILTER (WHERE got_${i} = 1) AS visits_${i},
      count(DISTINCT CASE WHEN got_${i} = 1 THEN visitor END) AS visitors_${i}`,
  );
  const counted = (columns: readonly string[]) => `SELECT ${columns.join(', ')} FROM (${visits}) AS visits`;
  return {
    siteIds: idsOf(scope),
    from: { events: days },
    sql:
      by === null
        ? counted(counts)
        : ranked(`${counted(['first_key AS key', ...counts])} GROUP BY first_key`, paging, values, {
            by,
            ranking: BY_FIRST_STEP,
          }),
    values: values.all,
  };
}

/**
 * Returns the visits that reached the first step, with a flag `got_N` for each step. An event reaches a step if it is one, and an
 * earlier event of the visit reached the step before: each step adds one window over the events that are any step.
 */
function visitsOf(events: string, { steps, hasKey }: { steps: number; hasKey: boolean }): string {
  const places = Array.from({ length: steps }, (_, i) => i);
  const first = hasKey ? `, row_number() OVER (PARTITION BY visit_no, is_0 ${IN_ORDER}) AS place` : '';
  const following = places.slice(1).reduce(
    (
      before,
      i,
    ) => `SELECT *, CASE WHEN is_${i} = 1 AND max(at_${i - 1}) OVER (PARTITION BY visit_no ${IN_ORDER}
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) = 1 THEN 1 ELSE 0 END AS at_${i} FROM (${before}) AS before_${i}`,
    `SELECT *, is_0 AS at_0${first} FROM (${events}) AS steps WHERE ${places.map((i) => `is_${i}`).join(' + ')} > 0`,
  );
  const key = hasKey ? ', max(CASE WHEN is_0 = 1 AND place = 1 THEN own_key END) AS first_key' : '';
  return `SELECT visit_no, any_value(visitor_no) AS visitor${key}, ${places.map((i) => `max(at_${i}) AS got_${i}`).join(', ')}
    FROM (${following}) AS followed GROUP BY visit_no HAVING max(at_0) = 1`;
}

/** Converts a row of the answer. No row means that there are no visits. */
export function funnelRow(row: Readonly<Record<string, unknown>> | undefined, steps: number): FunnelRow {
  const number = (column: string) => Number(row?.[column] ?? 0);
  return {
    value: row?.key === null || row?.key === undefined ? null : String(row.key),
    steps: Array.from({ length: steps }, (_, i) => ({
      visitors: number(`visitors_${i}`),
      visits: number(`visits_${i}`),
    })),
  };
}
