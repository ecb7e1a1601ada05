import { TaskThread, threadModule } from '../../shared/threads/task-client.ts';
import type { Answers, Question } from './thread.ts';

/** The thread that answers long questions, as the HTTP thread sees it. */
export type ReportsClient = TaskThread<Question, Answers>;

export function startReports(file: string): ReportsClient {
  return TaskThread.reading<Question, Answers>({ file, script: threadModule('thread', import.meta.url) });
}
