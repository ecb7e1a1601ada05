import type { DayRange } from '../plans.ts';
import type { KeyUseDelta, LedgerDelta } from './ledger-delta.ts';
import type { AppendOutcome, Audit, EventPage, KeyUse, LedgerLine, Reports } from './store.ts';

/**
 * The parts of the scale-out shape and what each promises. A collector keeps what it acknowledged in its **spool**, on its
 * own disk. From there batches go to the **warehouse** (the rows; the truth) and then to the **books** (what is counted).
 *
 * ## Why nothing is lost or counted twice
 *
 * 1. *An acknowledgement* follows the commit of the spool. Until both others have a batch it stays there, and its rows,
 *    their order and its id never change, whatever crashes.
 * 2. *Rows* carry their event's id, or one that the collector made. The warehouse keeps one row per site, day and id, so
 *    that sending a batch again, wholly or in part, changes nothing.
 * 3. *Claims* are what a collector believes it stored, by site, day, host and key. They are added to the books in one
 *    transaction with the batch's id, which is unique there: a second time nothing is added.
 * 4. *Excess*: when two collectors take the same event, both claim it and the warehouse has it once. What was claimed
 *    beyond the truth is counted in the warehouse and then set, never added, in the books. Shown is claims less excess, and
 *    the excess is shown as duplicates, so that what was received is always stored, duplicate or refused.
 *
 * ## Why an older count never overwrites a newer one
 *
 * A batch that was added leaves a *touch* for each of its sites and days. Settling takes a lock on the site's day, reads
 * the touches and then the claims, then counts the rows, then sets the excess and removes the touches it read, all in one
 * transaction of the books:
 *
 * - Two who settle the same day follow each other. One that stalls has not committed; if its connection was given up, it
 *   never will.
 * - The claims that were read are of batches whose rows were in the warehouse before: the count contains them. Rows of
 *   batches that are not yet claimed can only lower the excess, never raise it above the truth, and their own touches are
 *   still to come.
 * - Only a replica that has every row that any replica acknowledged is asked. Where none has, nothing is set, and the
 *   touches stay: until then claims are shown as they are.
 * - Of days that retention has reached nothing is set any more: rows are fewer than what was counted.
 *
 * So once no batch is under way and no touch is left, every number equals the distinct ids in the warehouse.
 */

/** What becomes of an entry in a spool, made ready before the commit. */
export interface SpoolEntry {
  /** Deduplication key; null for an entry that came without an id. */
  key: Uint8Array | null;
  siteId: string;
  siteKey: string | null;
  host: string;
  receivedAtMs: number;
  /** How it is counted: under this outcome of the ledger, or not at all. */
  outcome: 'stored' | 'bot' | null;
  /** The row as it is sent to the warehouse. */
  row: string;
}

export interface SpoolGroup {
  entries: readonly SpoolEntry[];
  refusals: readonly LedgerDelta[];
  refusedKeys: readonly KeyUseDelta[];
}

/** What a collector believes it stored. */
export interface Claims {
  ledger: LedgerDelta[];
  keys: (KeyUseDelta & { day: number })[];
}

/** Rows and claims that travel together. The same number always means the same content. */
export interface Batch {
  no: number;
  /** Unique among all collectors, and a function of the content. */
  id: string;
  /** Lines in the warehouse's format, each ended by a line feed. */
  rows: string;
  entries: number;
  claims: Claims;
}

export interface SpoolStats {
  /** Entries that the databases do not have yet. */
  entries: number;
  bytes: number;
  /** When the oldest of them came; null where there is none. */
  oldestAtMs: number | null;
}

/** On the collector's own disk. Every method may throw `StoreUnavailable`. */
export interface Spool {
  /** @throws StoreBusy where there is no room left for the group: nothing was kept */
  commit(group: SpoolGroup): Promise<AppendOutcome[]>;
  /** The oldest batch that was not released, made of what waits where there is none; null where nothing waits. */
  nextBatch(): Promise<Batch | null>;
  /** Forgets a batch that the databases have. */
  release(no: number): Promise<void>;
  stats(): SpoolStats;
  /** 0 empty, 1 full. */
  fill(): number;
  /** Tries a write. */
  probe(): Promise<void>;
  /** Greater than any number given to a row before. */
  readonly firstOrdinal: number;
  close(): Promise<void>;
}

/** A site's UTC day. */
export interface SiteDay {
  siteId: string;
  day: number;
}

/** Rows of one site and day, by what they are counted under. */
export interface Truth extends SiteDay {
  outcome: 'stored' | 'bot';
  host: string;
  siteKey: string;
  rows: number;
}

/** Where rows are kept and asked about. Every method may throw `StoreUnavailable`, and gives up after a bounded time. */
export interface Warehouse {
  readonly reports: Reports;
  /** Keeps the rows of a batch. Again with the same batch: changes nothing. */
  insert(batch: Pick<Batch, 'id' | 'rows'>): Promise<void>;
  /**
   * Counts days from the rows. Where an event came on one of them and on another day as well, the later row is marked as a
   * duplicate first.
   *
   * @throws StoreUnavailable also where no replica that can be reached has all rows that were acknowledged
   * @param beforeMarking told which days will have fewer rows than before
   */
  count(
    days: readonly SiteDay[],
    beforeMarking: (changed: readonly SiteDay[]) => Promise<void>,
  ): Promise<Truth[]>;
  /** Events by site and day, of everything kept, and when the newest was received. */
  countAll(): Promise<{ rows: (SiteDay & { rows: number })[]; newestAtMs: number | null }>;
  page(siteId: string, options: { limit: number; cursor?: string }): Promise<EventPage>;
  /** Deletes a site's rows received before an instant. Waits for that no longer than the signal lets it. @returns rows deleted */
  expire(siteId: string, beforeMs: number, signal?: AbortSignal): Promise<number>;
  /** Those of some sites, at least one, of which there are rows that `expire` could delete. */
  holding(siteIds: readonly string[]): Promise<string[]>;
  close(): Promise<void>;
}

/** Where what was counted is kept. Every method may throw `StoreUnavailable`. */
export interface Books {
  /** Adds the claims of a batch, once. */
  merge(batch: Pick<Batch, 'id' | 'claims'>): Promise<void>;
  /**
   * Settles a bounded number of touched days that nobody else is settling and that are due.
   *
   * @param count counts days in the warehouse
   * @returns how many days were settled
   */
  settle(count: (days: readonly SiteDay[]) => Promise<Truth[]>): Promise<number>;
  /** Has days settled again. */
  touch(days: readonly SiteDay[]): Promise<void>;
  /** Days whose excess may not be known yet. */
  unsettled(): Promise<number>;
  /** From now on nothing is set of days that begin before an instant. */
  expire(siteId: string, beforeMs: number): Promise<void>;
  countBySite(siteIds: readonly string[], range: DayRange): Promise<Map<string, number>>;
  ledger(siteId: string, range: DayRange): Promise<LedgerLine[]>;
  keyUse(siteId: string): Promise<KeyUse[]>;
  /** Compares what was counted with the warehouse and with the ledger. */
  audit(rows: readonly (SiteDay & { rows: number })[]): Promise<Pick<Audit, 'counters' | 'ledger'>>;
}
