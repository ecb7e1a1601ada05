import { parentPort, workerData } from 'node:worker_threads';
import { type AppendOutcome, StoreBroken } from '../store.ts';
import { type Batch, Committer } from './commit.ts';
import { type Database, openDatabase } from './driver.ts';
import type { SealPart } from './facets.ts';
import { migrate } from './migrate.ts';
import { EVENT_MIGRATIONS } from './schema.ts';

/**
 * The writer's thread: the only connection that writes events, so that a slow disk never stops the thread that speaks
 * HTTP. It takes one batch at a time and answers each.
 */
export type Task =
  | { type: 'commit'; batch: Batch }
  | { type: 'expire'; siteId: string; beforeMs: number }
  | { type: 'seal'; part: SealPart }
  | { type: 'probe' };

/** What each task answers. */
export interface Answers {
  commit: AppendOutcome[];
  /** Rows deleted, and whether there are more to delete. */
  expire: { deleted: number; more: boolean };
  seal: null;
  probe: null;
}

export type ToWriter = { number: number; task: Task } | { close: true };

export type FromWriter =
  | { ready: true }
  | { number: number; answer: Answers[keyof Answers] }
  | { number: number; failed: Failure };

export interface Failure {
  /** The files can no longer be trusted. */
  broken: boolean;
  message: string;
}

const CACHE_KIB = 64 * 1024;

function open(file: string): Database {
  const db = openDatabase(file, { cacheKib: CACHE_KIB });
  migrate(db, file, EVENT_MIGRATIONS);
  return db;
}

function perform(committer: Committer, task: Task): Answers[keyof Answers] {
  switch (task.type) {
    case 'commit':
      return committer.commit(task.batch);
    case 'expire':
      return committer.expire(task.siteId, task.beforeMs);
    case 'seal':
      committer.seal(task.part);
      return null;
    case 'probe':
      committer.probe();
      return null;
  }
}

function failureOf(error: unknown): Failure {
  return {
    broken: error instanceof StoreBroken,
    message: error instanceof Error ? error.message : String(error),
  };
}

function serve(port: NonNullable<typeof parentPort>, file: string): void {
  const say = (message: FromWriter) => port.postMessage(message);

  let db: Database;
  let committer: Committer;
  try {
    db = open(file);
    committer = new Committer(db);
  } catch (error) {
    say({ number: 0, failed: failureOf(error) });
    return;
  }

  port.on('message', (message: ToWriter) => {
    if ('close' in message) {
      db.close();
      port.close();
      return;
    }
    const { number, task } = message;
    try {
      say({ number, answer: perform(committer, task) });
    } catch (error) {
      say({ number, failed: failureOf(error) });
    }
  });
  say({ ready: true });
}

if (parentPort !== null) serve(parentPort, (workerData as { file: string }).file);
