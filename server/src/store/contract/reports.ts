import type { Dimension, FilterDimension } from '../../domain/dimensions.ts';
import type { Measures } from '../../domain/measures.ts';
import type { DamagedDay, StoredEvent } from './events.ts';

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

/** The resources that reports may use on this machine. */
export interface ReportLimits {
  memoryMib: number;
  threads: number;
  /** The folder for what does not fit in memory; null: a folder among the data. */
  spillFolder: string | null;
}

export interface SealingProgress {
  sealed: number;
  all: number;
}

/** Who asks for reports. Askers take turns, so that none has to wait for all that another one wants to know. */
export interface Asker {
  /** The id of an account or of a share. */
  asker: string;
  /** Ends the asker's questions, whether they wait or are being answered. They then reject with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Reports, computed off the writer's thread. Every method may throw `StoreUnavailable`: `StoreBusy` if too many questions wait
 * for their turn, or one waited too long.
 */
export interface AskedReports {
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
}

/** All reports. Asked directly, the instance itself is the asker. */
export interface Reports extends AskedReports {
  /** Returns the same reports for one asker. */
  askedBy(asker: Asker): AskedReports;
  /**
   * Seals the UTC days before `beforeDay`, which makes reports about them fast without changing any result. Ends early when
   * aborted.
   *
   * @returns the number of site days that were sealed
   */
  sealDaysBefore(beforeDay: number, signal?: AbortSignal): Promise<number>;
  /** Calls the listener as days are sealed, with the number of sites' days that are sealed in this round and of all of them. */
  onSealing?(listener: (progress: SealingProgress) => void): void;
  /**
   * Calls the listener with each day that a round does not seal because it is damaged. Neither it nor any later day is archived.
   * Its rollups are made of the rows that it has when retention is about to delete them.
   */
  onDamagedDay?(listener: (day: DamagedDay) => void): void;
  /**
   * Archives the sealed UTC days before `beforeDay`, which changes no result either: their events are then stored only in the
   * form in which reports read them. Entries of such a day are refused from then on. Absent if an engine has only one form.
   *
   * @returns the day before which all days are archived now
   */
  archiveDaysBefore?(beforeDay: number, signal?: AbortSignal): Promise<number>;
}
