import type { AppendOutcome } from '../../contract/store.ts';
import type { TextUse } from '../../shared/text-budget.ts';
import { serveTasks } from '../../shared/threads/task-thread.ts';
import type { Batch, SpoolGroup, SpoolStats } from '../shipping.ts';
import { SpoolFile } from './file.ts';

/** A task for the spool's thread, which exists so that a slow disk never blocks the HTTP thread. */
export type SpoolTask =
  | { type: 'begin' }
  | { type: 'commit'; group: SpoolGroup; nextOrdinal: number }
  | { type: 'nextBatch' }
  | { type: 'release'; no: number };

/** The type of the answer to each task. */
export interface SpoolAnswers {
  begin: { nextOrdinal: number; stats: SpoolStats; textUse: TextUse[] };
  commit: { outcomes: AppendOutcome[]; stats: SpoolStats };
  nextBatch: Batch | null;
  release: SpoolStats;
}

function perform(file: SpoolFile, task: SpoolTask): SpoolAnswers[keyof SpoolAnswers] {
  switch (task.type) {
    case 'begin':
      return { nextOrdinal: file.nextOrdinal(), stats: file.stats(), textUse: file.textUse() };
    case 'commit':
      return { outcomes: file.commit(task.group, task.nextOrdinal), stats: file.stats() };
    case 'nextBatch':
      return file.nextBatch();
    case 'release':
      file.release(task.no);
      return file.stats();
  }
}

serveTasks((path) => {
  const file = new SpoolFile(path);
  return { perform: (task: SpoolTask) => perform(file, task), close: () => file.close() };
});
