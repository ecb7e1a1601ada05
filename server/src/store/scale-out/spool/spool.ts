import { type AppendOutcome, type StoreBroken, StoreBusy } from '../../contract/store.ts';
import { holdLog } from '../../drivers/sqlite.ts';
import type { TextUse } from '../../shared/text-budget.ts';
import { TaskThread, threadModule } from '../../shared/threads/task-client.ts';
import type { Batch, Spool, SpoolGroup, SpoolStats } from '../shipping.ts';
import type { SpoolAnswers, SpoolTask } from './thread.ts';

/** A collector's spool: a separate file, written by a separate thread, with every commit flushed to disk. */
export class SqliteSpool implements Spool {
  readonly firstOrdinal: number;
  readonly textUse: readonly TextUse[];
  readonly #thread: TaskThread<SpoolTask, SpoolAnswers>;
  readonly #log: ReturnType<typeof holdLog>;
  readonly #maxBytes: number;
  #stats: SpoolStats;
  #nextOrdinal: number;

  private constructor(
    thread: TaskThread<SpoolTask, SpoolAnswers>,
    { nextOrdinal, stats, textUse }: SpoolAnswers['begin'],
    { log, maxBytes }: { log: ReturnType<typeof holdLog>; maxBytes: number },
  ) {
    this.#thread = thread;
    this.#log = log;
    this.#stats = stats;
    this.#maxBytes = maxBytes;
    this.firstOrdinal = nextOrdinal;
    this.textUse = textUse;
    this.#nextOrdinal = nextOrdinal;
  }

  /** Opens or creates the file. @param maxBytes maximum bytes that may wait for the databases @throws StoreUnavailable */
  static async open(
    file: string,
    { maxBytes, onBroken }: { maxBytes: number; onBroken: (error: StoreBroken) => void },
  ): Promise<SqliteSpool> {
    const thread = await TaskThread.writing<SpoolTask, SpoolAnswers>(
      { file, script: threadModule('thread', import.meta.url) },
      onBroken,
    );
    return new SqliteSpool(thread, await thread.do({ type: 'begin' }), { log: holdLog(file), maxBytes });
  }

  async commit(group: SpoolGroup): Promise<AppendOutcome[]> {
    const { entries, bytes } = this.#stats;
    if (this.fill() >= 1)
      throw new StoreBusy(`the spool is full: ${entries} entries, ${bytes} bytes wait for the databases`);
    // Each row gets one ordinal, in the order of the rows.
    this.#nextOrdinal += group.entries.length;
    const { outcomes, stats } = await this.#thread.do({
      type: 'commit',
      group,
      nextOrdinal: this.#nextOrdinal,
    });
    this.#stats = stats;
    return outcomes;
  }

  nextBatch(): Promise<Batch | null> {
    return this.#thread.do({ type: 'nextBatch' });
  }

  async release(no: number): Promise<void> {
    this.#stats = await this.#thread.do({ type: 'release', no });
  }

  stats(): SpoolStats {
    return this.#stats;
  }

  fill(): number {
    return this.#stats.bytes / this.#maxBytes;
  }

  close(): Promise<void> {
    // Closing the last connection would delete a log by its name, which may be another's by now.
    if (this.#thread.broken === null) this.#log.release();
    return this.#thread.close();
  }
}
