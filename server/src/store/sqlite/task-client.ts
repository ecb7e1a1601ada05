import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { StoreBroken, StoreUnavailable } from '../store.ts';
import type { Failure, FromThread, ToThread } from './task-thread.ts';

interface Pending {
  resolve(answer: unknown): void;
  reject(error: StoreUnavailable): void;
}

/**
 * A thread that owns a file, as seen from the thread that speaks HTTP: tasks go in order, one answer each. `Answers` names
 * what each type of task is answered with.
 */
export class TaskThread<Task extends { type: keyof Answers }, Answers> {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #onBroken: (error: StoreBroken) => void;
  #lastNumber = 0;
  #ended: StoreUnavailable | null = null;

  private constructor(worker: Worker, onBroken: (error: StoreBroken) => void) {
    this.#worker = worker;
    this.#onBroken = onBroken;
    worker.on('message', (message: FromThread<unknown>) => this.#onMessage(message));
    worker.on('error', (error) => this.#break(`the thread of the file died: ${error.message}`));
    worker.on('exit', () => {
      if (this.#ended === null) this.#break('the thread of the file ended');
    });
  }

  /** Starts the thread, which opens or creates the file. @throws StoreUnavailable where it cannot */
  static async start<Task extends { type: keyof Answers }, Answers>(
    { file, script }: { file: string; script: 'writer' | 'spool/thread' },
    onBroken: (error: StoreBroken) => void,
  ): Promise<TaskThread<Task, Answers>> {
    // Run from source (tests) and built alike.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./${script}.${extension}`, import.meta.url), { workerData: { file } });
    const [message] = (await once(worker, 'message')) as [FromThread<unknown>];
    if (!('ready' in message)) {
      await worker.terminate();
      throw new StoreUnavailable(
        'failed' in message ? message.failed.message : 'the thread of the file did not start',
      );
    }
    return new TaskThread(worker, onBroken);
  }

  /** @throws StoreUnavailable where the task failed with nothing done, StoreBroken where nobody can know */
  do<T extends Task>(task: T): Promise<Answers[T['type']]> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const number = ++this.#lastNumber;
      // The thread answers a task with what `Answers` names for its type.
      this.#pending.set(number, { resolve: resolve as Pending['resolve'], reject });
      this.#post({ number, task });
    });
  }

  /** Lets the tasks that were given finish, then ends the thread. */
  async close(): Promise<void> {
    if (this.#ended !== null) return;
    this.#ended = new StoreUnavailable('the store is closed');
    const gone = once(this.#worker, 'exit');
    this.#post({ close: true });
    await gone;
  }

  #onMessage(message: FromThread<unknown>): void {
    if ('ready' in message) return;
    const pending = this.#pending.get(message.number);
    this.#pending.delete(message.number);
    if ('failed' in message) this.#fail(message.failed, pending);
    else pending?.resolve(message.answer);
  }

  #fail({ broken, message }: Failure, pending: Pending | undefined): void {
    if (!broken) {
      pending?.reject(new StoreUnavailable(message));
      return;
    }
    pending?.reject(new StoreBroken(message));
    this.#break(message);
  }

  #break(message: string): void {
    if (this.#ended !== null) return;
    const error = new StoreBroken(message);
    this.#ended = error;
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    this.#onBroken(error);
  }

  #post(message: ToThread<Task>): void {
    this.#worker.postMessage(message);
  }
}
