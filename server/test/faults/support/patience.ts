import { until } from '../../support/poll.ts';

/**
 * Options for tests that start processes, which are slow on a busy machine. The deadline ends a test that hangs; it says
 * nothing about speed.
 */
export const PATIENT = { timeout: 120_000 };

const DEADLINE_MS = 60_000;

/** Polls like `until`, with a long timeout. */
export function eventually<T>(ask: () => T | Promise<T>, good: (answer: T) => boolean): Promise<T> {
  return until(ask, good, DEADLINE_MS);
}
