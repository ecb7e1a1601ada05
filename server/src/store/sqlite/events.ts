import { HOUR_MS, utcDay } from '../../clock.ts';
import type { DayRange } from '../../plans.ts';
import {
  type AppendOutcome,
  type Entry,
  type Events,
  type Health,
  type Refusal,
  StoreBroken,
  StoreBusy,
  StoreUnavailable,
} from '../store.ts';
import { EventReader } from './reader.ts';
import { PendingRefusals } from './refusals.ts';
import { SqliteReports } from './reports/index.ts';
import { WriterClient } from './writer-client.ts';

/** Entries that may wait for a commit, those of the commit under way included. */
const QUEUE_ENTRIES = 10_000;
/** Entries of one commit: more would make the first of them wait too long. */
const COMMIT_ENTRIES = 1_000;
/** Refusals wait at most this long for a commit to travel with. */
const REFUSALS_WAIT_MS = 250;

/** A new day must have lasted this long before old deduplication keys go: a clock that jumps ahead and back loses none. */
const DAY_SETTLED_MS = HOUR_MS;
const DEDUPLICATION_DAYS = 2;

/** Counts of sites held in memory; a list that has no room among them is read. */
const COUNTS_HELD = 100_000;

interface Waiting {
  entry: Entry;
  resolve(outcome: AppendOutcome): void;
  reject(error: unknown): void;
}

/** Told once, when the files can no longer be trusted. */
export type OnBroken = (error: StoreBroken) => void;

/**
 * The events half of the embedded engine. Group commit without a timer: while one commit is under way the next batch
 * gathers, so that batches grow with the load and a lone event waits for nobody.
 */
export class SqliteEvents implements Events {
  readonly #writer: WriterClient;
  readonly #reader: EventReader;
  readonly reports: SqliteReports;
  readonly #refusals = new PendingRefusals();
  /**
   * Counts that were asked for. A site's goes with each commit that holds something of it, before the commit is
   * acknowledged; nobody else writes counters.
   */
  readonly #counts = new Map<string, DayRange & { count: number }>();
  #waiting: Waiting[] = [];
  #entriesUnderWay = 0;
  /** The commit under way; null where there is none. Never rejects. */
  #commitUnderWay: Promise<void> | null = null;
  #commitScheduled = false;
  #refusalTimer: NodeJS.Timeout | null = null;
  #closing = false;
  #lastFailure: string | null = null;
  #newestDay = { day: 0, sinceMs: 0 };

  private constructor(writer: WriterClient, file: string) {
    this.#writer = writer;
    this.#reader = new EventReader(file);
    this.reports = new SqliteReports(file, writer);
  }

  /** Opens or creates the file and starts the writer. @throws StoreUnavailable */
  static async open(file: string, onBroken: OnBroken): Promise<SqliteEvents> {
    const writer = await WriterClient.start(file, onBroken);
    return new SqliteEvents(writer, file);
  }

  append(entry: Entry): Promise<AppendOutcome> {
    if (this.#closing) return Promise.reject(new StoreUnavailable('the store is closing'));
    if (this.fill() >= 1)
      return Promise.reject(new StoreBusy(`${QUEUE_ENTRIES} entries are waiting for a commit`));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      this.#scheduleCommit();
    });
  }

  refuse(refusal: Refusal): void {
    this.#refusals.add(refusal);
    this.#scheduleRefusals();
  }

  async flush(): Promise<void> {
    while (this.#hasWork() || this.#commitUnderWay !== null) {
      this.#commit();
      await this.#commitUnderWay;
      if (this.#lastFailure !== null) throw new StoreUnavailable(this.#lastFailure);
    }
  }

  fill(): number {
    return (this.#waiting.length + this.#entriesUnderWay) / QUEUE_ENTRIES;
  }

  async health(): Promise<Health> {
    if (this.#closing) return { ok: false, reason: 'the store is closing' };
    if (this.#lastFailure === null) return { ok: true };
    try {
      await this.#writer.do({ type: 'probe' });
      this.#lastFailure = null;
      return { ok: true };
    } catch (error) {
      return { ok: false, reason: error instanceof Error ? error.message : String(error) };
    }
  }

  async expire(siteId: string, beforeMs: number): Promise<number> {
    // What was counted of the rows outlives them.
    await this.reports.sealSite(siteId, utcDay(beforeMs) + 1);
    let total = 0;
    for (let more = true; more; ) {
      const step = await this.#writer.do({ type: 'expire', siteId, beforeMs });
      total += step.deleted;
      more = step.more;
    }
    return total;
  }

  countBySite: Events['countBySite'] = async (siteIds, range) => {
    const missing = siteIds.filter((siteId) => {
      const known = this.#counts.get(siteId);
      return known === undefined || known.firstDay !== range.firstDay || known.lastDay !== range.lastDay;
    });
    if (missing.length === 0)
      return new Map(siteIds.map((siteId) => [siteId, this.#counts.get(siteId)?.count ?? 0]));
    if (this.#counts.size + missing.length > COUNTS_HELD) {
      this.#counts.clear();
      return this.#reader.countBySite(siteIds, range);
    }
    for (const [siteId, count] of this.#reader.countBySite(missing, range)) {
      this.#counts.set(siteId, { ...range, count });
    }
    return new Map(siteIds.map((siteId) => [siteId, this.#counts.get(siteId)?.count ?? 0]));
  };
  ledger: Events['ledger'] = async (siteId, range) => this.#reader.ledger(siteId, range);
  keyUse: Events['keyUse'] = async (siteId) => this.#reader.keyUse(siteId);
  page: Events['page'] = async (siteId, options) => this.#reader.page(siteId, options);
  audit: Events['audit'] = async () => this.#reader.audit();

  /** Finishes what waits, then lets go of the file. What cannot be committed then is rejected, not dropped silently. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#refusalTimer !== null) clearTimeout(this.#refusalTimer);
    await this.flush().catch(() => this.#rejectWaiting(new StoreUnavailable('the store is closing')));
    await this.reports.close();
    await this.#writer.close();
    this.#reader.close();
  }

  #hasWork(): boolean {
    return this.#waiting.length > 0 || this.#refusals.size > 0;
  }

  #scheduleRefusals(): void {
    this.#refusalTimer ??= setTimeout(() => {
      this.#refusalTimer = null;
      this.#commit();
    }, REFUSALS_WAIT_MS);
  }

  #scheduleCommit(): void {
    if (this.#commitScheduled || this.#commitUnderWay !== null) return;
    this.#commitScheduled = true;
    // After the requests of this turn of the event loop have been read, so that they share the commit.
    setImmediate(() => {
      this.#commitScheduled = false;
      this.#commit();
    });
  }

  #commit(): void {
    if (this.#commitUnderWay !== null || !this.#hasWork()) return;
    this.#commitUnderWay = this.#commitBatch().finally(() => {
      this.#commitUnderWay = null;
      if (this.#waiting.length > 0) this.#commit();
    });
  }

  async #commitBatch(): Promise<void> {
    const batch = this.#waiting.splice(0, COMMIT_ENTRIES);
    const refusals = this.#refusals.take();
    this.#entriesUnderWay = batch.length;
    try {
      const outcomes = await this.#writer.do({
        type: 'commit',
        batch: {
          entries: batch.map((waiting) => waiting.entry),
          refusals: refusals.ledger,
          refusedKeys: refusals.keys,
          forgetKeysBeforeDay: this.#forgetKeysBeforeDay(batch.at(-1)?.entry.receivedAtMs),
        },
      });
      this.#lastFailure = null;
      for (const { entry } of batch) this.#counts.delete(entry.siteId);
      // One outcome per entry, in their order.
      for (const [i, outcome] of outcomes.entries()) batch[i]?.resolve(outcome);
    } catch (error) {
      this.#lastFailure = error instanceof Error ? error.message : String(error);
      this.#refusals.putBack(refusals);
      if (!this.#closing && this.#refusals.size > 0) this.#scheduleRefusals();
      for (const waiting of batch) waiting.reject(error);
      if (error instanceof StoreBroken) this.#rejectWaiting(error);
    } finally {
      this.#entriesUnderWay = 0;
    }
  }

  #rejectWaiting(error: StoreUnavailable): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }

  #forgetKeysBeforeDay(newestMs: number | undefined): number {
    const day = newestMs === undefined ? this.#newestDay.day : utcDay(newestMs);
    const now = performance.now();
    if (day !== this.#newestDay.day) this.#newestDay = { day, sinceMs: now };
    return now - this.#newestDay.sinceMs >= DAY_SETTLED_MS ? day - DEDUPLICATION_DAYS : 0;
  }
}
