import type { GoalResult } from '../../app/goals.ts';
import { displayPage } from '../../domain/page-path.ts';
import type { Goal } from '../../store/contract/store.ts';
import { REPORT_TEXT } from './text.ts';

/** Returns the display name of a goal: the name of its event, or `Visit /thanks`. */
export function goalName({ kind, pattern }: Goal): string {
  return kind === 'page' ? REPORT_TEXT.visitPage(displayPage(pattern)) : pattern;
}

/** Returns the goals whose display name contains a text, whatever the case of its letters. */
export function foundGoals(goals: readonly GoalResult[], text: string): GoalResult[] {
  return goals.filter(({ goal }) => goalName(goal).toLowerCase().includes(text.toLowerCase()));
}
