import { defineConfig } from 'vitest/config';

const BUILD = 'server/test/support/build.ts';
const BUILT_THREADS = new URL('server/test/support/built-threads.mjs', import.meta.url).href;

/** Settings of every suite. Timeouts are generous, for busy machines; no test waits for one. */
const common = {
  ...{ testTimeout: 60_000, hookTimeout: 60_000, expect: { poll: { timeout: 15_000 } } },
  execArgv: ['--import', BUILT_THREADS],
};

/** Three suites, by folder: `npm test` runs `unit`, `npm run test:faults` and `npm run test:engines` run the others. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
          include: ['server/test/*.test.ts', 'tracker/test/*.test.ts'],
          globalSetup: [BUILD],
        },
      },
      {
        test: { ...common, name: 'faults', include: ['server/test/faults/*.test.ts'], globalSetup: [BUILD] },
      },
      {
        test: {
          ...common,
          name: 'engines',
          include: ['server/test/engines/*.test.ts'],
          globalSetup: [BUILD, 'server/test/support/engines/setup.ts'],
        },
      },
    ],
    // Tests start servers and child processes. More workers would only compete for the disk.
    maxWorkers: 2,
    allowOnly: false,
    // `.ci/run` adds these up. The script of each suite names its own file.
    reporters: ['default', 'json'],
    outputFile: { json: 'test-results/vitest.json' },
  },
});
