import { SECOND_MS } from '../domain/clock.ts';

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** A rate limit: `burst` at once, `perSecond` in the long run. It stores only two numbers, so a process can have millions. */
export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #filledAtMs = Number.NEGATIVE_INFINITY;

  constructor(rate: Rate) {
    this.#rate = rate;
    this.#tokens = rate.burst;
  }

  /** Takes one token. @returns 0 if one was available, otherwise the whole seconds until one is */
  tryConsume(nowMs: number): number {
    if (this.fill(nowMs) < 1) return Math.max(1, Math.ceil((1 - this.#tokens) / this.#rate.perSecond));
    this.#tokens -= 1;
    return 0;
  }

  /** Adds the tokens earned since the last call. @returns the available tokens */
  fill(nowMs: number): number {
    const { perSecond, burst } = this.#rate;
    // A clock that was set back adds no tokens.
    const elapsedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#tokens = Math.min(burst, this.#tokens + (elapsedMs / SECOND_MS) * perSecond);
    this.#filledAtMs = nowMs;
    return this.#tokens;
  }
}
