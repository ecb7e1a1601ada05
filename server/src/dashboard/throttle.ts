import { type Clock, MINUTE_MS } from '../clock.ts';

/** Attempts to guess a secret, counted in memory by whom they come from and by whom they are aimed at. */

const WINDOW_MS = 15 * MINUTE_MS;
/** Entries kept; beyond that the oldest is forgotten. */
const ENTRIES_MAX = 50_000;

export class Throttle {
  readonly #clock: Clock;
  readonly #windows = new Map<string, { endsMs: number; attempts: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts an attempt. @returns seconds to wait, 0 where it may go on */
  take(key: string, limit: number): number {
    const now = this.#clock.now();
    let window = this.#windows.get(key);
    if (window === undefined || window.endsMs <= now) {
      window = { endsMs: now + WINDOW_MS, attempts: 0 };
      this.#windows.delete(key);
      this.#windows.set(key, window);
      if (this.#windows.size > ENTRIES_MAX) this.#windows.delete(this.#windows.keys().next().value ?? '');
    }
    window.attempts += 1;
    return window.attempts > limit ? Math.ceil((window.endsMs - now) / 1000) : 0;
  }

  /** Forgets the attempts of somebody who knew the secret. */
  forgive(key: string): void {
    this.#windows.delete(key);
  }
}
