import type { StoreBroken } from '../store.ts';
import { TaskThread } from './task-client.ts';
import type { Answers, Task } from './writer.ts';

/** The writer's thread, as seen from the thread that speaks HTTP. */
export type WriterClient = TaskThread<Task, Answers>;

/** Starts the thread, which opens or creates the file. @throws StoreUnavailable where it cannot */
export function startWriter(file: string, onBroken: (error: StoreBroken) => void): Promise<WriterClient> {
  return TaskThread.start<Task, Answers>({ file, script: 'writer' }, onBroken);
}
