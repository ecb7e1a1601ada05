/** Counts kept by those who do the work and read by those who watch: plain numbers, cheap enough for every beacon. */

/** Counts by name. Whoever adds takes names from a closed list, so that memory is bounded. */
export class Tally {
  readonly #counts: Map<string, number>;

  /** @param names what is shown before it happened for the first time */
  constructor(names: readonly string[] = []) {
    this.#counts = new Map(names.map((name) => [name, 0]));
  }

  add(name: string, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  entries(): IterableIterator<[name: string, count: number]> {
    return this.#counts.entries();
  }
}

/** How often which sizes were seen: counts of values up to each of some bounds, their number and their sum. */
export class Distribution {
  /** Ascending. */
  readonly bounds: readonly number[];
  readonly #counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const found = this.bounds.findIndex((bound) => value <= bound);
    const at = found === -1 ? this.bounds.length : found;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.sum += value;
  }

  /** How many values were at most each bound, and last how many there were at all. */
  cumulative(): number[] {
    let total = 0;
    return this.#counts.map((count) => {
      total += count;
      return total;
    });
  }
}

/** Bounds for what waits for a disk or a network, seconds. */
export const LATENCY_BOUNDS_SECONDS = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10,
] as const;
