import { type Database, openDatabase } from '../../drivers/sqlite.ts';
import type { Mark } from '../../drivers/sqlite-mark.ts';
import { migrate } from '../../drivers/sqlite-migrate.ts';
import type { TextUse } from '../../shared/text-budget.ts';
import { serveTasks } from '../../shared/threads/task-thread.ts';
import { EVENT_MIGRATIONS } from '../tables/schema.ts';
import type { WrittenSegment } from '../tables/segments.ts';
import { Committer } from './commit.ts';
import { type PackedBatch, unpack } from './packed-batch.ts';

/**
 * A task for the writer's thread. That thread has the only connection that writes events, so that a slow disk never blocks
 * the HTTP thread. It performs one task at a time and answers each.
 */
export type Task =
  | { type: 'commit'; batch: PackedBatch }
  | { type: 'expire'; siteId: string; beforeMs: number }
  | { type: 'remove'; siteId: string }
  | { type: 'name-segment'; segment: WrittenSegment }
  | { type: 'forget-unused-segments' }
  | { type: 'archive'; beforeDay: number }
  | { type: 'clear-archived'; afterSite: number }
  | { type: 'watch-texts' }
  | { type: 'forget-texts'; ids: readonly number[] }
  | { type: 'unwatch-texts' }
  | { type: 'mark'; mark: Mark }
  | { type: 'check-files' }
  | { type: 'take-lacking-commits' }
  | { type: 'text-use' };

/** The type of the answer to each task. */
export interface Answers {
  /** The positions of entries that were duplicates. */
  commit: number[];
  /** The number of rows deleted, and whether there are more to delete. */
  expire: { deleted: number; more: boolean };
  remove: { deleted: number; more: boolean };
  'name-segment': null;
  'forget-unused-segments': null;
  /** The day before which all days are archived now. */
  archive: number;
  /** The number of rows deleted, and the site after which to go on; null if no rows are left. */
  'clear-archived': { deleted: number; next: number | null };
  /** The id below which strings may be deleted during the watch. */
  'watch-texts': number;
  /** The number of strings deleted. */
  'forget-texts': number;
  'unwatch-texts': null;
  mark: null;
  'check-files': null;
  /** The number of commits of events that the file lacks. */
  'take-lacking-commits': number;
  'text-use': TextUse[];
}

const CACHE_KIB = 64 * 1024;

function open(file: string): Database {
  const db = openDatabase(file, { cacheKib: CACHE_KIB });
  migrate(db, file, EVENT_MIGRATIONS);
  completeCheckpoint(db);
  return db;
}

/**
 * Completes a checkpoint that a full disk has cut short. Until then, the file is damaged without its log, as if another one had
 * been copied over it.
 */
function completeCheckpoint(db: Database): void {
  try {
    db.exec('PRAGMA wal_checkpoint(PASSIVE)');
  } catch {
    // The disk is still full, which commits report. A later checkpoint completes it.
  }
}

function perform(committer: Committer, task: Task): Answers[keyof Answers] {
  switch (task.type) {
    case 'commit':
      return committer.commit(unpack(task.batch));
    case 'expire':
      return committer.expire(task.siteId, task.beforeMs);
    case 'remove':
      return committer.remove(task.siteId);
    case 'name-segment':
      committer.nameSegment(task.segment);
      return null;
    case 'forget-unused-segments':
      committer.forgetUnusedSegments();
      return null;
    case 'archive':
      return committer.archive(task.beforeDay);
    case 'clear-archived':
      return committer.clearArchived(task.afterSite);
    case 'watch-texts':
      return committer.watchTexts();
    case 'forget-texts':
      return committer.forgetTexts(task.ids);
    case 'unwatch-texts':
      committer.unwatchTexts();
      return null;
    case 'mark':
      committer.mark(task.mark);
      return null;
    case 'take-lacking-commits':
      return committer.takeLackingCommits();
    case 'text-use':
      return committer.textUse();
    case 'check-files':
      committer.checkFiles();
      return null;
  }
}

serveTasks((file) => {
  const db = open(file);
  const committer = new Committer(db);
  const close = () => {
    committer.close();
    db.close();
  };
  return { perform: (task: Task) => perform(committer, task), close };
});
