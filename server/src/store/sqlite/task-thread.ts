import type { MessagePort } from 'node:worker_threads';
import { StoreBroken } from '../store.ts';

/** What goes between a thread that owns a file and the thread that speaks HTTP. One answer to each task, in order. */
export type ToThread<Task> = { number: number; task: Task } | { close: true };

export type FromThread<Answer> =
  | { ready: true }
  | { number: number; answer: Answer }
  | { number: number; failed: Failure };

export interface Failure {
  /** The files can no longer be trusted. */
  broken: boolean;
  message: string;
}

/** Opens the thread's file, says so, and performs the tasks that come. */
export function serveTasks<Task, Answer>(
  port: MessagePort,
  open: () => { perform(task: Task): Answer; close(): void },
): void {
  const say = (message: FromThread<Answer>) => port.postMessage(message);
  let opened: ReturnType<typeof open>;
  try {
    opened = open();
  } catch (error) {
    say({ number: 0, failed: failureOf(error) });
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
  say({ ready: true });
}

function failureOf(error: unknown): Failure {
  return {
    broken: error instanceof StoreBroken,
    message: error instanceof Error ? error.message : String(error),
  };
}
