import { parentPort, workerData } from 'node:worker_threads';
import { Committer } from './commit.ts';
import { type Database, openDatabase } from './driver.ts';
import type { SealPart } from './facets.ts';
import { migrate } from './migrate.ts';
import { type PackedBatch, unpack } from './packed-batch.ts';
import { EVENT_MIGRATIONS } from './schema.ts';
import { serveTasks } from './task-thread.ts';

/**
 * The writer's thread: the only connection that writes events, so that a slow disk never stops the thread that speaks
 * HTTP. It takes one batch at a time and answers each.
 */
export type Task =
  | { type: 'commit'; batch: PackedBatch }
  | { type: 'expire'; siteId: string; beforeMs: number }
  | { type: 'remove'; siteId: string }
  | { type: 'seal'; part: SealPart }
  | { type: 'watch-texts' }
  | { type: 'forget-texts'; ids: readonly number[] }
  | { type: 'unwatch-texts' }
  | { type: 'probe' };

/** What each task answers. */
export interface Answers {
  /** The places of those entries that were duplicates. */
  commit: number[];
  /** Rows deleted, and whether there are more to delete. */
  expire: { deleted: number; more: boolean };
  remove: { deleted: number; more: boolean };
  seal: null;
  /** The number below which texts may be deleted while they are watched. */
  'watch-texts': number;
  /** Texts deleted. */
  'forget-texts': number;
  'unwatch-texts': null;
  probe: null;
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
      return committer.commit(unpack(task.batch));
    case 'expire':
      return committer.expire(task.siteId, task.beforeMs);
    case 'remove':
      return committer.remove(task.siteId);
    case 'seal':
      committer.seal(task.part);
      return null;
    case 'watch-texts':
      return committer.watchTexts();
    case 'forget-texts':
      return committer.forgetTexts(task.ids);
    case 'unwatch-texts':
      committer.unwatchTexts();
      return null;
    case 'probe':
      committer.probe();
      return null;
  }
}

if (parentPort !== null) {
  serveTasks(parentPort, () => {
    const db = open((workerData as { file: string }).file);
    const committer = new Committer(db);
    return { perform: (task: Task) => perform(committer, task), close: () => db.close() };
  });
}
