import type { Dimension, FilterDimension } from '../../domain/dimensions.ts';
import type { Measures } from '../../domain/measures.ts';
import type { StoredEvent } from './events.ts';

/** Reports about events. `store.ts` defines times and ids. */

/** A filter that keeps what has one of the values, or with `negated`, what has none of them. Null means unknown. */
export interface Filter {
  by: FilterDimension;
  values: readonly (string | null)[];
  negated: boolean;
}

/** The part of a site's data that a report covers, from one instant (inclusive) to another (exclusive). */
export interface Scope {
  siteId: string;
  fromMs: number;
  toMs: number;
  filters: readonly Filter[];
}

export interface BreakdownRow extends Measures {
  /** The value of the dimension; null if unknown. */
  value: string | null;
  /** The company that runs the crawler; only in breakdowns by `bot`. */
  company?: string | null;
}

/** One event or crawler hit in the activity list. */
export type ActivityItem =
  | { type: 'event'; event: StoredEvent }
  | {
      type: 'bot';
      cursor: string;
      receivedAtMs: number;
      bot: string;
      company: string | null;
      botClass: string;
      host: string;
      path: string;
    };

/** Reports, computed off the writer's thread. Every method may throw `StoreUnavailable`. */
export interface Reports {
  totals(scope: Scope): Promise<Measures>;
  /** Returns one result per bucket. Bucket i runs from boundary i (inclusive) to boundary i + 1 (exclusive). */
  series(scope: Omit<Scope, 'fromMs' | 'toMs'>, boundariesMs: readonly number[]): Promise<Measures[]>;
  /** Returns a page of rows, largest first (by visitors, then events, then value). `cursor` comes from the previous page. */
  breakdown(
    scope: Scope,
    by: Dimension,
    options: { limit: number; cursor?: string },
  ): Promise<{ rows: BreakdownRow[]; nextCursor: string | null }>;
  /** Lists events and crawler hits, newest first. `referral` selects page views that began a visit sent by an assistant. */
  listActivity(
    scope: Omit<Scope, 'filters'>,
    options: { type: 'event' | 'bot' | 'referral' | 'conversion' | null; limit: number; cursor?: string },
  ): Promise<{ items: ActivityItem[]; nextCursor: string | null }>;
  /** Counts visitors with an event since an instant, and lists the hundred most visited of the pages they saw last. */
  realtime(
    siteId: string,
    sinceMs: number,
  ): Promise<{ visitors: number; pages: { path: string; visitors: number }[] }>;
  /**
   * Seals the UTC days before `beforeDay`, which makes reports about them fast without changing any result. Ends early when
   * aborted.
   *
   * @returns the number of site days that were sealed
   */
  sealDaysBefore(beforeDay: number, signal?: AbortSignal): Promise<number>;
}
