import { parentPort, workerData } from 'node:worker_threads';
import type { Batch, SpoolGroup, SpoolStats } from '../../shipping.ts';
import type { AppendOutcome } from '../../store.ts';
import { serveTasks } from '../task-thread.ts';
import { SpoolFile } from './file.ts';

/** The spool's thread, so that a slow disk never stops the thread that speaks HTTP. */
export type SpoolTask =
  | { type: 'begin' }
  | { type: 'commit'; group: SpoolGroup; nextOrdinal: number }
  | { type: 'nextBatch' }
  | { type: 'release'; no: number }
  | { type: 'probe' };

/** What each task answers. */
export interface SpoolAnswers {
  begin: { nextOrdinal: number; stats: SpoolStats };
  commit: { outcomes: AppendOutcome[]; stats: SpoolStats };
  nextBatch: Batch | null;
  release: SpoolStats;
  probe: null;
}

function perform(file: SpoolFile, task: SpoolTask): SpoolAnswers[keyof SpoolAnswers] {
  switch (task.type) {
    case 'begin':
      return { nextOrdinal: file.nextOrdinal(), stats: file.stats() };
    case 'commit':
      return { outcomes: file.commit(task.group, task.nextOrdinal), stats: file.stats() };
    case 'nextBatch':
      return file.nextBatch();
    case 'release':
      file.release(task.no);
      return file.stats();
    case 'probe':
      file.probe();
      return null;
  }
}

if (parentPort !== null) {
  serveTasks(parentPort, () => {
    const file = new SpoolFile((workerData as { file: string }).file);
    return { perform: (task: SpoolTask) => perform(file, task), close: () => file.close() };
  });
}
