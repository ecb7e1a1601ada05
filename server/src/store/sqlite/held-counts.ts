import type { DayRange } from '../../plans.ts';

/** Counts of sites held in memory; when there are more, all are read anew. */
const COUNTS_HELD = 100_000;

type Counts = ReadonlyMap<string, number>;
interface Answer extends DayRange {
  counts: Counts;
  /** How many held counts had been forgotten before it was put together: all of its own are held while there are no more. */
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
    const forgotten = this.#forgotten;
    const comparable = last !== undefined && isSame(last, range);
    if (comparable && last.forgotten === forgotten) return last.counts;
    const counts = new Map<string, number>();
    const missing: string[] = [];
    let stands = comparable;
    for (const siteId of siteIds) {
      const held = this.#bySite.get(siteId);
      if (held === undefined || !isSame(held, range)) {
        missing.push(siteId);
      } else {
        counts.set(siteId, held.count);
        stands &&= last?.counts.get(siteId) === held.count;
      }
    }
    if (missing.length > 0) {
      for (const [siteId, count] of read(missing)) {
        this.#hold(siteId, range, count);
        counts.set(siteId, count);
        stands &&= last?.counts.get(siteId) === count;
      }
    }
    const answer = { ...range, counts: stands && last ? last.counts : counts, forgotten };
    this.#answers.set(siteIds, answer);
    return answer.counts;
  }

  #hold(siteId: string, range: DayRange, count: number): void {
    if (this.#bySite.size >= COUNTS_HELD) {
      this.#bySite.clear();
      this.#forgotten += 1;
    }
    this.#bySite.set(siteId, { ...range, count });
  }
}

function isSame(a: DayRange, b: DayRange): boolean {
  return a.firstDay === b.firstDay && a.lastDay === b.lastDay;
}
