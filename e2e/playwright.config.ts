import { defineConfig } from '@playwright/test';
import type { Choice } from './support/fixtures.ts';

/** Chromium against the built tracker and the built server. Run from the repository's root: `npm run test:e2e`. */
export default defineConfig<object, Choice>({
  testDir: '.',
  // These have a configuration of their own.
  testIgnore: 'frameworks/**',
  globalSetup: './support/global-setup.ts',
  outputDir: '../test-results/chromium',
  reporter: [['list'], ['json', { outputFile: '../test-results/chromium.json' }]],
  fullyParallel: true,
  workers: 2,
  forbidOnly: true,
  // Flaky tests are fixed, not retried.
  retries: 0,
  // Generous for busy machines; no test waits this long.
  timeout: 240_000,
  expect: { timeout: 60_000 },
  use: { video: 'off', screenshot: 'off', trace: 'off' },
  projects: [{ name: 'chromium', use: { engineName: 'chromium' } }],
});
