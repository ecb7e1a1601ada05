import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { FilesGone, StoreBroken, StoreUnavailable } from '../../contract/store.ts';

/** The number of the answer which says that the thread's file is open. Tasks have larger numbers. */
export const OPENING = 0;

/** A message from the HTTP thread to a thread that works on a file. `cancel` is the number of a task. */
export type ToThread<Task> = { number: number; task: Task } | { cancel: number } | { close: true };

/** A message from such a thread: first an answer with the number `OPENING`, then one answer to each task. */
export type FromThread<Answer> =
  | { number: number; answer: Answer | null }
  | { number: number; failed: Failure };

export interface Failure {
  /** Whether the file can no longer be trusted. */
  broken: boolean;
  /** Whether that is because it was deleted, moved or replaced. */
  gone: boolean;
  message: string;
}

/** What a thread is started with. */
export interface ThreadData<Limits> {
  file: string;
  limits: Limits;
  /** Becomes 1 when the thread has released everything. */
  hasClosed: Int32Array<SharedArrayBuffer>;
}

/** What a thread does with tasks. An asynchronous `perform` may be called again before it has finished. */
export interface TaskServer<Task, Answer> {
  /** @param signal aborts if the task's answer is not needed any more */
  perform(task: Task, signal: AbortSignal): Answer | Promise<Answer>;
  /** Makes tasks that are under way fail soon, including those that do not heed their signal. */
  stop?(): void;
  /** Releases everything. No task is under way any more. */
  close(): void;
}

/** Opens the thread's file, reports that, and performs incoming tasks. Does nothing in the process's main thread. */
export function serveTasks<Task, Answer, Limits = undefined>(open: Open<Task, Answer, Limits>): void {
  if (parentPort !== null) void serve(parentPort, open);
}

const CANCELED = new StoreUnavailable('the task was canceled');

interface UnderWay {
  ending: AbortController;
  done: Promise<void>;
}

type Open<Task, Answer, Limits> = (
  file: string,
  limits: Limits,
) => TaskServer<Task, Answer> | Promise<TaskServer<Task, Answer>>;

async function serve<Task, Answer, Limits>(
  port: MessagePort,
  open: Open<Task, Answer, Limits>,
): Promise<void> {
  const { file, limits, hasClosed } = workerData as ThreadData<Limits>; // as the client starts it
  const say = (message: FromThread<Answer>) => port.postMessage(message);
  let opened: TaskServer<Task, Answer>;
  try {
    opened = await open(file, limits);
  } catch (error) {
    say({ number: OPENING, failed: failureOf(error) });
    return;
  }
  const tasks = new Map<number, UnderWay>();
  let isClosing = false;
  /** Why the file can no longer be trusted. Tasks that are on their way must not touch it, before the process ends. */
  let broken: Failure | null = null;
  const perform = async (number: number, task: Task, signal: AbortSignal) => {
    try {
      if (broken === null) say({ number, answer: await opened.perform(task, signal) });
      else say({ number, failed: broken });
    } catch (error) {
      const failed = failureOf(error);
      // Files that are gone may be what still holds their last content.
      if (failed.broken && !failed.gone) broken = failed;
      say({ number, failed });
    }
    tasks.delete(number);
  };
  port.on('message', async (message: ToThread<Task>) => {
    if ('close' in message) {
      if (isClosing) return;
      isClosing = true;
      opened.stop?.();
      for (const { ending } of tasks.values()) ending.abort(CANCELED);
      await Promise.all([...tasks.values()].map(({ done }) => done));
      opened.close();
      port.close();
      Atomics.store(hasClosed, 0, 1);
      Atomics.notify(hasClosed, 0);
    } else if ('cancel' in message) {
      tasks.get(message.cancel)?.ending.abort(CANCELED);
    } else {
      const ending = new AbortController();
      const done = perform(message.number, message.task, ending.signal);
      tasks.set(message.number, { ending, done });
    }
  });
  say({ number: OPENING, answer: null });
}

function failureOf(error: unknown): Failure {
  return {
    broken: error instanceof StoreBroken,
    gone: error instanceof FilesGone,
    message: error instanceof Error ? error.message : String(error),
  };
}
