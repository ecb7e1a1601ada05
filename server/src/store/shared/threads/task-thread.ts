import { parentPort, workerData } from 'node:worker_threads';
import { StoreBroken } from '../../contract/store.ts';

/** The number of the answer which says that the thread's file is open. Tasks have larger numbers. */
export const OPENING = 0;

/** A message from the HTTP thread to a thread that works on a file. */
export type ToThread<Task> = { number: number; task: Task } | { close: true };

/** A message from such a thread: first an answer with the number `OPENING`, then one answer to each task, in order. */
export type FromThread<Answer> =
  | { number: number; answer: Answer | null }
  | { number: number; failed: Failure };

export interface Failure {
  /** Whether the file can no longer be trusted. */
  broken: boolean;
  message: string;
}

/** Opens the thread's file, reports that, and performs incoming tasks. Does nothing in the process's main thread. */
export function serveTasks<Task, Answer>(
  open: (file: string) => { perform(task: Task): Answer; close(): void },
): void {
  if (parentPort === null) return;
  const port = parentPort;
  const say = (message: FromThread<Answer>) => port.postMessage(message);
  let opened: ReturnType<typeof open>;
  try {
    opened = open((workerData as { file: string }).file);
  } catch (error) {
    say({ number: OPENING, failed: failureOf(error) });
    return;
  }
  port.on('message', (message: ToThread<Task>) => {
    if ('close' in message) {
      opened.close();
      port.close();
      return;
    }
    const { number, task } = message;
    try {
      say({ number, answer: opened.perform(task) });
    } catch (error) {
      say({ number, failed: failureOf(error) });
    }
  });
  say({ number: OPENING, answer: null });
}

function failureOf(error: unknown): Failure {
  return {
    broken: error instanceof StoreBroken,
    message: error instanceof Error ? error.message : String(error),
  };
}
