import { setImmediate as breathe } from 'node:timers/promises';
import { DAY_MS, HOUR_MS, utcDay } from '../../clock.ts';
import { type Group, GroupCommit } from '../group-commit.ts';
import type { AppendOutcome, EngineStats, Events, Health, StoreBroken } from '../store.ts';
import { HeldCounts } from './held-counts.ts';
import { pack } from './packed-batch.ts';
import { EventReader } from './reader.ts';
import { SqliteReports } from './reports/index.ts';
import { startWriter, type WriterClient } from './writer-client.ts';

/** A new day must have lasted this long before old deduplication keys go: a clock that jumps ahead and back loses none. */
const DAY_SETTLED_MS = HOUR_MS;
const DEDUPLICATION_DAYS = 2;

/** Sites looked up between two turns of the event loop: one or two milliseconds. */
const SITES_AT_ONCE = 100;

/** Collecting reads every row once. */
const TEXTS_COLLECTED_EVERY_MS = DAY_MS;

/** Told once, when the files can no longer be trusted. */
export type OnBroken = (error: StoreBroken) => void;

/** The events half of the embedded engine: what is appended is committed in groups by the writer's thread. */
export class SqliteEvents implements Events {
  readonly #writer: WriterClient;
  readonly #reader: EventReader;
  readonly reports: SqliteReports;
  readonly #group = new GroupCommit((group) => this.#commit(group));
  readonly #counts = new HeldCounts();
  /** Whether rows were deleted since texts were collected last. At start nobody knows. */
  #textsMayBeUnused = true;
  #textsCollectedAtMs = Number.NEGATIVE_INFINITY;
  #closing = false;
  #newestDay = { day: 0, sinceMs: 0 };

  private constructor(writer: WriterClient, file: string) {
    this.#writer = writer;
    this.#reader = new EventReader(file);
    this.reports = new SqliteReports(file, writer);
  }

  /** Opens or creates the file and starts the writer. @throws StoreUnavailable */
  static async open(file: string, onBroken: OnBroken): Promise<SqliteEvents> {
    const writer = await startWriter(file, onBroken);
    return new SqliteEvents(writer, file);
  }

  append: Events['append'] = (entry) => this.#group.append(entry);
  onCommitted: Events['onCommitted'] = (listener) => this.#group.onCommitted(listener);
  refuse: Events['refuse'] = (refusal) => this.#group.refuse(refusal);
  flush: Events['flush'] = () => this.#group.flush();
  fill: Events['fill'] = () => this.#group.fill();
  stats = (): EngineStats => this.#group.stats();

  async health(): Promise<Health> {
    if (this.#closing) return { ok: false, reason: 'the store is closing' };
    if (this.#group.lastFailure === null) return { ok: true };
    try {
      await this.#writer.do({ type: 'probe' });
      this.#group.recovered();
      return { ok: true };
    } catch (error) {
      return { ok: false, reason: error instanceof Error ? error.message : String(error) };
    }
  }

  async expire(siteId: string, beforeMs: number, signal?: AbortSignal): Promise<number> {
    // What was counted of the rows outlives them.
    if (!(await this.reports.sealSite(siteId, utcDay(beforeMs) + 1, signal))) return 0;
    let total = 0;
    for (let more = true; more && !signal?.aborted; ) {
      const step = await this.#writer.do({ type: 'expire', siteId, beforeMs });
      total += step.deleted;
      more = step.more;
    }
    if (total > 0) this.#textsMayBeUnused = true;
    return total;
  }

  async remove(siteId: string, signal?: AbortSignal): Promise<number> {
    let total = 0;
    for (let more = true; more && !signal?.aborted; ) {
      const step = await this.#writer.do({ type: 'remove', siteId });
      total += step.deleted;
      more = step.more;
    }
    if (total > 0) this.#textsMayBeUnused = true;
    return total;
  }

  async holding(siteIds: readonly string[]): Promise<string[]> {
    const held: string[] = [];
    for (let i = 0; i < siteIds.length; i += SITES_AT_ONCE) {
      held.push(...this.#reader.holding(siteIds.slice(i, i + SITES_AT_ONCE)));
      await breathe();
    }
    return held;
  }

  async collectTexts(signal: AbortSignal): Promise<number> {
    const now = performance.now();
    if (!this.#textsMayBeUnused || now - this.#textsCollectedAtMs < TEXTS_COLLECTED_EVERY_MS) return 0;
    this.#textsMayBeUnused = false;
    try {
      const collected = await this.reports.collectTexts(signal);
      this.#textsCollectedAtMs = now;
      return collected;
    } catch (error) {
      this.#textsMayBeUnused = true;
      throw error;
    }
  }

  countBySite: Events['countBySite'] = async (siteIds, range) =>
    this.#counts.of(siteIds, range, (missing) => this.#reader.countBySite(missing, range));
  ledger: Events['ledger'] = async (siteId, range) => this.#reader.ledger(siteId, range);
  keyUse: Events['keyUse'] = async (siteId) => this.#reader.keyUse(siteId);
  page: Events['page'] = async (siteId, options) => this.#reader.page(siteId, options);
  audit: Events['audit'] = async () => this.#reader.audit();

  /** Finishes what waits, then lets go of the file. What cannot be committed then is rejected, not dropped silently. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    await this.#group.close();
    await this.reports.close();
    // The last to let go moves the log into the file and takes it away, which a reader cannot.
    this.#reader.close();
    await this.#writer.close();
  }

  async #commit(group: Group): Promise<readonly AppendOutcome[]> {
    const forgetKeysBeforeDay = this.#forgetKeysBeforeDay(group.entries.at(-1)?.receivedAtMs);
    const duplicates = await this.#writer.do({
      type: 'commit',
      batch: pack({ ...group, forgetKeysBeforeDay }),
    });
    const outcomes = group.entries.map(({ kind, siteId }): AppendOutcome => {
      if (kind === 'event') this.#counts.forget(siteId);
      return 'stored';
    });
    for (const place of duplicates) outcomes[place] = 'duplicate';
    return outcomes;
  }

  #forgetKeysBeforeDay(newestMs: number | undefined): number {
    const day = newestMs === undefined ? this.#newestDay.day : utcDay(newestMs);
    const now = performance.now();
    if (day !== this.#newestDay.day) this.#newestDay = { day, sinceMs: now };
    return now - this.#newestDay.sinceMs >= DAY_SETTLED_MS ? day - DEDUPLICATION_DAYS : 0;
  }
}
