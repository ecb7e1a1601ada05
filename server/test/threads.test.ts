import { expect, it } from 'vitest';
import { TaskThread } from '../src/store/shared/threads/task-client.ts';

it('runs the built program in threads, which tests load through a module of their own', async () => {
  const script = new URL('support/where-thread.mjs', import.meta.url);
  const thread = TaskThread.reading<{ type: 'where' }, { where: string }>({ file: '', script });
  expect(await thread.do({ type: 'where' })).toMatch(/\/dist\/server\/src\/.*\/task-thread\.js$/);
  await thread.close();
});
