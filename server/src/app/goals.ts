import { newId } from '../domain/tokens.ts';
import type { Goal } from '../store/contract/store.ts';
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
  if ((await registry.goalsOf(siteId)).length >= GOALS_MAX) throw refusal('TOO_MANY_GOALS', GOALS_MAX);
  await registry.addGoal({ id: newId('goal'), siteId, kind, pattern });
}
