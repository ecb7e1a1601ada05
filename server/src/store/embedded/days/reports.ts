import type {
  AskedReports,
  Audit,
  DamagedDay,
  ReportLimits,
  Reports,
  SealingProgress,
} from '../../contract/store.ts';
import { FairQueue } from '../../shared/fair-queue.ts';
import { FairReports } from '../../shared/fair-reports.ts';
import { Turns } from '../../shared/threads/turns.ts';
import type { WrittenSegment } from '../tables/segments.ts';
import type { WriterClient } from '../writer/client.ts';
import { type DaysClient, startDays } from './client.ts';
import { collectTexts } from './text-collection.ts';

/** How often the days of a site are sealed before the deletion of their rows is postponed. */
const SEAL_TRIES = 5;

/** The engine answers one question at a time, on all of its threads. */
const QUESTIONS = { atOnce: 1, atOncePerParty: 1 } as const;

function reportsUntil(thread: DaysClient, signal: AbortSignal): AskedReports {
  return {
    totals: (scope) => thread.do({ type: 'totals', scope }, signal),
    series: (scope, boundariesMs) => thread.do({ type: 'series', scope, boundariesMs }, signal),
    seriesBySite: (scope, boundariesMs) => thread.do({ type: 'series-by-site', scope, boundariesMs }, signal),
    breakdown: (scope, by, options) => thread.do({ type: 'breakdown', scope, by, options }, signal),
    views: (scope, by, options) => thread.do({ type: 'views', scope, by, options }, signal),
    revenue: (scope, boundariesMs) => thread.do({ type: 'revenue', scope, boundariesMs }, signal),
    revenueBy: (scope, by, values) => thread.do({ type: 'revenue-by', scope, by, values }, signal),
    goals: (scope, goals) => thread.do({ type: 'goals', scope, goals }, signal),
    funnel: (scope, steps, by, options) => thread.do({ type: 'funnel', scope, steps, by, options }, signal),
    journeys: (scope, page, limit) => thread.do({ type: 'journeys', scope, page, limit }, signal),
    properties: (scope, limit) => thread.do({ type: 'properties', scope, limit }, signal),
    eventsSince: (scope) => thread.do({ type: 'events-since', scope }, signal),
    listActivity: (scope, options) => thread.do({ type: 'activity', scope, options }, signal),
    realtime: (siteId, sinceMs) => thread.do({ type: 'realtime', siteId, sinceMs }, signal),
  };
}

/** Answers reports on a thread of their own, and has days that are over written to segments. */
export class EmbeddedReports extends FairReports implements Reports {
  readonly #thread: DaysClient;
  readonly #writer: WriterClient;
  readonly #onRowsDeleted: () => void;
  /** Segments are written one at a time, and no strings are collected meanwhile: rows are read over several transactions. */
  readonly #turns = new Turns();
  #daysToSeal = 0;
  #damagedDays = 0;
  readonly #listeners: ((progress: SealingProgress) => void)[] = [];
  readonly #damageListeners: ((day: DamagedDay) => void)[] = [];
  #closing = false;
  /** Whether a run that was killed may have left files. A new segment must not share its number with them. */
  #mayHaveLeftovers = true;

  /** @param onRowsDeleted called when archived rows were deleted from the events file, and with them uses of strings */
  constructor({
    file,
    writer,
    limits,
    onRowsDeleted,
  }: {
    file: string;
    writer: WriterClient;
    limits: ReportLimits;
    onRowsDeleted: () => void;
  }) {
    const thread = startDays(file, limits);
    super(new FairQueue(QUESTIONS), (signal) => reportsUntil(thread, signal));
    this.#thread = thread;
    this.#writer = writer;
    this.#onRowsDeleted = onRowsDeleted;
  }

  /** The number of sites' days that wait to be sealed, as of the current or last round. */
  get daysToSeal(): number {
    return this.#daysToSeal;
  }

  /** The number of sites' days that the last round did not seal because they are damaged. */
  get damagedDays(): number {
    return this.#damagedDays;
  }

  onSealing: NonNullable<Reports['onSealing']> = (listener) => {
    this.#listeners.push(listener);
  };

  onDamagedDay: NonNullable<Reports['onDamagedDay']> = (listener) => {
    this.#damageListeners.push(listener);
  };

  sealDaysBefore: Reports['sealDaysBefore'] = (beforeDay, signal) =>
    this.#turns.run(async () => {
      await this.#deleteUnused();
      const { sealed } = await this.#seal({ beforeDay, siteId: null }, signal);
      await this.#compact(signal);
      if (!this.#isEnding(signal)) await this.#deleteUnused();
      return sealed;
    });

  archiveDaysBefore: NonNullable<Reports['archiveDaysBefore']> = (beforeDay, signal) =>
    this.#turns.run(async () => {
      const archivable = await this.#thread.do({ type: 'archivable', beforeDay });
      const archived = await this.#writer.do({ type: 'archive', beforeDay: archivable });
      for (let site: number | null = 0; site !== null && !this.#isEnding(signal); ) {
        const step: { deleted: number; next: number | null } = await this.#writer.do({
          ...{ type: 'clear-archived', afterSite: site },
        });
        if (step.deleted > 0) this.#onRowsDeleted();
        site = step.next;
      }
      return archived;
    });

  /**
   * Seals all of a site's days before one, because their rows are about to be deleted.
   *
   * @returns whether it got through; not if it ended early, or if events kept arriving
   */
  sealSite(siteId: string, beforeDay: number, signal?: AbortSignal): Promise<boolean> {
    return this.#turns.run(async () => {
      for (let tries = 0; tries < SEAL_TRIES; tries++) {
        const { sealed, isDone } = await this.#seal({ beforeDay, siteId }, signal);
        if (!isDone) return false;
        // A day to which an event came meanwhile is not in its segment, and is sealed the next time.
        if (sealed === 0) return true;
      }
      return false;
    });
  }

  /** Deletes strings that nothing refers to any more. @returns the number deleted */
  collectTexts(signal: AbortSignal): Promise<number> {
    return this.#turns.run(() => collectTexts({ reader: this.#thread, writer: this.#writer }, signal));
  }

  /** Recounts everything. Takes as long as reading every row. */
  audit(): Promise<Audit> {
    return this.#thread.do({ type: 'audit' });
  }

  close(): Promise<void> {
    this.#closing = true;
    return this.#thread.close();
  }

  #isEnding(signal?: AbortSignal): boolean {
    return this.#closing || signal?.aborted === true;
  }

  async #seal(
    which: { beforeDay: number; siteId: string | null },
    signal?: AbortSignal,
  ): Promise<{ sealed: number; isDone: boolean }> {
    if (this.#mayHaveLeftovers) await this.#deleteUnused();
    const batches = await this.#thread.do({ type: 'sealable', ...which });
    const days = batches.reduce((sum, { siteIds }) => sum + siteIds.length, 0);
    let damaged = 0;
    let sealed = 0;
    const report = () => {
      if (which.siteId !== null) return;
      const all = days - damaged;
      this.#daysToSeal = all - sealed;
      // Until all are sealed, some that the last round found may be found again.
      this.#damagedDays = Math.max(this.#damagedDays, damaged);
      if (sealed > 0) for (const listener of this.#listeners) listener({ sealed, all });
    };
    report();
    for (const batch of batches) {
      if (this.#isEnding(signal)) return { sealed, isDone: false };
      const { segment, damaged: ofBatch } = await this.#thread.do({ type: 'seal', batch });
      await this.#name(segment);
      damaged += ofBatch.length;
      for (const listener of this.#damageListeners) for (const day of ofBatch) listener(day);
      sealed += segment.sealed.length;
      report();
    }
    if (which.siteId === null) this.#damagedDays = damaged;
    return { sealed, isDone: true };
  }

  /** Writes wasteful segments again. One whose file is damaged does not keep the deleted rows of others. */
  async #compact(signal?: AbortSignal): Promise<void> {
    const failures: unknown[] = [];
    for (const segment of await this.#thread.do({ type: 'wasteful' })) {
      if (this.#isEnding(signal)) break;
      try {
        await this.#name(await this.#thread.do({ type: 'compact', segment }));
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  async #name(segment: WrittenSegment): Promise<void> {
    await this.#writer.do({ type: 'name-segment', segment });
    const siteIds = segment.sealed.map(({ siteId }) => siteId);
    await this.#thread.do({ type: 'sealed', day: segment.day, siteIds });
  }

  /**
   * Deletes the files of segments that are not needed any more, and files that no segment has. No segment may be being
   * written. It takes the turn of a question, so that each question that may read such a file has ended.
   */
  async #deleteUnused(): Promise<void> {
    await this.#writer.do({ type: 'forget-unused-segments' });
    await this.#thread.do({ type: 'delete-unnamed' });
    this.#mayHaveLeftovers = false;
  }
}
