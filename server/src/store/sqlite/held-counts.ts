import type { DayRange } from '../../plans.ts';

/** Counts of sites held in memory; when there are more, all are read anew. */
const COUNTS_HELD = 100_000;

interface Held extends DayRange {
  count: number;
  /** Whether more may have been counted since. */
  stale: boolean;
}

type Counts = ReadonlyMap<string, number>;
interface Answer extends DayRange {
  counts: Counts;
  /** What it is made of, in the order of the list. */
  held: readonly Held[];
}

/** Sites' counts that were asked for, each until an event of its site is committed. Nobody else writes counters. */
export class HeldCounts {
  readonly #bySite = new Map<string, Held>();
  /** What was answered last to who asked with a list. */
  readonly #answers = new WeakMap<readonly string[], Answer>();

  /** To be called for each commit that holds an event of a site, before the commit is acknowledged. */
  forget(siteId: string): void {
    const held = this.#bySite.get(siteId);
    if (held === undefined) return;
    held.stale = true;
    this.#bySite.delete(siteId);
  }

  /**
   * Counts of sites over a range of days: for the same list the same answer as the last time, while it stands.
   *
   * @param read counts what is not held
   */
  of(siteIds: readonly string[], range: DayRange, read: (siteIds: readonly string[]) => Counts): Counts {
    const answered = this.#answers.get(siteIds);
    const last = answered !== undefined && isSame(answered, range) ? answered : { counts: [], held: [] };
    const doubtful = siteIds.filter((_, i) => last.held[i]?.stale !== false);
    if (answered !== undefined && doubtful.length === 0) return answered.counts;
    const renewed = this.#renew(doubtful, range, read);
    const counts = new Map(last.counts);
    for (const [siteId, { count }] of renewed) counts.set(siteId, count);
    // Each is one or the other.
    const held = siteIds.map((siteId, i) => (renewed.get(siteId) ?? last.held[i]) as Held);
    this.#answers.set(siteIds, { ...range, counts, held });
    return counts;
  }

  #renew(
    siteIds: readonly string[],
    range: DayRange,
    read: (siteIds: readonly string[]) => Counts,
  ): Map<string, Held> {
    const renewed = new Map<string, Held>();
    const missing = siteIds.filter((siteId) => {
      const held = this.#bySite.get(siteId);
      if (held === undefined || !isSame(held, range)) return true;
      renewed.set(siteId, held);
      return false;
    });
    if (missing.length === 0) return renewed;
    for (const [siteId, count] of read(missing)) {
      const held = { ...range, count, stale: false };
      this.#hold(siteId, held);
      renewed.set(siteId, held);
    }
    return renewed;
  }

  #hold(siteId: string, held: Held): void {
    this.forget(siteId);
    if (this.#bySite.size >= COUNTS_HELD) for (const known of this.#bySite.keys()) this.forget(known);
    this.#bySite.set(siteId, held);
  }
}

function isSame(a: DayRange, b: DayRange): boolean {
  return a.firstDay === b.firstDay && a.lastDay === b.lastDay;
}
