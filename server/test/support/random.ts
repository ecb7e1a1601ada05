/** Repeatable random numbers, the same for the same seed. https://en.wikipedia.org/wiki/Linear_congruential_generator */
export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** Takes the seed from the environment variable `SEED`, to repeat a failure, or chooses a new one. */
  static fromEnvironment(): Random {
    return new Random(Number(process.env.SEED ?? Date.now() % 2 ** 31));
  }

  /** Returns a whole number from 0 to below `end`. */
  below(end: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * end);
  }
}
