import { DEDUPLICATION_WINDOW_MS } from '../../../../tracker/wire/limits.ts';
import { DAY_MS, HOUR_MS } from '../../domain/clock.ts';

/** The number of UTC days before and after an event's own on which the same id means the same event. */
export const DEDUPLICATION_DAYS = DEDUPLICATION_WINDOW_MS / DAY_MS;
/** How long a new day must last before old keys are deleted, so that a clock that jumps ahead and back loses no keys. */
const DAY_SETTLED_MS = HOUR_MS;

/** Decides from which day on deduplication keys are kept. */
export class KeyExpiry {
  #newest = { day: 0, sinceMs: 0 };

  /**
   * Returns the first day whose keys are kept. Until the day has lasted an hour, it is 0, which keeps all keys.
   *
   * @param day the day of the newest event; defaults to that of the last call
   */
  firstDayKept(day = this.#newest.day): number {
    const now = performance.now();
    if (day !== this.#newest.day) this.#newest = { day, sinceMs: now };
    return now - this.#newest.sinceMs >= DAY_SETTLED_MS ? day - DEDUPLICATION_DAYS : 0;
  }
}
