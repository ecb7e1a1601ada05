// A thread that answers each task with where a module of the program comes from.
import { serveTasks } from '../../src/store/shared/threads/task-thread.ts';

serveTasks(() => ({
  perform: () => import.meta.resolve('../../src/store/shared/threads/task-thread.ts'),
  close: () => undefined,
}));
