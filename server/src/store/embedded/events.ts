import { DAY_MS, utcDay } from '../../domain/clock.ts';
import type {
  AppendOutcome,
  EngineStats,
  Events,
  Health,
  ReportLimits,
  SiteLimit,
  StoreBroken,
} from '../contract/store.ts';
import { holdLog } from '../drivers/sqlite.ts';
import { KeyExpiry } from '../shared/deduplication.ts';
import { type Group, GroupCommit } from '../shared/group-commit.ts';
import { TaskThread, threadModule } from '../shared/threads/task-client.ts';
import { EmbeddedReports } from './days/reports.ts';
import type { ReaderAnswers, ReaderTask } from './reader-thread.ts';
import { startWriter, type WriterClient } from './writer/client.ts';
import { pack } from './writer/packed-batch.ts';
import type { Task } from './writer/writer.ts';

/** Sites looked up per task, which takes one or two milliseconds, so that other tasks do not wait long. */
const SITES_AT_ONCE = 100;

/** The minimum interval between collections of unused strings, each of which reads every row once. */
const TEXTS_COLLECTED_EVERY_MS = DAY_MS;

/** A callback for when the files can no longer be trusted. It is called once. */
export type OnBroken = (error: StoreBroken) => void;

/** The events half of the embedded engine. The writer's thread commits appended entries in groups. */
export class SqliteEvents implements Events {
  readonly #writer: WriterClient;
  readonly #reader: TaskThread<ReaderTask, ReaderAnswers>;
  readonly reports: EmbeddedReports;
  readonly #log: ReturnType<typeof holdLog>;
  readonly #group = new GroupCommit((group) => this.#commit(group));
  /** Whether rows may have been deleted since strings were last collected. Initially true, because that is unknown. */
  #textsMayBeUnused = true;
  #textsCollectedAtMs = Number.NEGATIVE_INFINITY;
  #closing = false;
  readonly #keyExpiry = new KeyExpiry();

  private constructor(writer: WriterClient, file: string, limits: ReportLimits) {
    this.#writer = writer;
    this.#log = holdLog(file);
    this.#reader = TaskThread.reading({ file, script: threadModule('reader-thread', import.meta.url) });
    const onRowsDeleted = () => {
      this.#textsMayBeUnused = true;
    };
    this.reports = new EmbeddedReports({ file, writer, limits, onRowsDeleted });
  }

  /** Opens or creates the file and starts the writer. @throws StoreUnavailable */
  static async open(file: string, onBroken: OnBroken, limits: ReportLimits): Promise<SqliteEvents> {
    const writer = await startWriter(file, onBroken);
    return new SqliteEvents(writer, file, limits);
  }

  append: Events['append'] = (entry) => this.#group.append(entry);
  onEntry: Events['onEntry'] = (listener) => this.#group.onEntry(listener);
  onCommit: Events['onCommit'] = (listener) => this.#group.onCommit(listener);
  refuse: Events['refuse'] = (refusal) => this.#group.refuse(refusal);
  flush: Events['flush'] = () => this.#group.flush();
  fill: Events['fill'] = () => this.#group.fill();
  stats = (): EngineStats => {
    const { daysToSeal, damagedDays } = this.reports;
    return { ...this.#group.stats(), daysToSeal, damagedDays };
  };

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

  async expire(limits: readonly SiteLimit[], signal?: AbortSignal): Promise<number> {
    let deleted = 0;
    for (const limit of limits) {
      if (signal?.aborted) return deleted;
      deleted += await this.#expireSite(limit, signal);
    }
    return deleted;
  }

  async #expireSite({ siteId, beforeMs }: SiteLimit, signal?: AbortSignal): Promise<number> {
    // Seals the days first, so that rollups keep the counts of the deleted rows.
    if (!(await this.reports.sealSite(siteId, utcDay(beforeMs - 1) + 1, signal))) return 0;
    return this.#delete({ type: 'expire', siteId, beforeMs }, signal);
  }

  remove(siteId: string, signal?: AbortSignal): Promise<number> {
    return this.#delete({ type: 'remove', siteId }, signal);
  }

  async holding(siteIds: readonly string[]): Promise<string[]> {
    const held: string[] = [];
    for (let i = 0; i < siteIds.length; i += SITES_AT_ONCE)
      held.push(
        ...(await this.#reader.do({ type: 'holding', siteIds: siteIds.slice(i, i + SITES_AT_ONCE) })),
      );
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

  countBySite: Events['countBySite'] = (siteIds, range) =>
    this.#reader.do({ type: 'countBySite', siteIds, range });
  ledger: Events['ledger'] = (siteId, range) => this.#reader.do({ type: 'ledger', siteId, range });
  keyUse: Events['keyUse'] = (siteId) => this.#reader.do({ type: 'keyUse', siteId });
  page: Events['page'] = async (siteId, options) => {
    const scope = { siteId, fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
    const { items, nextCursor } = await this.reports.listActivity(scope, { ...options, type: 'event' });
    return { events: items.flatMap((item) => (item.type === 'event' ? [item.event] : [])), nextCursor };
  };
  audit: Events['audit'] = () => this.reports.audit();

  /** Commits waiting entries, then closes the files. Entries that cannot be committed are rejected, never dropped. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    await this.#group.close();
    await this.reports.close();
    // The last connection to close moves the log into the file and deletes it. A reader cannot, so readers close first.
    await this.#reader.close();
    this.#log.release();
    await this.#writer.close();
  }

  /** Deletes rows in steps, so that commits of events can run in between. @returns the number of rows deleted */
  async #delete(task: Extract<Task, { type: 'expire' | 'remove' }>, signal?: AbortSignal): Promise<number> {
    let total = 0;
    for (let more = true; more && !signal?.aborted; ) {
      const step = await this.#writer.do(task);
      total += step.deleted;
      more = step.more;
    }
    if (total > 0) this.#textsMayBeUnused = true;
    return total;
  }

  async #commit(group: Group): Promise<readonly AppendOutcome[]> {
    const newest = group.entries.at(-1);
    const forgetKeysBeforeDay = this.#keyExpiry.firstDayKept(newest && utcDay(newest.receivedAtMs));
    const duplicates = await this.#writer.do({
      type: 'commit',
      batch: pack({ ...group, forgetKeysBeforeDay }),
    });
    const outcomes = group.entries.map((): AppendOutcome => 'stored');
    for (const place of duplicates) outcomes[place] = 'duplicate';
    return outcomes;
  }
}
