/** Random numbers that can be had again: the same seed gives the same ones. https://en.wikipedia.org/wiki/Linear_congruential_generator */
export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** From the environment variable `SEED`, to run again what failed; else a new one. */
  static fromEnvironment(): Random {
    return new Random(Number(process.env.SEED ?? Date.now() % 2 ** 31));
  }

  /** A whole number from 0 up to, not including, `end`. */
  below(end: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * end);
  }
}
