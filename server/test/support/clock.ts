import type { Clock } from '../../src/domain/clock.ts';

/** Noon of an ordinary day, far from the ends of a day, a month and a year. */
export const NOON_MS = Date.UTC(2026, 4, 14, 12);

/** A clock that stands still until it is set. */
export class TestClock implements Clock {
  nowMs: number;

  constructor(nowMs = NOON_MS) {
    this.nowMs = nowMs;
  }

  now(): number {
    return this.nowMs;
  }

  advance(byMs: number): void {
    this.nowMs += byMs;
  }
}
