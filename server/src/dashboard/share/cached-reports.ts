import { setMaxListeners } from 'node:events';
import QuickLRU from 'quick-lru';
import { type Clock, SECOND_MS } from '../../domain/clock.ts';
import type { ReportData } from '../report/data.ts';

/** How long the readers of a public link see the same report, in milliseconds from when it was computed. */
export const REPORT_CACHED_MS = 10 * SECOND_MS;
/** The maximum number of cached reports, each of one link and query. */
const MAX_CACHED_REPORTS = 100;

interface Cached {
  readonly report: Promise<ReportData>;
  /** Interrupts the questions of the report. */
  readonly ending: AbortController;
  /** How many wait for the report. */
  readers: number;
  /** Until when it is shown; null while it is computed. */
  untilMs: number | null;
}

/** The reports of public links. Those who read the same at the same time share one. */
export class CachedReports {
  readonly #clock: Clock;
  // The library keeps two generations of this size, and drops the older one when the younger one is full.
  readonly #cached = new QuickLRU<string, Cached>({ maxSize: MAX_CACHED_REPORTS / 2 });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Returns a report that is a few seconds old at most.
   *
   * @param key identifies the link and the query
   * @param gone aborts when the reader goes away. The questions of a report end when none of its readers is left.
   * @param load computes the report; what it throws is not cached
   */
  async read(
    key: string,
    gone: AbortSignal,
    load: (signal: AbortSignal) => Promise<ReportData>,
  ): Promise<ReportData> {
    // A signal that has aborted tells no one, and nothing would interrupt a report without readers.
    gone.throwIfAborted();
    const known = this.#cached.get(key);
    const cached = known !== undefined && this.#isFresh(known) ? known : this.#compute(key, load);
    const leave = () => {
      cached.readers -= 1;
      if (cached.readers > 0 || cached.untilMs !== null) return;
      this.#forget(key, cached);
      cached.ending.abort(gone.reason);
    };
    cached.readers += 1;
    gone.addEventListener('abort', leave, { once: true });
    try {
      return await cached.report;
    } finally {
      gone.removeEventListener('abort', leave);
    }
  }

  #isFresh({ untilMs }: Cached): boolean {
    const leftMs = untilMs === null ? 0 : untilMs - this.#clock.now();
    // A clock that was set back must not keep a report for longer.
    return untilMs === null || (leftMs > 0 && leftMs <= REPORT_CACHED_MS);
  }

  #compute(key: string, load: (signal: AbortSignal) => Promise<ReportData>): Cached {
    const ending = new AbortController();
    // Each question of a report listens, and Node 22 warns of more than ten.
    setMaxListeners(0, ending.signal);
    const cached: Cached = { report: load(ending.signal), ending, readers: 0, untilMs: null };
    this.#cached.set(key, cached);
    cached.report.then(
      () => {
        cached.untilMs = this.#clock.now() + REPORT_CACHED_MS;
      },
      () => this.#forget(key, cached),
    );
    return cached;
  }

  #forget(key: string, cached: Cached): void {
    if (this.#cached.get(key) === cached) this.#cached.delete(key);
  }
}
