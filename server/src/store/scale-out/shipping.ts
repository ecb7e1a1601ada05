import type { DayRange } from '../../domain/clock.ts';
import {
  type AppendOutcome,
  type Audit,
  type EventPage,
  type KeyUse,
  type LedgerLine,
  type Reports,
  type SiteLimit,
  StoreUnavailable,
} from '../contract/store.ts';
import type { KeyUseDelta, LedgerDelta } from '../shared/ledger-delta.ts';
import type { TextUse } from '../shared/text-budget.ts';

/**
 * The parts of a scale-out setup and their guarantees. A collector stores acknowledged entries in its **spool**, on its own
 * disk. From there, batches go to the **warehouse** (the rows, which are authoritative) and then to the **counts**.
 *
 * ## Why nothing is lost or counted twice
 *
 * 1. *An acknowledgment* follows the spool's commit. A batch stays in the spool until both others have it. Its rows, their
 *    order and its id never change, whatever crashes.
 * 2. *Rows* carry their event's id, or one that the collector created. The warehouse keeps one row per site, day and id, so
 *    sending a batch again, whole or in part, changes nothing.
 * 3. *Claimed counts* are what a collector believes it stored, by site, day, host and key. One transaction adds them to the
 *    counts together with the batch's unique id, so repeating it adds nothing.
 * 4. *Overcount*: if two collectors receive the same event, both claim it, but the warehouse has it once. The difference is
 *    determined by counting the warehouse's rows, and is set, never added, in the counts. Reports show the claimed count less
 *    the overcount, and the overcount as duplicates, so received always equals stored plus duplicate plus refused.
 *
 * ## Why an older count never overwrites a newer one
 *
 * Adding a batch marks each of its sites and days *dirty*. Reconciling locks the site's day, removes the dirty marks it sees,
 * then reads the claimed counts, counts the rows and sets the overcount, all in one transaction of the counts:
 *
 * - Two processes that reconcile the same day run one after the other. A stalled process has not committed, and never will
 *   once its connection is closed.
 * - The claimed counts come from batches whose rows were already in the warehouse, so the count includes those rows. Rows of
 *   batches not yet claimed can only lower the overcount, never raise it, and their batches will mark the day again.
 * - Rows are only counted on a replica that has every row that any replica acknowledged. If there is none, nothing is set
 *   and the marks stay; until then, reports show the claimed counts unchanged.
 * - Days that retention has reached are no longer set, because they have fewer rows than were counted.
 *
 * A dirty mark also says when its rows were received. Whether an event arrived on two days is asked only about those rows:
 * whichever of the two rows came later, its mark was added when the other row was there already.
 *
 * A day that cannot be reconciled keeps its marks and waits longer after each failure, while all others go on.
 *
 * So once no batch is under way and no mark is left, every count equals the number of distinct ids in the warehouse.
 */

/** An entry prepared for the spool. */
export interface SpoolEntry {
  /** The deduplication key; null for an entry without an id. */
  key: Uint8Array | null;
  siteId: string;
  siteKey: string | null;
  host: string;
  receivedAtMs: number;
  /** The ledger outcome under which the entry is counted; null if it is not counted. */
  outcome: 'stored' | 'bot' | null;
  /** Whether the ledger also counts it as shortened. */
  isShortened: boolean;
  /** The row as it is sent to the warehouse. */
  row: string;
}

export interface SpoolGroup {
  entries: readonly SpoolEntry[];
  refusals: readonly LedgerDelta[];
  refusedKeys: readonly KeyUseDelta[];
  textUse: readonly TextUse[];
}

/** The counts of what a collector believes it stored. */
export interface ClaimedCounts {
  ledger: LedgerDelta[];
  keys: (KeyUseDelta & { day: number })[];
  /** When the rows were received, of every site and day that has any. */
  days: ChangedDay[];
}

/** Rows and claimed counts that are shipped together. The same number always means the same content. */
export interface Batch {
  no: number;
  /** The batch's id, which is unique among all collectors and a function of the content. */
  id: string;
  /** Lines in the warehouse's format, each with a line feed at its end. */
  rows: string;
  entries: number;
  claimed: ClaimedCounts;
}

export interface SpoolStats {
  /** The number of entries that the databases do not have yet. */
  entries: number;
  bytes: number;
  /** When the oldest of these entries arrived; null if there are none. */
  oldestAtMs: number | null;
}

/** A queue of acknowledged entries on the collector's own disk. Every method may throw `StoreUnavailable`. */
export interface Spool {
  /** Stores a group. @throws StoreBusy if the group does not fit, in which case nothing is stored */
  commit(group: SpoolGroup): Promise<AppendOutcome[]>;
  /** Returns the batch not yet released or, if there is none, a new one of the waiting entries; null if none wait. */
  nextBatch(): Promise<Batch | null>;
  /** Deletes a batch that the databases have. */
  release(no: number): Promise<void>;
  stats(): SpoolStats;
  /** The use of text by sites that was stored when the spool was opened. */
  readonly textUse: readonly TextUse[];
  /** Returns how full the spool is, from 0 (empty) to 1 (full). */
  fill(): number;
  /** An ordinal greater than that of any earlier row. */
  readonly firstOrdinal: number;
  close(): Promise<void>;
}

/** A site's UTC day. */
export interface SiteDay {
  siteId: string;
  day: number;
}

/** When rows were received, both ends included. The span is empty if it ends before it begins. */
export interface Span {
  firstAtMs: number;
  lastAtMs: number;
}

/** Includes every row of a day. */
export const ALL_DAY: Span = { firstAtMs: 0, lastAtMs: Number.MAX_SAFE_INTEGER };

/** A day with rows that were received within a span. */
export type ChangedDay = SiteDay & Span;

/** A dirty day, with the span of the rows that were added since it was last reconciled. */
export interface DirtyDay extends ChangedDay {
  /** The number of events and bot visits that collectors claimed, from which the rows can be estimated. */
  claimed: number;
  /** How often in a row its reconciliation failed. */
  failures: number;
}

/** A dirty day that is due. */
export type DueDay = Omit<DirtyDay, keyof Span>;

/** A day whose reconciliation failed, and why. */
export interface FailingDay extends SiteDay {
  error: string;
}

/** The number of rows of one site and day with the same outcome, host and key. */
export interface ActualCount extends SiteDay {
  outcome: 'stored' | 'bot';
  host: string;
  siteKey: string;
  rows: number;
}

/** A failure that has nothing to do with the days that were asked about: every replica lacks acknowledged rows for now. */
export class RowsMissing extends StoreUnavailable {}

/** Reports from rows that are made again when their day changes. */
export interface WarehouseReports extends Reports {
  /** Compares these rows with what was counted. */
  audit(): Promise<Audit['rollups']>;
}

/** Stores and queries rows. Every method has a timeout and may throw `StoreUnavailable`. */
export interface Warehouse {
  readonly reports: WarehouseReports;
  /** Why nothing can be stored or read until an operator changes the servers or the settings; null if no reason is known. */
  readonly misconfiguration: string | null;
  /** Checks the servers that can be reached. @throws StoreUnavailable if there is a `misconfiguration` */
  check(): Promise<void>;
  /** Stores the rows of a batch. Repeating the same batch changes nothing. */
  insert(batch: Pick<Batch, 'id' | 'rows'>): Promise<void>;
  /** Checks that a replica with all acknowledged rows answers. @throws StoreUnavailable, RowsMissing */
  expectAllRows(): Promise<void>;
  /**
   * Counts the rows of days. If an event of a day's span arrived on another day too, the later row is first marked as a
   * duplicate. The time it takes grows with the rows, but each query is short, and shorter after each failure.
   *
   * @throws StoreUnavailable, RowsMissing
   * @param beforeMarking called with the days that will have fewer rows than before
   */
  count(
    days: readonly DirtyDay[],
    beforeMarking: (changed: readonly SiteDay[]) => Promise<void>,
  ): Promise<ActualCount[]>;
  /** Counts all stored events by site and day, and returns when the newest was received. */
  countAll(): Promise<{ rows: (SiteDay & { rows: number })[]; newestAtMs: number | null }>;
  page(siteId: string, options: { limit: number; cursor?: string }): Promise<EventPage>;
  /** Deletes rows received before the limits of their sites, and waits until that is done or aborted. @returns rows deleted */
  expire(limits: readonly SiteLimit[], signal?: AbortSignal): Promise<number>;
  /** Returns those of the limits (at least one) for which there are rows to delete. */
  overdue(limits: readonly SiteLimit[]): Promise<SiteLimit[]>;
  close(): Promise<void>;
}

/** The claimed counts and the overcount. Every method may throw `StoreUnavailable`. */
export interface Counts {
  /** Adds the claimed counts of a batch, once. */
  merge(batch: Pick<Batch, 'id' | 'claimed'>): Promise<void>;
  /**
   * Looks at a bounded number of dirty days in the order of their sites.
   *
   * @param after the day after which to go on; null to begin with the first
   * @returns those that are due, and the last one looked at, or null at the end
   */
  dueDaysAfter(after: SiteDay | null): Promise<{ days: DueDay[]; end: SiteDay | null }>;
  /**
   * Reconciles days at once, or none of them if it fails. Days that another process is reconciling are left out.
   *
   * @param count counts days in the warehouse
   */
  reconcile(
    days: readonly DueDay[],
    count: (days: readonly DirtyDay[]) => Promise<ActualCount[]>,
  ): Promise<void>;
  /** Puts off a day that could not be reconciled, longer after each failure. */
  putOff(day: FailingDay): Promise<void>;
  /** Returns a bounded number of days whose last reconciliation failed, those that failed most often first. */
  failingDays(): Promise<FailingDay[]>;
  /** Marks days dirty, so that their rows are counted again. */
  markDirty(days: readonly SiteDay[]): Promise<void>;
  /** Returns the number of days whose overcount may be out of date. */
  dirtyDays(): Promise<number>;
  /** Stops reconciling days that begin before the limits of their sites. */
  expire(limits: readonly SiteLimit[]): Promise<void>;
  countBySite(siteIds: readonly string[], range: DayRange): Promise<Map<string, number>>;
  ledger(siteId: string, range: DayRange): Promise<LedgerLine[]>;
  keyUse(siteId: string): Promise<KeyUse[]>;
  /** Compares the counters with the warehouse's rows and with the ledger. */
  audit(rows: readonly (SiteDay & { rows: number })[]): Promise<Pick<Audit, 'counters' | 'ledger'>>;
}
