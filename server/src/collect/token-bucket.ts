import { SECOND_MS } from '../clock.ts';

/** Lets `burst` through at once and `perSecond` in the long run. Holds two numbers, made for millions. */
export class TokenBucket {
  readonly #rate: { perSecond: number; burst: number };
  #tokens: number;
  #filledAtMs = Number.NEGATIVE_INFINITY;

  constructor(rate: { perSecond: number; burst: number }) {
    this.#rate = rate;
    this.#tokens = rate.burst;
  }

  /** Takes one token. @returns 0 when there was one, else the whole seconds until there will be. */
  take(nowMs: number): number {
    const { perSecond, burst } = this.#rate;
    // A clock that was set back fills nothing.
    const elapsedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#tokens = Math.min(burst, this.#tokens + (elapsedMs / SECOND_MS) * perSecond);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1) return Math.max(1, Math.ceil((1 - this.#tokens) / perSecond));
    this.#tokens -= 1;
    return 0;
  }
}
