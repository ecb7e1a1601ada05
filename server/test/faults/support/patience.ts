import { until } from '../../support/poll.ts';

/**
 * For tests that start processes: a busy machine makes those slow, and only a hang makes them never end. Deadlines are there to
 * end a test that hangs, and say nothing about speed.
 */
export const PATIENT = { timeout: 120_000 };

const DEADLINE_MS = 60_000;

/** `until`, patient. */
export function eventually<T>(ask: () => T | Promise<T>, good: (answer: T) => boolean): Promise<T> {
  return until(ask, good, DEADLINE_MS);
}
