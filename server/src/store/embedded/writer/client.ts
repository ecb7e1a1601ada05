import type { StoreBroken } from '../../contract/store.ts';
import { TaskThread, threadModule } from '../../shared/threads/task-client.ts';
import type { Answers, Task } from './writer.ts';

/** The HTTP thread's client for the writer's thread. */
export type WriterClient = TaskThread<Task, Answers>;

/** Starts the writer's thread, which opens or creates the file. @throws StoreUnavailable if it cannot */
export function startWriter(file: string, onBroken: (error: StoreBroken) => void): Promise<WriterClient> {
  return TaskThread.writing<Task, Answers>(
    { file, script: threadModule('writer', import.meta.url) },
    onBroken,
  );
}
