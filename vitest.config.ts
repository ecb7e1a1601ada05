import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['server/test/**/*.test.ts', 'tracker/test/**/*.test.ts'],
    globalSetup: ['server/test/support/build.ts', 'server/test/support/engines/setup.ts'],
    // Whole servers and child processes: more workers would only wait for each other's disk.
    maxWorkers: 2,
    // Generous, for machines that have much else to do; nothing waits for these.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
    allowOnly: false,
    // One machine at its limit should not stop a release; the report says which tests were tried again.
    retry: process.env.CI ? 1 : 0,
    // `.ci/run` sums the numbers of this file and of the browsers' tests.
    reporters: ['default', ['json', { outputFile: 'test-results/vitest.json' }]],
  },
});
