/** The source of time, which tests replace. */
export interface Clock {
  /** The current time, in epoch milliseconds. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** The UTC day that holds an instant, as days since 1970-01-01. */
export function utcDay(atMs: number): number {
  return Math.floor(atMs / DAY_MS);
}

/** A span of UTC days, both ends included, as days since 1970-01-01. */
export interface DayRange {
  firstDay: number;
  lastDay: number;
}
