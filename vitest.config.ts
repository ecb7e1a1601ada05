import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const BUILD = 'server/test/support/build.ts';
const BUILT_THREADS = new URL('server/test/support/built-threads.mjs', import.meta.url).href;

/** The files that take minutes. They begin first, so that none of them runs alone at the end. */
const LONG =
  /\/(reports|cli|day-files|sealing|installation|scale-out|clickhouse-(reports|open-days|changed-days|today))\.test\.ts$/;

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => LONG.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/** Settings of every suite. Timeouts are generous, for busy machines; no test waits for one. */
const common = {
  ...{ testTimeout: 120_000, hookTimeout: 120_000, expect: { poll: { timeout: 60_000, interval: 20 } } },
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
    sequence: { sequencer: LongFirst },
    allowOnly: false,
    // `.ci/run` adds these up. The script of each suite names its own file.
    reporters: ['default', 'json'],
    outputFile: { json: 'test-results/vitest.json' },
  },
});
