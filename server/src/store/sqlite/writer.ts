import { parentPort, workerData } from 'node:worker_threads';
import { type AppendOutcome, StoreBroken } from '../store.ts';
import { type Batch, Committer } from './commit.ts';
import { type Database, openDatabase } from './driver.ts';
import { migrate } from './migrate.ts';
import { EVENT_MIGRATIONS } from './schema.ts';

/**
 * The writer's thread: the only connection that writes events, so that a slow disk never stops the thread that speaks
 * HTTP. It takes one batch at a time and answers each.
 */
export type ToWriter = { type: 'commit'; batch: Batch } | { type: 'close' };

export type FromWriter =
  | { type: 'ready' }
  | { type: 'committed'; outcomes: AppendOutcome[] }
  | { type: 'failed'; broken: boolean; message: string }
  | { type: 'closed' };

const CACHE_KIB = 64 * 1024;

function open(file: string): Database {
  const db = openDatabase(file, { cacheKib: CACHE_KIB });
  migrate(db, file, EVENT_MIGRATIONS);
  return db;
}

function serve(port: NonNullable<typeof parentPort>, file: string): void {
  const answer = (message: FromWriter) => port.postMessage(message);
  const failed = (error: unknown) =>
    answer({
      type: 'failed',
      broken: error instanceof StoreBroken,
      message: error instanceof Error ? error.message : String(error),
    });

  let db: Database;
  let committer: Committer;
  try {
    db = open(file);
    committer = new Committer(db);
  } catch (error) {
    failed(error);
    return;
  }

  port.on('message', (message: ToWriter) => {
    if (message.type === 'close') {
      db.close();
      answer({ type: 'closed' });
      port.close();
      return;
    }
    try {
      answer({ type: 'committed', outcomes: committer.commit(message.batch) });
    } catch (error) {
      failed(error);
    }
  });
  answer({ type: 'ready' });
}

if (parentPort !== null) serve(parentPort, (workerData as { file: string }).file);
