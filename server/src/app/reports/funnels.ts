import type { FilterDimension } from '../../domain/dimensions.ts';
import type { FunnelStep } from '../../domain/funnel.ts';
import type { GoalTarget } from '../../domain/goals.ts';
import { storedPage } from '../../domain/page-path.ts';
import type { PageRules } from '../../domain/value-names.ts';
import type { AskedReports, FunnelRow, Goal, Scope } from '../../store/contract/store.ts';
import { withSlashes } from '../goals.ts';
import { isNamed } from './filters.ts';

/** Funnels: how many of the visits that reached a step went on to the next one. */

/** How many reached a step of a funnel. */
export interface StepResult {
  visitors: number;
  visits: number;
  /** The visitors of the step before who did not reach this one; 0 for the first step. */
  dropOff: number;
  /** The share of the first step's visitors who reached this one, from 0 to 1; null if there are none. */
  rate: number | null;
  /** The share of the visitors of the step before who reached this one, from 0 to 1; null if there are none, and for the first step. */
  stepRate: number | null;
}

/** The funnel of the visits of one value of a dimension. */
export interface FunnelResult {
  /** Null if unknown, and without a dimension. */
  value: string | null;
  steps: StepResult[];
}

/**
 * Returns what reaches a step.
 *
 * @param goals those of the site, in case that the step names one
 * @param rules which pages the site counts as one
 * @returns the end of an error sentence, like `parseStep`, if the step names a goal that does not exist
 */
export function targetOf(
  { kind, value }: FunnelStep,
  goals: readonly (Goal & GoalTarget)[],
  rules: PageRules,
): GoalTarget | string {
  if (kind === 'event') return { kind, pattern: value };
  if (kind === 'page') return withSlashes({ kind, pattern: storedPage(value) }, rules);
  const goal = goals.find((each) => isNamed(each, value, { operator: 'is', rules }));
  return goal ?? `names a goal that the site does not have: "${value}"`;
}

/** Counts how far visits got through steps, by the values of a dimension; all of them without one. Returns one page. */
export async function funnelResults(
  reports: Pick<AskedReports, 'funnel'>,
  scope: Scope,
  { steps, by }: { steps: readonly GoalTarget[]; by: FilterDimension | null },
  paging: { limit: number; cursor?: string },
): Promise<{ rows: FunnelResult[]; nextCursor: string | null }> {
  const { rows, nextCursor } = await reports.funnel(scope, steps, by, paging);
  return { rows: rows.map(resultOf), nextCursor };
}

function resultOf({ value, steps }: FunnelRow): FunnelResult {
  const share = (part: number, whole: number | undefined) =>
    whole === undefined || whole === 0 ? null : part / whole;
  return {
    value,
    steps: steps.map(({ visitors, visits }, i) => {
      const before = steps[i - 1]?.visitors;
      return {
        ...{ visitors, visits },
        dropOff: before === undefined ? 0 : before - visitors,
        rate: share(visitors, steps[0]?.visitors),
        stepRate: share(visitors, before),
      };
    }),
  };
}
