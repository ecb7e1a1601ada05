import type { Batch, Spool, SpoolGroup, SpoolStats } from '../../shipping.ts';
import { type AppendOutcome, type StoreBroken, StoreBusy } from '../../store.ts';
import { TaskThread } from '../task-client.ts';
import type { SpoolAnswers, SpoolTask } from './thread.ts';

/** A collector's spool: a file of its own, written by a thread of its own, every commit flushed to disk. */
export class SqliteSpool implements Spool {
  readonly firstOrdinal: number;
  readonly #thread: TaskThread<SpoolTask, SpoolAnswers>;
  readonly #maxBytes: number;
  #stats: SpoolStats;
  #nextOrdinal: number;

  private constructor(
    thread: TaskThread<SpoolTask, SpoolAnswers>,
    { nextOrdinal, stats }: SpoolAnswers['begin'],
    maxBytes: number,
  ) {
    this.#thread = thread;
    this.#stats = stats;
    this.#maxBytes = maxBytes;
    this.firstOrdinal = nextOrdinal;
    this.#nextOrdinal = nextOrdinal;
  }

  /** Opens or creates the file. @param maxBytes that may wait for the databases @throws StoreUnavailable */
  static async open(
    file: string,
    { maxBytes, onBroken }: { maxBytes: number; onBroken: (error: StoreBroken) => void },
  ): Promise<SqliteSpool> {
    const thread = await TaskThread.start<SpoolTask, SpoolAnswers>(
      { file, script: 'spool/thread' },
      onBroken,
    );
    return new SqliteSpool(thread, await thread.do({ type: 'begin' }), maxBytes);
  }

  async commit(group: SpoolGroup): Promise<AppendOutcome[]> {
    const { entries, bytes } = this.#stats;
    if (this.fill() >= 1)
      throw new StoreBusy(`the spool is full: ${entries} entries, ${bytes} bytes wait for the databases`);
    // An ordinal a row, given in this order by whoever made the rows.
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

  async probe(): Promise<void> {
    await this.#thread.do({ type: 'probe' });
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
