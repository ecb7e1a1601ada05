import { defineConfig } from '@playwright/test';
import type { Choice } from './support/fixtures.ts';

/** Real browsers against the built tracker and the built server. Run from the repository's root: `npm run test:e2e`. */
export default defineConfig<object, Choice>({
  testDir: '.',
  globalSetup: './support/global-setup.ts',
  outputDir: '../test-results/e2e',
  reporter: [['list'], ['json', { outputFile: '../test-results/e2e.json' }]],
  fullyParallel: true,
  workers: 2,
  forbidOnly: true,
  // Three browsers on two cores: a driver sometimes loses a command. What passed only then is named at the end of the run.
  retries: process.env.CI ? 2 : 0,
  timeout: 45_000,
  expect: { timeout: 15_000 },
  use: { video: 'off', screenshot: 'off', trace: 'off' },
  projects: [
    { name: 'chromium', use: { engineName: 'chromium' } },
    { name: 'firefox', use: { engineName: 'firefox' }, grepInvert: /@chromium/ },
    { name: 'webkit', use: { engineName: 'webkit' }, grepInvert: /@chromium/ },
  ],
});
