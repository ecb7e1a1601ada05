import { DAY_MS, SECOND_MS, utcDay } from '../../domain/clock.ts';
import { type Outage, STORING_EVENTS } from '../../domain/outage.ts';
import type {
  AppendOutcome,
  EngineStats,
  Events,
  Health,
  ReportLimits,
  SiteLimit,
  StoreBroken,
  TextLimits,
} from '../contract/store.ts';
import { holdLog } from '../drivers/sqlite.ts';
import type { Mark } from '../drivers/sqlite-mark.ts';
import { KeyExpiry } from '../shared/deduplication.ts';
import type { FreeDisk } from '../shared/free-disk.ts';
import { type Group, GroupCommit } from '../shared/group-commit.ts';
import { Loop } from '../shared/loop.ts';
import { TextBudgets } from '../shared/text-budget.ts';
import { TaskThread, threadModule } from '../shared/threads/task-client.ts';
import { EmbeddedReports } from './days/reports.ts';
import type { ReaderAnswers, ReaderTask } from './reader-thread.ts';
import { startWriter, type WriterClient } from './writer/client.ts';
import { pack } from './writer/packed-batch.ts';
import type { Task } from './writer/writer.ts';

/** Sites looked up per task, which takes one or two milliseconds, so that other tasks do not wait long. */
const SITES_AT_ONCE = 100;

/** How soon a server notices that its files are gone. */
const FILES_CHECKED_EVERY_MS = SECOND_MS;

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
  readonly #group: GroupCommit;
  /** Whether rows may have been deleted since strings were last collected. Initially true, because that is unknown. */
  #textsMayBeUnused = true;
  #textsCollectedAtMs = Number.NEGATIVE_INFINITY;
  #closing = false;
  /** Notices that the files are gone even if nothing is stored. */
  readonly #watch = new Loop({
    work: async () => {
      if (this.#writer.broken === null) await this.#writer.do({ type: 'check-files' });
      return false;
    },
    idleMs: FILES_CHECKED_EVERY_MS,
    // The writer's client reports it.
    onOutage: () => undefined,
  });
  readonly #keyExpiry = new KeyExpiry();

  private constructor(
    writer: WriterClient,
    { file, limits, texts, disk }: { file: string; limits: ReportLimits; texts: TextBudgets; disk: FreeDisk },
  ) {
    this.#writer = writer;
    this.#group = new GroupCommit((group) => this.#commit(group), { texts, disk });
    this.#log = holdLog(file);
    this.#reader = TaskThread.reading({ file, script: threadModule('reader-thread', import.meta.url) });
    const onRowsDeleted = () => {
      this.#textsMayBeUnused = true;
    };
    this.reports = new EmbeddedReports({ file, writer, limits, onRowsDeleted });
    this.#watch.start();
  }

  /** Opens or creates the file and starts the writer. @throws StoreUnavailable */
  static async open(
    file: string,
    {
      onBroken,
      limits,
      textLimits,
      disk,
    }: { onBroken: OnBroken; limits: ReportLimits; textLimits: TextLimits; disk: FreeDisk },
  ): Promise<SqliteEvents> {
    const writer = await startWriter(file, onBroken);
    const texts = new TextBudgets(textLimits, await writer.do({ type: 'text-use' }));
    return new SqliteEvents(writer, { file, limits, texts, disk });
  }

  /** Returns how many commits of acknowledged events the file lacks. A later call returns 0. */
  takeLackingCommits(): Promise<number> {
    return this.#writer.do({ type: 'take-lacking-commits' });
  }

  /** Marks the file as belonging to an installation. */
  async mark(mark: Mark): Promise<void> {
    await this.#writer.do({ type: 'mark', mark });
  }

  append: Events['append'] = (entry) => this.#group.append(entry);
  onEntry: Events['onEntry'] = (listener) => this.#group.onEntry(listener);
  onCommit: Events['onCommit'] = (listener) => this.#group.onCommit(listener);
  onOutage = (listener: (outage: Outage) => void): void => {
    this.#group.onOutage((error) => listener({ work: STORING_EVENTS, error }));
  };

  refuse: Events['refuse'] = (refusal) => this.#group.refuse(refusal);
  refusedInOutage: Events['refusedInOutage'] = (siteId) => this.#group.refusedInOutage(siteId);
  flush: Events['flush'] = () => this.#group.flush();
  fill: Events['fill'] = () => this.#group.fill();
  stats = (): EngineStats => {
    const { daysToSeal, damagedDays } = this.reports;
    return { ...this.#group.stats(), daysToSeal, damagedDays };
  };

  async health(): Promise<Health> {
    if (this.#closing) return { ok: false, reason: 'the store is closing' };
    const { broken } = this.#writer;
    if (broken !== null) return { ok: false, reason: broken.message };
    const { complaint } = this.#group;
    return complaint === null ? { ok: true } : { ok: false, reason: complaint };
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
    await this.#watch.stop();
    await this.#group.close();
    await this.reports.close();
    // The last connection to close moves the log into the file and deletes it. A reader cannot, so readers close first.
    await this.#reader.close();
    // Closing the last connection would delete a log by its name, which may be another's by now.
    if (this.#writer.broken === null) this.#log.release();
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
