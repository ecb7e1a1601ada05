import { type FunnelStep, parseStep, printStep } from '../../domain/funnel.ts';
import { displayPage } from '../../domain/page-path.ts';
import type { Goal } from '../../store/contract/store.ts';
import { goalName } from '../report/goal-name.ts';

/** The steps of a funnel as people type them. In URLs, each parameter `step` is one step, in the grammar of the API. */

/** The field of the form that is repeated for each step. */
export const TYPED = 'typed';

/** Returns what was typed as the text of a step: a path is a page, and a word without a kind before it is an event. */
export function stepTyped(typed: string): string {
  const text = typed.trim();
  if (text.startsWith('/')) return printStep({ kind: 'page', value: text });
  return typeof parseStep(text) === 'string' ? printStep({ kind: 'event', value: text }) : text;
}

/** Returns the shortest text that `stepTyped` reads as the step. */
export function typedFor(step: FunnelStep): string {
  const short = step.kind === 'page' ? displayPage(step.value) : step.value;
  return step.kind !== 'goal' && stepTyped(step.value) === printStep(step) ? short : printStep(step);
}

/**
 * Replaces the fields of the form in a query string with the steps that they describe; empty ones are left out. Returns null if the
 * form was not sent.
 */
export function withTypedSteps(query: URLSearchParams): URLSearchParams | null {
  if (!query.has(TYPED)) return null;
  const next = new URLSearchParams(query);
  for (const name of [TYPED, 'step', 'cursor']) next.delete(name);
  if (next.get('by') === '') next.delete('by');
  for (const typed of query.getAll(TYPED)) if (typed.trim() !== '') next.append('step', stepTyped(typed));
  return next;
}

/** Returns the display name of a step: that of its goal, or else its page or event. */
export function stepName(step: FunnelStep, goals: readonly Goal[]): string {
  if (step.kind === 'page') return displayPage(step.value);
  const goal = step.kind === 'goal' ? goals.find(({ id }) => id === step.value) : undefined;
  return goal === undefined ? step.value : goalName(goal);
}
