import { SECOND_MS } from '../clock.ts';

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Lets `burst` through at once and `perSecond` in the long run. Holds two numbers, made for millions. */
export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #filledAtMs = Number.NEGATIVE_INFINITY;

  constructor(rate: Rate) {
    this.#rate = rate;
    this.#tokens = rate.burst;
  }

  /** Takes one token. @returns 0 when there was one, else the whole seconds until there will be. */
  take(nowMs: number): number {
    if (this.fill(nowMs) < 1) return Math.max(1, Math.ceil((1 - this.#tokens) / this.#rate.perSecond));
    this.#tokens -= 1;
    return 0;
  }

  /** Puts in what has come since the last time. @returns the tokens that there are */
  fill(nowMs: number): number {
    const { perSecond, burst } = this.#rate;
    // A clock that was set back fills nothing.
    const elapsedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#tokens = Math.min(burst, this.#tokens + (elapsedMs / SECOND_MS) * perSecond);
    this.#filledAtMs = nowMs;
    return this.#tokens;
  }
}
