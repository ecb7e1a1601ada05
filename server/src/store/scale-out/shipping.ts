import type { DayRange } from '../../domain/clock.ts';
import type { AppendOutcome, Audit, EventPage, KeyUse, LedgerLine, Reports } from '../contract/store.ts';
import type { KeyUseDelta, LedgerDelta } from '../shared/ledger-delta.ts';

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
 * Adding a batch marks each of its sites and days *dirty*. Reconciling locks the site's day, reads the dirty marks and then
 * the claimed counts, counts the rows, sets the overcount, and removes the marks it read, all in one transaction of the
 * counts:
 *
 * - Two processes that reconcile the same day run one after the other. A stalled process has not committed, and never will
 *   once its connection is closed.
 * - The claimed counts come from batches whose rows were already in the warehouse, so the count includes those rows. Rows of
 *   batches not yet claimed can only lower the overcount, never raise it, and their batches will mark the day again.
 * - Rows are only counted on a replica that has every row that any replica acknowledged. If there is none, nothing is set
 *   and the marks stay; until then, reports show the claimed counts unchanged.
 * - Days that retention has reached are no longer set, because they have fewer rows than were counted.
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
  /** The row as it is sent to the warehouse. */
  row: string;
}

export interface SpoolGroup {
  entries: readonly SpoolEntry[];
  refusals: readonly LedgerDelta[];
  refusedKeys: readonly KeyUseDelta[];
}

/** The counts of what a collector believes it stored. */
export interface ClaimedCounts {
  ledger: LedgerDelta[];
  keys: (KeyUseDelta & { day: number })[];
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
  /** Returns how full the spool is, from 0 (empty) to 1 (full). */
  fill(): number;
  /** Tests whether writing works. */
  probe(): Promise<void>;
  /** An ordinal greater than that of any earlier row. */
  readonly firstOrdinal: number;
  close(): Promise<void>;
}

/** A site's UTC day. */
export interface SiteDay {
  siteId: string;
  day: number;
}

/** The number of rows of one site and day with the same outcome, host and key. */
export interface ActualCount extends SiteDay {
  outcome: 'stored' | 'bot';
  host: string;
  siteKey: string;
  rows: number;
}

/** Stores and queries rows. Every method has a timeout and may throw `StoreUnavailable`. */
export interface Warehouse {
  readonly reports: Reports;
  /** Why nothing can be stored or read until an operator changes the servers or the settings; null if no reason is known. */
  readonly misconfiguration: string | null;
  /** Checks the servers that can be reached. @throws StoreUnavailable if there is a `misconfiguration` */
  check(): Promise<void>;
  /** Stores the rows of a batch. Repeating the same batch changes nothing. */
  insert(batch: Pick<Batch, 'id' | 'rows'>): Promise<void>;
  /**
   * Counts the rows of days. If an event arrived on one of these days and on another day too, the later row is first marked as
   * a duplicate.
   *
   * @throws StoreUnavailable also if no reachable replica has all acknowledged rows
   * @param beforeMarking called with the days that will have fewer rows than before
   */
  count(
    days: readonly SiteDay[],
    beforeMarking: (changed: readonly SiteDay[]) => Promise<void>,
  ): Promise<ActualCount[]>;
  /** Counts all stored events by site and day, and returns when the newest was received. */
  countAll(): Promise<{ rows: (SiteDay & { rows: number })[]; newestAtMs: number | null }>;
  page(siteId: string, options: { limit: number; cursor?: string }): Promise<EventPage>;
  /** Deletes a site's rows received before an instant, and waits until that is done or aborted. @returns rows deleted */
  expire(siteId: string, beforeMs: number, signal?: AbortSignal): Promise<number>;
  /** Returns the given sites (at least one) that have rows for `expire` to delete. */
  holding(siteIds: readonly string[]): Promise<string[]>;
  close(): Promise<void>;
}

/** The claimed counts and the overcount. Every method may throw `StoreUnavailable`. */
export interface Counts {
  /** Adds the claimed counts of a batch, once. */
  merge(batch: Pick<Batch, 'id' | 'claimed'>): Promise<void>;
  /**
   * Reconciles a bounded number of dirty days that are due and that no other process is reconciling.
   *
   * @param count counts days in the warehouse
   * @returns the number of days that were reconciled
   */
  reconcile(count: (days: readonly SiteDay[]) => Promise<ActualCount[]>): Promise<number>;
  /** Marks days dirty, so that they are reconciled again. */
  markDirty(days: readonly SiteDay[]): Promise<void>;
  /** Returns the number of days whose overcount may be out of date. */
  dirtyDays(): Promise<number>;
  /** Stops reconciling days that begin before an instant. */
  expire(siteId: string, beforeMs: number): Promise<void>;
  countBySite(siteIds: readonly string[], range: DayRange): Promise<Map<string, number>>;
  ledger(siteId: string, range: DayRange): Promise<LedgerLine[]>;
  keyUse(siteId: string): Promise<KeyUse[]>;
  /** Compares the counters with the warehouse's rows and with the ledger. */
  audit(rows: readonly (SiteDay & { rows: number })[]): Promise<Pick<Audit, 'counters' | 'ledger'>>;
}
