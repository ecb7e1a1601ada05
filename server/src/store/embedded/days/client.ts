import type { ReportLimits } from '../../contract/store.ts';
import { TaskThread, threadModule } from '../../shared/threads/task-client.ts';
import type { Answers, Maintenance, Question } from './thread.ts';

/** The thread that answers long questions, as the HTTP thread sees it. */
export type DaysClient = TaskThread<Question | Maintenance, Answers>;

export function startDays(file: string, limits: ReportLimits): DaysClient {
  return TaskThread.reading<Question | Maintenance, Answers>({
    ...{ file, limits, hasNativeWork: true },
    script: threadModule('thread', import.meta.url),
  });
}
