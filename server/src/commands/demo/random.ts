/** A pseudorandom number generator that returns the same numbers for the same seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /**
   * Returns a number from 0 (inclusive) to 1 (exclusive), by mulberry32.
   * https://gist.github.com/tommyettinger/46a874533244883189143505d203312c
   */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** Returns an integer from 0 (inclusive) to `below` (exclusive). */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  /** Returns one of several items, chosen by their weights. */
  pick<T>(choices: readonly (readonly [T, number])[]): T {
    const all = choices.reduce((sum, [, weight]) => sum + weight, 0);
    let at = this.next() * all;
    for (const [choice, weight] of choices) {
      at -= weight;
      if (at < 0) return choice;
    }
    const last = choices.at(-1);
    if (last === undefined) throw new Error('nothing to pick from');
    return last[0];
  }

  /** Returns a positive number with the given mean: many are small, few are large. */
  around(mean: number): number {
    return -Math.log(1 - this.next()) * mean;
  }

  /** Returns a signed 64-bit number. */
  bits(): bigint {
    return BigInt.asIntN(64, (BigInt(this.below(2 ** 32)) << 32n) | BigInt(this.below(2 ** 32)));
  }
}
