import { nearest } from './nearest.ts';

/**
 * The grammar of a funnel's steps, in the API's `step` and in the dashboard's URLs:
 *
 *     step = ("page" | "event" | "goal") ":" value
 *
 * `page` is a path in which `*` matches any text, `event` the name of an event, and `goal` a goal of the site, given by its ID, name
 * or path. The value is the rest of the text: nothing in it is escaped.
 */

/** The minimum number of steps in a funnel. */
export const STEPS_MIN = 2;
/** The maximum number of steps in a funnel. */
export const STEPS_MAX = 8;
/** The maximum length of a step's text. */
export const STEP_MAX_CHARS = 500;

const KINDS = ['page', 'event', 'goal'] as const;

/** A parsed step. */
export interface FunnelStep {
  kind: (typeof KINDS)[number];
  /** Not empty. For a page, it begins with a slash. */
  value: string;
}

/** Parses a step. @returns the end of an error sentence, such as `must begin with page:, event: or goal:`, if it is invalid */
export function parseStep(text: string): FunnelStep | string {
  if (text.length > STEP_MAX_CHARS) return `is longer than ${STEP_MAX_CHARS} characters`;
  const colonAt = text.indexOf(':');
  const word = colonAt === -1 ? text : text.slice(0, colonAt);
  const kind = colonAt === -1 ? undefined : KINDS.find((known) => known === word);
  if (kind === undefined) {
    const near = colonAt === -1 ? null : nearest(word, KINDS);
    return `must begin with page:, event: or goal:${near === null ? '' : ` (did you mean ${near}:?)`}`;
  }
  const value = text.slice(colonAt + 1).trim();
  if (value === '') return `has nothing after "${kind}:"`;
  if (kind === 'page' && !value.startsWith('/')) return 'has a path that does not begin with a slash';
  return { kind, value };
}

/** Formats a step so that `parseStep` returns the same step. */
export function printStep({ kind, value }: FunnelStep): string {
  return `${kind}:${value}`;
}
