import { SECOND_MS } from '../../domain/clock.ts';
import { OutageMonitor } from '../../domain/outage.ts';
import type { RefusalReason } from '../../domain/outcomes.ts';
import {
  type AppendOutcome,
  type CommitDone,
  type EngineStats,
  type Entry,
  type Events,
  type OnEntry,
  type Refusal,
  type RefusedInOutage,
  StoreBroken,
  StoreBusy,
  StoreUnavailable,
} from '../contract/store.ts';
import type { FreeDisk } from './free-disk.ts';
import type { KeyUseDelta, LedgerDelta } from './ledger-delta.ts';
import { PendingRefusals } from './refusals.ts';
import type { TextBudgets, TextUse } from './text-budget.ts';

/** Maximum entries that wait for a commit or are being committed. */
const QUEUE_ENTRIES = 10_000;
/** Maximum entries of one commit. With more, the first of them would wait too long. */
const COMMIT_ENTRIES = 1_000;
/** The commit size from which the next commit waits for more entries, since fewer and larger commits cost less. */
const BUSY_FROM_ENTRIES = 4;
/** The longest time that a commit waits to gather as many entries as recently waited together. */
const GATHER_MS = 5;
/** The longest time that refusals wait to share a commit with entries. */
const REFUSALS_WAIT_MS = 250;

/** How often a commit is tried while they fail. */
const RETRY_MS = SECOND_MS;

/** The reasons for refusals that count as a site's in an outage. */
const OUTAGE_REASONS: readonly RefusalReason[] = ['unavailable', 'busy'];

/** The disk that an engine writes to. */
type Disk = Pick<FreeDisk, 'complaint' | 'onChange' | 'requireRoom'>;

/** The entries and refusals of one commit. */
export interface Group {
  entries: readonly Entry[];
  refusals: readonly LedgerDelta[];
  /** The use of keys by refused beacons. */
  refusedKeys: readonly KeyUseDelta[];
  /** The use of text by sites that have used much since it was last stored. */
  textUse: readonly TextUse[];
}

/**
 * Commits a group to durable storage.
 *
 * @returns the outcome of each entry, in order, once the whole group is on disk
 * @throws StoreUnavailable if nothing was stored, StoreBroken if it is unknown what was stored
 */
export type CommitGroup = (group: Group) => Promise<readonly AppendOutcome[]>;

interface Waiting {
  entry: Entry;
  resolve(outcome: AppendOutcome): void;
  reject(error: unknown): void;
}

/**
 * Group commit for any engine. While one commit is under way, the next group gathers; under load it gathers a little longer,
 * so that groups grow with the load but a single entry does not wait. An entry's promise settles only after its commit.
 */
export class GroupCommit
  implements
    Pick<
      Events,
      'append' | 'onEntry' | 'onCommit' | 'refuse' | 'refusedInOutage' | 'flush' | 'fill' | 'stats'
    >
{
  readonly #commitGroup: CommitGroup;
  readonly #texts: TextBudgets;
  readonly #disk: Disk;
  readonly #refusals = new PendingRefusals();
  readonly #listeners: OnEntry[] = [];
  #waiting: Waiting[] = [];
  #entriesUnderWay = 0;
  /** The commit under way, or null. Never rejects. */
  #underWay: Promise<void> | null = null;
  #scheduled = false;
  #gatherTimer: NodeJS.Timeout | null = null;
  /** The recent maximum of entries under way or waiting, which estimates how many senders wait for a response. */
  #mostAtOnce = 0;
  #refusalTimer: NodeJS.Timeout | null = null;
  #closing = false;
  /** The reason why the last commit failed; null if it succeeded. */
  #lastFailure: string | null = null;
  /** The reason why commits began to fail. It stays until one has succeeded and there is room for more. */
  #failing: string | null = null;
  #retryTimer: NodeJS.Timeout | null = null;
  #isRetryDue = false;
  readonly #outageListeners: ((error: string | null) => void)[] = [];
  readonly #outage = new OutageMonitor((error) => {
    this.#refusedInOutage.clear();
    for (const listener of this.#outageListeners) listener(error);
  });
  readonly #refusedInOutage = new Map<string, RefusedInOutage>();
  readonly #commitListeners: ((commit: CommitDone) => void)[] = [];
  #commitFailures = 0;

  /** @param disk the disk that the engine writes to */
  constructor(commitGroup: CommitGroup, { texts, disk }: { texts: TextBudgets; disk: Disk }) {
    this.#commitGroup = commitGroup;
    this.#texts = texts;
    this.#disk = disk;
    disk.onChange(() => this.#updateOutage());
  }

  append(entry: Entry): Promise<AppendOutcome> {
    if (this.#closing) return Promise.reject(new StoreUnavailable('the store is closing'));
    // Refusals are still counted, since they need little space.
    if (this.#disk.complaint !== null) return Promise.reject(new StoreUnavailable(this.#disk.complaint));
    if (this.fill() >= 1)
      return Promise.reject(new StoreBusy(`too many entries are waiting for a commit (${QUEUE_ENTRIES})`));
    const fitted = this.#texts.fit(entry);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry: fitted, resolve, reject });
      if (this.#gatherTimer === null) this.#schedule();
      else if (this.#waiting.length >= this.#mostAtOnce) this.#endGathering();
    });
  }

  onEntry(listener: OnEntry): void {
    this.#listeners.push(listener);
  }

  onCommit(listener: (commit: CommitDone) => void): void {
    this.#commitListeners.push(listener);
  }

  refuse(refusal: Refusal): void {
    this.#refusals.add(refusal);
    if (this.#outage.error !== null && OUTAGE_REASONS.includes(refusal.reason)) this.#noteRefused(refusal);
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
    return { commitFailures: this.#commitFailures };
  }

  /** The reason why events cannot be stored; null if they can. */
  get complaint(): string | null {
    return this.#outage.error;
  }

  /** Calls the listener when events can no longer be stored, and with null when they can again. */
  onOutage(listener: (error: string | null) => void): void {
    this.#outageListeners.push(listener);
    if (this.complaint !== null) listener(this.complaint);
  }

  refusedInOutage(siteId: string): RefusedInOutage | null {
    return this.#refusedInOutage.get(siteId) ?? null;
  }

  /** Stops accepting entries and commits those that wait. Entries that cannot be committed are rejected, never dropped. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#refusalTimer !== null) clearTimeout(this.#refusalTimer);
    if (this.#gatherTimer !== null) clearTimeout(this.#gatherTimer);
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
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
    // Commits after the requests of this event loop turn have been read, so that they share the commit.
    setImmediate(() => {
      this.#scheduled = false;
      this.#commit();
    });
  }

  #commit(): void {
    if (this.#underWay !== null || !(this.#hasWork() || this.#isRetryDue)) return;
    const wasBusy = this.#waiting.length >= BUSY_FROM_ENTRIES;
    this.#underWay = this.#commitWaiting().finally(() => {
      this.#underWay = null;
      if (wasBusy && this.#waiting.length < this.#mostAtOnce) this.#gather();
      else if (this.#waiting.length > 0 || this.#isRetryDue) this.#commit();
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
    const textUse = this.#texts.takeDue();
    const isRetry = this.#isRetryDue;
    this.#isRetryDue = false;
    this.#entriesUnderWay = group.length;
    const startMs = performance.now();
    let outcomes: readonly AppendOutcome[] = [];
    try {
      outcomes = await this.#commitGroup({
        entries: group.map((waiting) => waiting.entry),
        refusals: refusals.ledger,
        refusedKeys: refusals.keys,
        textUse,
      });
      this.#lastFailure = null;
      if (isRetry) await this.#endFailing();
      const done = { entries: group.length, seconds: (performance.now() - startMs) / SECOND_MS };
      for (const listener of this.#commitListeners) listener(done);
    } catch (error) {
      this.#lastFailure = error instanceof Error ? error.message : String(error);
      this.#commitFailures += 1;
      this.#refusals.putBack(refusals);
      this.#texts.putBack(textUse);
      this.#failing = this.#lastFailure;
      this.#updateOutage();
      this.#scheduleRetry();
      for (const waiting of group) waiting.reject(error);
      if (error instanceof StoreBroken) this.#rejectWaiting(error);
    } finally {
      this.#entriesUnderWay = 0;
      // Decreases by one per commit, so that a past burst does not delay commits for long.
      this.#mostAtOnce = Math.max(group.length + this.#waiting.length, this.#mostAtOnce - 1);
    }
    // Outcomes are in the order of the entries; there are none if the commit failed.
    for (const [i, { entry, resolve }] of group.entries()) {
      const outcome = outcomes[i];
      if (outcome === undefined) continue;
      resolve(outcome);
      for (const listener of this.#listeners) listener(entry, outcome);
    }
  }

  /** Tries a commit after a while, even an empty one. While events are refused, none may arrive that would end the outage. */
  #scheduleRetry(): void {
    if (this.#closing) return;
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = null;
      this.#isRetryDue = true;
      this.#commit();
    }, RETRY_MS);
  }

  /** Ends the failure after a commit, if there is room for a large one. Small ones may succeed now and then on a full disk. */
  async #endFailing(): Promise<void> {
    try {
      await this.#disk.requireRoom();
      this.#failing = null;
    } catch (error) {
      this.#failing = error instanceof Error ? error.message : String(error);
      this.#scheduleRetry();
    }
    this.#updateOutage();
  }

  #updateOutage(): void {
    const complaint = this.#disk.complaint ?? this.#failing;
    if (complaint === null) this.#outage.succeeded();
    else this.#outage.failed(complaint);
  }

  #noteRefused({ siteId, receivedAtMs }: Refusal): void {
    const refused = this.#refusedInOutage.get(siteId);
    if (refused === undefined) this.#refusedInOutage.set(siteId, { sinceMs: receivedAtMs, events: 1 });
    else refused.events += 1;
  }

  #rejectWaiting(error: StoreUnavailable): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}
