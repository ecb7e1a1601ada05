import { SECOND_MS } from '../clock.ts';
import { Distribution, LATENCY_BOUNDS_SECONDS } from '../tally.ts';
import type { KeyUseDelta, LedgerDelta } from './ledger-delta.ts';
import { PendingRefusals } from './refusals.ts';
import {
  type AppendOutcome,
  type EngineStats,
  type Entry,
  type Events,
  type OnCommitted,
  type Refusal,
  StoreBroken,
  StoreBusy,
  StoreUnavailable,
} from './store.ts';

/** Entries that may wait for a commit, those of the commit under way included. */
const QUEUE_ENTRIES = 10_000;
/** Entries of one commit: more would make the first of them wait too long. */
const COMMIT_ENTRIES = 1_000;
/**
 * After a group of at least this many the next one gathers: fewer and larger commits cost less. It waits until as many have
 * come as there lately were at once, and not longer than this.
 */
const BUSY_FROM_ENTRIES = 4;
const GATHER_MS = 5;
/** Refusals wait at most this long for a commit to travel with. */
const REFUSALS_WAIT_MS = 250;
/** Bounds of the sizes of commits that are told apart. */
const COMMIT_ENTRIES_BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, COMMIT_ENTRIES] as const;

/** What is committed together. */
export interface Group {
  entries: readonly Entry[];
  refusals: readonly LedgerDelta[];
  /** Keys that refused beacons carried. */
  refusedKeys: readonly KeyUseDelta[];
}

/**
 * Makes a group durable.
 *
 * @returns what became of each entry, in their order, once all of the group is on disk
 * @throws StoreUnavailable where nothing was kept of it, StoreBroken where nobody can know
 */
export type CommitGroup = (group: Group) => Promise<readonly AppendOutcome[]>;

interface Waiting {
  entry: Entry;
  resolve(outcome: AppendOutcome): void;
  reject(error: unknown): void;
}

/**
 * Group commit, for any engine: while one commit is under way the next group gathers, and a little longer where there is
 * much to do, so that groups grow with the load and a lone entry waits for nobody. An entry's promise settles only after its
 * commit.
 */
export class GroupCommit
  implements Pick<Events, 'append' | 'onCommitted' | 'refuse' | 'flush' | 'fill' | 'stats'>
{
  readonly #commitGroup: CommitGroup;
  readonly #refusals = new PendingRefusals();
  readonly #listeners: OnCommitted[] = [];
  #waiting: Waiting[] = [];
  #entriesUnderWay = 0;
  /** The commit under way; null where there is none. Never rejects. */
  #underWay: Promise<void> | null = null;
  #scheduled = false;
  #gatherTimer: NodeJS.Timeout | null = null;
  /** Most entries of late that were under way or waiting at once: as many senders may be about, each waiting for its answer. */
  #mostAtOnce = 0;
  #refusalTimer: NodeJS.Timeout | null = null;
  #closing = false;
  #lastFailure: string | null = null;
  readonly #stats: EngineStats = {
    commitEntries: new Distribution(COMMIT_ENTRIES_BOUNDS),
    commitSeconds: new Distribution(LATENCY_BOUNDS_SECONDS),
    commitFailures: 0,
  };

  constructor(commitGroup: CommitGroup) {
    this.#commitGroup = commitGroup;
  }

  append(entry: Entry): Promise<AppendOutcome> {
    if (this.#closing) return Promise.reject(new StoreUnavailable('the store is closing'));
    if (this.fill() >= 1)
      return Promise.reject(new StoreBusy(`${QUEUE_ENTRIES} entries are waiting for a commit`));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      if (this.#gatherTimer === null) this.#schedule();
      else if (this.#waiting.length >= this.#mostAtOnce) this.#endGathering();
    });
  }

  onCommitted(listener: OnCommitted): void {
    this.#listeners.push(listener);
  }

  refuse(refusal: Refusal): void {
    this.#refusals.add(refusal);
    this.#scheduleRefusals();
  }

  async flush(): Promise<void> {
    while (this.#hasWork() || this.#underWay !== null) {
      this.#commit();
      await this.#underWay;
      if (this.#lastFailure !== null) throw new StoreUnavailable(this.#lastFailure);
    }
  }

  fill(): number {
    return (this.#waiting.length + this.#entriesUnderWay) / QUEUE_ENTRIES;
  }

  stats(): EngineStats {
    return this.#stats;
  }

  /** Why the last commit failed; null where it did not. */
  get lastFailure(): string | null {
    return this.#lastFailure;
  }

  /** Writing was tried in another way, and worked. */
  recovered(): void {
    this.#lastFailure = null;
  }

  /** Takes nothing more and commits what waits. What cannot be committed then is rejected, not dropped silently. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#refusalTimer !== null) clearTimeout(this.#refusalTimer);
    if (this.#gatherTimer !== null) clearTimeout(this.#gatherTimer);
    await this.flush().catch(() => this.#rejectWaiting(new StoreUnavailable('the store is closing')));
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

  #schedule(): void {
    if (this.#scheduled || this.#underWay !== null) return;
    this.#scheduled = true;
    // After the requests of this turn of the event loop have been read, so that they share the commit.
    setImmediate(() => {
      this.#scheduled = false;
      this.#commit();
    });
  }

  #commit(): void {
    if (this.#underWay !== null || !this.#hasWork()) return;
    const wasBusy = this.#waiting.length >= BUSY_FROM_ENTRIES;
    this.#underWay = this.#commitWaiting().finally(() => {
      this.#underWay = null;
      if (wasBusy && this.#waiting.length < this.#mostAtOnce) this.#gather();
      else if (this.#waiting.length > 0) this.#commit();
    });
  }

  #gather(): void {
    this.#gatherTimer = setTimeout(() => this.#endGathering(), GATHER_MS);
  }

  #endGathering(): void {
    if (this.#gatherTimer !== null) clearTimeout(this.#gatherTimer);
    this.#gatherTimer = null;
    this.#commit();
  }

  async #commitWaiting(): Promise<void> {
    const group = this.#waiting.splice(0, COMMIT_ENTRIES);
    const refusals = this.#refusals.take();
    this.#entriesUnderWay = group.length;
    const startMs = performance.now();
    let outcomes: readonly AppendOutcome[] = [];
    try {
      outcomes = await this.#commitGroup({
        entries: group.map((waiting) => waiting.entry),
        refusals: refusals.ledger,
        refusedKeys: refusals.keys,
      });
      this.#lastFailure = null;
      this.#stats.commitEntries.observe(group.length);
      this.#stats.commitSeconds.observe((performance.now() - startMs) / SECOND_MS);
    } catch (error) {
      this.#lastFailure = error instanceof Error ? error.message : String(error);
      this.#stats.commitFailures += 1;
      this.#refusals.putBack(refusals);
      if (!this.#closing && this.#refusals.size > 0) this.#scheduleRefusals();
      for (const waiting of group) waiting.reject(error);
      if (error instanceof StoreBroken) this.#rejectWaiting(error);
    } finally {
      this.#entriesUnderWay = 0;
      // One less a commit, so that a rush is not waited for for long.
      this.#mostAtOnce = Math.max(group.length + this.#waiting.length, this.#mostAtOnce - 1);
    }
    // One outcome per entry, in their order; none where the commit failed.
    for (const [i, { entry, resolve }] of group.entries()) {
      const outcome = outcomes[i];
      if (outcome === undefined) continue;
      resolve(outcome);
      for (const listener of this.#listeners) listener(entry, outcome);
    }
  }

  #rejectWaiting(error: StoreUnavailable): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}
