import type { Audit, Reports } from '../../contract/store.ts';
import type { WriterClient } from '../writer/client.ts';
import { type ReportsClient, startReports } from './client.ts';
import type { SealableDay } from './seal-count.ts';
import { collectTexts } from './text-collection.ts';

/** Rows of the rollup written per commit, so that ingestion between them goes on. */
const ROWS_PER_PART = 1_000;

/** Answers questions on the reader's thread, and has the writer keep the rollup of days that are over. */
export class SqliteReports implements Reports {
  readonly #reader: ReportsClient;
  readonly #writer: WriterClient;
  /** Sealing writes numbers of texts that it read before: nothing is collected meanwhile, and the other way round. */
  #turn: Promise<unknown> = Promise.resolve();
  #closing = false;

  constructor(file: string, writer: WriterClient) {
    this.#reader = startReports(file);
    this.#writer = writer;
  }

  totals: Reports['totals'] = (scope) => this.#reader.do({ type: 'totals', scope });
  series: Reports['series'] = (scope, boundariesMs) =>
    this.#reader.do({ type: 'series', scope, boundariesMs });
  breakdown: Reports['breakdown'] = (scope, by, options) =>
    this.#reader.do({ type: 'breakdown', scope, by, options });
  listActivity: Reports['listActivity'] = (scope, options) =>
    this.#reader.do({ type: 'activity', scope, options });
  realtime: Reports['realtime'] = (siteId, sinceMs) => this.#reader.do({ type: 'realtime', siteId, sinceMs });

  sealDaysBefore: Reports['sealDaysBefore'] = async (beforeDay, signal) =>
    (await this.#inTurn(() => this.#sealAll(beforeDay, null, signal))).sealed;

  /**
   * Seals all of a site's days before one, large or small: their rows are about to go.
   *
   * @returns whether all of them are sealed; not where it ended early
   */
  async sealSite(siteId: string, beforeDay: number, signal?: AbortSignal): Promise<boolean> {
    return (await this.#inTurn(() => this.#sealAll(beforeDay, siteId, signal))).isAll;
  }

  /** Deletes texts that nothing refers to any more. @returns how many */
  collectTexts(signal: AbortSignal): Promise<number> {
    return this.#inTurn(() => collectTexts({ reader: this.#reader, writer: this.#writer }, signal));
  }

  /** Recounts everything. Takes as long as reading every row. */
  audit(): Promise<Audit> {
    return this.#reader.do({ type: 'audit' });
  }

  close(): Promise<void> {
    this.#closing = true;
    return this.#reader.close();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #sealAll(
    beforeDay: number,
    siteId: string | null,
    signal?: AbortSignal,
  ): Promise<{ sealed: number; isAll: boolean }> {
    const days = await this.#reader.do({ type: 'sealable', beforeDay, siteId });
    let sealed = 0;
    for (const day of days) {
      if (this.#closing || signal?.aborted) break;
      await this.#seal(day);
      sealed += 1;
    }
    return { sealed, isAll: sealed === days.length };
  }

  async #seal(day: SealableDay): Promise<void> {
    const { rows, changes } = await this.#reader.do({ type: 'facets', day });
    const parts = Math.max(1, Math.ceil(rows.length / ROWS_PER_PART));
    for (let part = 0; part < parts; part++) {
      await this.#writer.do({
        type: 'seal',
        part: {
          ...day,
          rows: rows.slice(part * ROWS_PER_PART, (part + 1) * ROWS_PER_PART),
          first: part === 0,
          last: part === parts - 1,
          changes,
        },
      });
    }
  }
}
