import { LEAVE } from '../../../tracker/wire/limits.ts';
import type { GoalTarget } from '../domain/goals.ts';
import type { Measures } from '../domain/measures.ts';
import { slashPatterns, storedPage } from '../domain/page-path.ts';
import { newId } from '../domain/tokens.ts';
import type { PageRules } from '../domain/value-names.ts';
import type { AskedReports, Goal, GoalCount, Registry, Scope, Site } from '../store/contract/store.ts';
import type { Context } from './context.ts';
import { refusal } from './use-case-error.ts';

/** Use cases of goals: events and pages that an owner wants visitors to reach. */

const GOALS_MAX = 100;
/** The longest name or path of a goal. */
export const GOAL_MAX_CHARS = 100;

/**
 * Adds a goal to a site. A goal that already exists is left unchanged.
 *
 * @throws UseCaseError `INVALID_GOAL`, `TOO_MANY_GOALS`
 */
export async function addGoal(
  { registry }: Pick<Context, 'registry'>,
  siteId: string,
  { kind, pattern: typed }: Pick<Goal, 'kind' | 'pattern'>,
): Promise<void> {
  const pattern = typed.trim();
  if (pattern === '' || pattern.length > GOAL_MAX_CHARS)
    throw refusal('INVALID_GOAL', `Enter a name or path of 1 to ${GOAL_MAX_CHARS} characters.`);
  if (kind === 'page' && !pattern.startsWith('/'))
    throw refusal('INVALID_GOAL', 'A page path must start with a slash, such as /thanks.');
  if (kind === 'event' && pattern === LEAVE)
    throw refusal(
      'INVALID_GOAL',
      `${LEAVE} marks the end of a page view. It is not an event that can reach a goal.`,
    );
  if ((await registry.goalsOf(siteId)).length >= GOALS_MAX) throw refusal('TOO_MANY_GOALS', GOALS_MAX);
  await registry.addGoal({
    id: newId('goal'),
    siteId,
    kind,
    pattern: kind === 'page' ? storedPage(pattern) : pattern,
  });
}

/** Lists the goals of a site, for reports: with all patterns of the pages that reach them. */
export async function goalsOf(
  { registry }: { registry: Pick<Registry, 'goalsOf'> },
  { id, mergeTrailingSlashes }: Pick<Site, 'id' | 'mergeTrailingSlashes'>,
): Promise<(Goal & GoalTarget)[]> {
  const goals = await registry.goalsOf(id);
  return goals.map((goal) => withSlashes(goal, { mergeTrailingSlashes }));
}

/** Returns a target with all patterns of the pages that a site counts as one. */
export function withSlashes<Target extends GoalTarget>(
  target: Target,
  { mergeTrailingSlashes }: PageRules,
): Target & GoalTarget {
  return mergeTrailingSlashes && target.kind === 'page'
    ? { ...target, alternatives: slashPatterns(target.pattern) }
    : target;
}

export interface GoalResult extends GoalCount {
  goal: Goal;
  /** The share of the visitors who reached the goal, from 0 to 1; null if there are no visitors. */
  rate: number | null;
}

/**
 * Counts how often goals were reached, with the number of all visitors who are in the scope.
 *
 * @param totals those of the scope, if they are being counted already
 */
export async function goalResults(
  reports: Pick<AskedReports, 'goals' | 'totals'>,
  scope: Scope,
  goals: readonly Goal[],
  totals: Promise<Pick<Measures, 'visitors'>> = reports.totals(scope),
): Promise<{ visitors: number; goals: GoalResult[] }> {
  const [{ visitors }, counts] = await Promise.all([totals, reports.goals(scope, goals)]);
  return {
    visitors,
    goals: goals.flatMap((goal, i) => {
      const count = counts[i];
      return count === undefined
        ? []
        : [{ goal, ...count, rate: visitors === 0 ? null : count.visitors / visitors }];
    }),
  };
}
