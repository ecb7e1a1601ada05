import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { StoreBusy, StoreUnavailable } from '../../store.ts';
import type { Answers, FromReader, Question } from './thread.ts';

/** Questions that may wait, the one that is worked on included. */
const QUEUE_QUESTIONS = 200;

interface Pending {
  resolve(answer: Answers[keyof Answers]): void;
  reject(error: StoreUnavailable): void;
}

/** The reader's thread, as seen from the thread that speaks HTTP. Started with the first question, and anew if it dies. */
export class ReaderClient {
  readonly #file: string;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | null = null;
  #lastNumber = 0;
  #closed = false;

  constructor(file: string) {
    this.#file = file;
  }

  /** @throws StoreBusy when too many questions wait, StoreUnavailable when this one could not be answered */
  ask<Q extends Question>(question: Q): Promise<Answers[Q['type']]> {
    if (this.#closed) return Promise.reject(new StoreUnavailable('the store is closed'));
    if (this.#pending.size >= QUEUE_QUESTIONS)
      return Promise.reject(new StoreBusy(`${QUEUE_QUESTIONS} questions are waiting for an answer`));
    return new Promise((resolve, reject) => {
      const number = ++this.#lastNumber;
      // The reader answers a question with what `Answers` names for its type.
      this.#pending.set(number, { resolve: resolve as Pending['resolve'], reject });
      this.#worker ??= this.#start();
      this.#worker.postMessage({ number, question });
    });
  }

  /** Lets the question under way finish, and rejects what waits behind it. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const worker = this.#worker;
    this.#rejectAll('the store is closed');
    if (worker === null) return;
    const gone = once(worker, 'exit');
    await worker.terminate();
    await gone.catch(() => undefined);
  }

  #start(): Worker {
    // Run from source (tests) and built alike.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./thread.${extension}`, import.meta.url), {
      workerData: { file: this.#file },
    });
    worker.on('message', (message: FromReader) => this.#onMessage(message));
    worker.on('error', (error) => this.#onEnd(worker, `the reader's thread died: ${error.message}`));
    worker.on('exit', () => this.#onEnd(worker, "the reader's thread ended"));
    return worker;
  }

  #onMessage(message: FromReader): void {
    const pending = this.#pending.get(message.number);
    this.#pending.delete(message.number);
    if ('failed' in message) pending?.reject(new StoreUnavailable(message.failed));
    else pending?.resolve(message.answer);
  }

  #onEnd(worker: Worker, message: string): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    this.#rejectAll(message);
  }

  #rejectAll(message: string): void {
    for (const { reject } of this.#pending.values()) reject(new StoreUnavailable(message));
    this.#pending.clear();
  }
}
