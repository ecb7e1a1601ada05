import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { DAY_MS, HOUR_MS, utcDay } from '../../clock.ts';
import {
  type AppendOutcome,
  type Entry,
  type Events,
  type Refusal,
  StoreBroken,
  StoreBusy,
  StoreUnavailable,
} from '../store.ts';
import { addToLedger, type LedgerDelta } from './commit.ts';
import { EventReader } from './reader.ts';
import type { FromWriter, ToWriter } from './writer.ts';

/** Entries that may wait for a commit, the one under way included. */
const QUEUE_ENTRIES = 10_000;
/** Entries of one commit: more would make the first of them wait too long. */
const COMMIT_ENTRIES = 1_000;
/** Refusals wait at most this long for a commit to travel with. */
const REFUSALS_WAIT_MS = 250;
/** Lines of refusals kept between commits before further hosts are folded into one. */
const REFUSAL_LINES = 10_000;

/** A new day must have lasted this long before old deduplication keys go: a clock that jumps ahead and back loses none. */
const DAY_SETTLED_MS = HOUR_MS;
const DEDUPLICATION_DAYS = 2;

interface Waiting {
  entry: Entry;
  resolve(outcome: AppendOutcome): void;
  reject(error: StoreUnavailable): void;
}

/** What the main thread is told when the files can no longer be trusted. */
export type OnBroken = (error: StoreBroken) => void;

/**
 * The events half of the embedded engine. Group commit without a timer: while one commit is under way the next batch
 * gathers, so that batches grow with the load and a lone event waits for nobody.
 */
export class SqliteEvents implements Events {
  readonly #worker: Worker;
  readonly #reader: EventReader;
  readonly #onBroken: OnBroken;
  #waiting: Waiting[] = [];
  #underWay: Waiting[] = [];
  #refusals = new Map<string, LedgerDelta>();
  #refusalsUnderWay = new Map<string, LedgerDelta>();
  #refusalTimer: NodeJS.Timeout | null = null;
  #committing = false;
  #scheduled = false;
  #state: 'open' | 'closing' | 'broken' = 'open';
  #newestDay = { day: 0, sinceMs: 0 };
  /** Called after each commit, successful or not. */
  #afterCommit: (() => void)[] = [];

  private constructor(worker: Worker, file: string, onBroken: OnBroken) {
    this.#worker = worker;
    this.#onBroken = onBroken;
    this.#reader = new EventReader(file);
    worker.on('message', (message: FromWriter) => this.#onMessage(message));
    worker.on('error', (error) => this.#break(`the writer's thread died: ${error.message}`));
    worker.on('exit', () => {
      if (this.#state === 'open') this.#break("the writer's thread ended");
    });
  }

  /** Opens or creates the file and starts the writer. */
  static async open(file: string, onBroken: OnBroken): Promise<SqliteEvents> {
    // Run from source (tests) and built alike.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./writer.${extension}`, import.meta.url), { workerData: { file } });
    const [message] = (await once(worker, 'message')) as [FromWriter];
    if (message.type !== 'ready') {
      await worker.terminate();
      throw new StoreUnavailable(message.type === 'failed' ? message.message : `unexpected ${message.type}`);
    }
    return new SqliteEvents(worker, file, onBroken);
  }

  append(entry: Entry): Promise<AppendOutcome> {
    if (this.#state !== 'open') return Promise.reject(new StoreUnavailable(`the store is ${this.#state}`));
    if (this.#waiting.length + this.#underWay.length >= QUEUE_ENTRIES) {
      return Promise.reject(new StoreBusy(`${QUEUE_ENTRIES} entries are waiting for a commit`));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      this.#schedule();
    });
  }

  refuse({ siteId, receivedAtMs, reason, host }: Refusal): void {
    addToLedger(this.#refusals, {
      siteId,
      day: utcDay(receivedAtMs),
      outcome: reason,
      host: this.#refusals.size < REFUSAL_LINES ? host : 'other',
      count: 1,
      firstAtMs: receivedAtMs,
      lastAtMs: receivedAtMs,
    });
    this.#refusalTimer ??= setTimeout(() => {
      this.#refusalTimer = null;
      this.#commit();
    }, REFUSALS_WAIT_MS);
  }

  async flush(): Promise<void> {
    while (this.#waiting.length + this.#refusals.size > 0 || this.#committing) {
      if (this.#state === 'broken') throw new StoreBroken('the store is broken');
      const settled = new Promise<void>((resolve) => this.#afterCommit.push(resolve));
      this.#commit();
      await settled;
    }
  }

  countBySite: Events['countBySite'] = async (siteIds, range) => this.#reader.countBySite(siteIds, range);
  ledger: Events['ledger'] = async (siteId, range) => this.#reader.ledger(siteId, range);
  page: Events['page'] = async (siteId, options) => this.#reader.page(siteId, options);
  audit: Events['audit'] = async () => this.#reader.audit();

  /** Finishes what waits, then lets go of the file. */
  async close(): Promise<void> {
    if (this.#state !== 'open') return;
    try {
      await this.#lastCommits();
    } finally {
      this.#state = 'closing';
      if (this.#refusalTimer !== null) clearTimeout(this.#refusalTimer);
      this.#rejectAll(new StoreUnavailable('the store is closing'));
      const gone = once(this.#worker, 'exit');
      this.#post({ type: 'close' });
      await gone;
      this.#reader.close();
    }
  }

  /** Two tries: a disk that is full now may stay so, and a shutdown must end. */
  async #lastCommits(): Promise<void> {
    for (
      let tries = 0;
      tries < 2 && (this.#committing || this.#waiting.length + this.#refusals.size > 0);
      tries++
    ) {
      const settled = new Promise<void>((resolve) => this.#afterCommit.push(resolve));
      this.#commit();
      await settled;
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#committing) return;
    this.#scheduled = true;
    // After the requests of this turn of the event loop have been read, so that they share the commit.
    setImmediate(() => {
      this.#scheduled = false;
      this.#commit();
    });
  }

  #commit(): void {
    if (this.#committing || this.#state !== 'open') return;
    if (this.#waiting.length === 0 && this.#refusals.size === 0) return;
    this.#committing = true;
    this.#underWay = this.#waiting.splice(0, COMMIT_ENTRIES);
    this.#refusalsUnderWay = this.#refusals;
    this.#refusals = new Map();
    this.#post({
      type: 'commit',
      batch: {
        entries: this.#underWay.map((waiting) => waiting.entry),
        refusals: [...this.#refusalsUnderWay.values()],
        forgetKeysBeforeDay: this.#forgetKeysBeforeDay(),
      },
    });
  }

  #onMessage(message: FromWriter): void {
    switch (message.type) {
      case 'committed':
        this.#settle((waiting, i) => waiting.resolve(message.outcomes[i] ?? 'stored'));
        break;
      case 'failed': {
        if (message.broken) {
          this.#break(message.message);
          return;
        }
        const error = new StoreUnavailable(message.message);
        for (const delta of this.#refusalsUnderWay.values()) addToLedger(this.#refusals, delta);
        this.#settle((waiting) => waiting.reject(error));
        break;
      }
      case 'ready':
      case 'closed':
        break;
    }
  }

  #settle(each: (waiting: Waiting, index: number) => void): void {
    const settled = this.#underWay;
    this.#underWay = [];
    this.#refusalsUnderWay = new Map();
    this.#committing = false;
    settled.forEach(each);
    for (const done of this.#afterCommit.splice(0)) done();
    if (this.#waiting.length > 0) this.#commit();
  }

  #break(message: string): void {
    if (this.#state === 'broken') return;
    this.#state = 'broken';
    const error = new StoreBroken(message);
    this.#rejectAll(error);
    for (const done of this.#afterCommit.splice(0)) done();
    this.#onBroken(error);
  }

  #rejectAll(error: StoreUnavailable): void {
    const all = [...this.#underWay, ...this.#waiting];
    this.#underWay = [];
    this.#waiting = [];
    for (const waiting of all) waiting.reject(error);
  }

  #forgetKeysBeforeDay(): number {
    const newest = this.#underWay.at(-1)?.entry.receivedAtMs ?? 0;
    const day = Math.floor(newest / DAY_MS);
    const now = performance.now();
    if (day !== this.#newestDay.day) this.#newestDay = { day, sinceMs: now };
    return now - this.#newestDay.sinceMs >= DAY_SETTLED_MS ? day - DEDUPLICATION_DAYS : 0;
  }

  #post(message: ToWriter): void {
    this.#worker.postMessage(message);
  }
}
