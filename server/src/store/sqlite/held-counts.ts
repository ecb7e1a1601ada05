import type { DayRange } from '../../plans.ts';

/** Counts of sites held in memory; a list that has no room among them is read. */
const COUNTS_HELD = 100_000;

type Counts = ReadonlyMap<string, number>;
interface Answer extends DayRange {
  counts: Counts;
  /** How many held counts had been forgotten then. */
  forgotten: number;
}

/** Sites' counts that were asked for, each until an event of its site is committed. Nobody else writes counters. */
export class HeldCounts {
  readonly #bySite = new Map<string, DayRange & { count: number }>();
  /** What was answered last to who asked with a list. */
  readonly #answers = new WeakMap<readonly string[], Answer>();
  #forgotten = 0;

  /** To be called for each commit that holds an event of a site, before the commit is acknowledged. */
  forget(siteId: string): void {
    if (this.#bySite.delete(siteId)) this.#forgotten += 1;
  }

  /**
   * Counts of sites over a range of days: for the same list the same answer as the last time, while it stands.
   *
   * @param read counts what is not held
   */
  of(siteIds: readonly string[], range: DayRange, read: (siteIds: readonly string[]) => Counts): Counts {
    const last = this.#answers.get(siteIds);
    const comparable = last !== undefined && isSame(last, range);
    if (comparable && last.forgotten === this.#forgotten) return last.counts;
    if (!this.#hold(siteIds, range, read)) return read(siteIds);
    const count = (siteId: string) => this.#bySite.get(siteId)?.count ?? 0;
    const stands = comparable && siteIds.every((siteId) => last.counts.get(siteId) === count(siteId));
    const counts = stands ? last.counts : new Map(siteIds.map((siteId) => [siteId, count(siteId)]));
    this.#answers.set(siteIds, { ...range, counts, forgotten: this.#forgotten });
    return counts;
  }

  /** Reads what is missing. @returns whether there was room for it */
  #hold(siteIds: readonly string[], range: DayRange, read: (siteIds: readonly string[]) => Counts): boolean {
    const missing = siteIds.filter((siteId) => {
      const held = this.#bySite.get(siteId);
      return held === undefined || !isSame(held, range);
    });
    if (this.#bySite.size + missing.length > COUNTS_HELD) {
      this.#bySite.clear();
      this.#forgotten += 1;
      return false;
    }
    if (missing.length === 0) return true;
    for (const [siteId, count] of read(missing)) this.#bySite.set(siteId, { ...range, count });
    return true;
  }
}

function isSame(a: DayRange, b: DayRange): boolean {
  return a.firstDay === b.firstDay && a.lastDay === b.lastDay;
}
