import type { Attempts } from '../attempts.ts';
import { type Clock, MINUTE_MS, SECOND_MS } from '../clock.ts';

/** Attempts to guess a secret, counted by whom they come from and by whom they are aimed at. */

const WINDOW_MS = 15 * MINUTE_MS;

export class Throttle {
  readonly #clock: Clock;
  readonly #attempts: Attempts;

  constructor(clock: Clock, attempts: Attempts) {
    this.#clock = clock;
    this.#attempts = attempts;
  }

  /** Counts an attempt. @returns seconds to wait, 0 where it may go on */
  async take(key: string, limit: number): Promise<number> {
    const atMs = this.#clock.now();
    const { attempts, endsMs } = await this.#attempts.add(`guess ${key}`, {
      ...{ limit, atMs },
      endsMs: atMs + WINDOW_MS,
    });
    return attempts > limit ? Math.ceil((endsMs - atMs) / SECOND_MS) : 0;
  }

  /** Forgets the attempts of somebody who knew the secret. */
  async forgive(key: string): Promise<void> {
    await this.#attempts.forget(`guess ${key}`, this.#clock.now());
  }
}
