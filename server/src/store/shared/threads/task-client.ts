import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { FilesGone, StoreBroken, StoreBusy, StoreUnavailable } from '../../contract/store.ts';
import { type Failure, type FromThread, OPENING, type ThreadData, type ToThread } from './task-thread.ts';

/** Maximum tasks that wait for a thread or run on it. */
const MAX_PENDING_TASKS = 200;

/** How long a reading thread may take to close before it is ended. */
const CLOSING_READER_MS = 1_000;
/** How long the end of the process waits for native work. */
const NATIVE_WORK_MS = 3_000;

interface Pending {
  resolve(answer: unknown): void;
  reject(error: StoreUnavailable): void;
}

/** The thread to start and the file it works on. */
export interface ThreadPlace {
  file: string;
  /** The thread's module, which calls `serveTasks`. */
  script: URL;
  /** What the thread may use, as `serveTasks` hands it over. */
  limits?: object;
  /** Whether the thread has native work under way that must end before the process, which would be aborted otherwise. */
  hasNativeWork?: boolean;
}

/**
 * Returns the URL of a thread's module, which is in the same folder as the module that starts it, both in source and built.
 *
 * @param name the file name without its extension
 * @param starter `import.meta.url` of the module that starts it
 */
export function threadModule(name: string, starter: string): URL {
  return new URL(`./${name}.${starter.endsWith('.ts') ? 'ts' : 'js'}`, starter);
}

/**
 * Returns the options of a thread. They replace those that it would inherit, of which Node accepts only some for a thread, so
 * modules that the process loaded first are named again.
 *
 * @param options those of the process
 */
function threadOptions(options: readonly string[]): string[] {
  const loadedFirst = options.flatMap((option, i) =>
    option === '--import' ? [option, options[i + 1] ?? ''] : option.startsWith('--import=') ? [option] : [],
  );
  // Node 22 and the first ones of 24 call their SQLite experimental, once in each thread.
  return [...loadedFirst, '--disable-warning=ExperimentalWarning'];
}

/**
 * A client for a worker thread that works on a file. The thread performs numbered tasks and answers each once.
 * `Answers` maps each type of task to the type of its answer.
 *
 * A writing thread owns its file: if it dies, its last effects are unknown and the store is broken. A reading thread starts
 * with its first task, and restarts after it dies.
 */
export class TaskThread<Task extends { type: keyof Answers }, Answers> {
  readonly #place: ThreadPlace;
  /** Null for a thread that only reads. */
  readonly #onBroken: ((error: StoreBroken) => void) | null;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | null = null;
  #lastNumber = OPENING;
  #ended: StoreUnavailable | null = null;

  private constructor(place: ThreadPlace, onBroken: ((error: StoreBroken) => void) | null) {
    this.#place = place;
    this.#onBroken = onBroken;
  }

  /**
   * Starts a writing thread, which opens or creates the file.
   *
   * @param onBroken called once if the file can no longer be trusted
   * @throws StoreUnavailable if the file cannot be opened
   */
  static async writing<Task extends { type: keyof Answers }, Answers>(
    place: ThreadPlace,
    onBroken: (error: StoreBroken) => void,
  ): Promise<TaskThread<Task, Answers>> {
    const thread = new TaskThread<Task, Answers>(place, onBroken);
    await new Promise((resolve, reject) => {
      thread.#pending.set(OPENING, { resolve, reject });
      thread.#worker = thread.#start();
    });
    return thread;
  }

  /** Creates a client for a reading thread. The thread starts with its first task, which fails if the file cannot be opened. */
  static reading<Task extends { type: keyof Answers }, Answers>(
    place: ThreadPlace,
  ): TaskThread<Task, Answers> {
    return new TaskThread<Task, Answers>(place, null);
  }

  /**
   * Performs a task.
   *
   * @param signal cancels the task. The promise settles once the thread has ended it, or has performed it nevertheless
   * @throws StoreBusy if `MAX_PENDING_TASKS` are pending, StoreUnavailable if the task failed without effect, StoreBroken if
   *   its effect is unknown
   */
  do<T extends Task>(task: T, signal?: AbortSignal): Promise<Answers[T['type']]> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#pending.size >= MAX_PENDING_TASKS)
      return Promise.reject(
        new StoreBusy(`too many tasks are waiting for a store thread (${MAX_PENDING_TASKS})`),
      );
    const number = ++this.#lastNumber;
    const answer = new Promise<Answers[T['type']]>((resolve, reject) => {
      // The thread's answer has the type that `Answers` gives for the task's type.
      this.#pending.set(number, { resolve: resolve as Pending['resolve'], reject });
      this.#worker ??= this.#start();
      this.#post({ number, task });
    });
    if (signal === undefined) return answer;
    const cancel = () => this.#post({ cancel: number });
    signal.addEventListener('abort', cancel);
    return answer.finally(() => signal.removeEventListener('abort', cancel));
  }

  /** The reason why the file can no longer be trusted; null if it can. */
  get broken(): StoreBroken | null {
    return this.#ended instanceof StoreBroken ? this.#ended : null;
  }

  /** Closes the thread. A writing thread finishes its tasks first; the tasks of a reading thread are rejected. */
  async close(): Promise<void> {
    if (this.#ended !== null) return;
    this.#ended = new StoreUnavailable('the store is closed');
    const worker = this.#worker;
    if (worker === null) return;
    const exited = once(worker, 'exit');
    if (this.#onBroken === null) this.#rejectAll(this.#ended);
    this.#post({ close: true });
    // Nothing is lost with a reading thread.
    const late =
      this.#onBroken === null && this.#place.hasNativeWork !== true
        ? setTimeout(() => void worker.terminate(), CLOSING_READER_MS)
        : undefined;
    // A worker that fails while it ends has ended anyway.
    await exited.catch(() => undefined);
    clearTimeout(late);
  }

  #start(): Worker {
    const { file, script, limits, hasNativeWork } = this.#place;
    const hasClosed = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const workerData: ThreadData<object | undefined> = { file, limits, hasClosed };
    const worker = new Worker(script, { workerData, execArgv: threadOptions(process.execArgv) });
    if (hasNativeWork === true) {
      const beforeExit = () => {
        worker.postMessage({ close: true });
        Atomics.wait(hasClosed, 0, 0, NATIVE_WORK_MS);
      };
      process.once('exit', beforeExit);
      worker.once('exit', () => process.off('exit', beforeExit));
    }
    worker.on('message', (message: FromThread<unknown>) => this.#onMessage(worker, message));
    worker.on('error', (error) => this.#onEnd(worker, `a store thread failed: ${error.message}`));
    worker.on('exit', () => this.#onEnd(worker, 'a store thread exited'));
    return worker;
  }

  #onMessage(worker: Worker, message: FromThread<unknown>): void {
    const pending = this.#pending.get(message.number);
    this.#pending.delete(message.number);
    if ('answer' in message) pending?.resolve(message.answer);
    else this.#onFailure(worker, message, pending);
  }

  #onFailure(
    worker: Worker,
    { number, failed }: { number: number; failed: Failure },
    pending: Pending | undefined,
  ): void {
    const error = failureOf(failed);
    pending?.reject(error);
    if (number === OPENING) {
      // The thread opened nothing, so its end breaks nothing.
      this.#worker = null;
      this.#rejectAll(error);
      void worker.terminate();
    } else if (error instanceof StoreBroken) {
      this.#break(error);
    }
  }

  #onEnd(worker: Worker, message: string): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    if (this.#onBroken === null || this.#pending.has(OPENING)) this.#rejectAll(new StoreUnavailable(message));
    else this.#break(new StoreBroken(message));
  }

  /** Makes every task fail from now on, because the effects of the writing thread are unknown. */
  #break(error: StoreBroken): void {
    if (this.#onBroken === null) return;
    this.#rejectAll(error);
    if (this.#ended !== null) return;
    this.#ended = error;
    this.#onBroken(error);
  }

  #rejectAll(error: StoreUnavailable): void {
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }

  #post(message: ToThread<Task>): void {
    this.#worker?.postMessage(message);
  }
}

function failureOf({ broken, gone, message }: Failure): StoreUnavailable {
  if (gone) return new FilesGone(message);
  return broken ? new StoreBroken(message) : new StoreUnavailable(message);
}
