import { defineConfig } from '@playwright/test';

/**
 * Builds real sites with the snippets of the install page and counts their views in Chromium. It needs the npm registry, so it is not
 * part of `npm test`. Run from the repository's root: `npm run test:frameworks`.
 */
export default defineConfig({
  testDir: './frameworks',
  globalSetup: './support/global-setup.ts',
  outputDir: '../test-results/frameworks',
  reporter: [['list'], ['json', { outputFile: '../test-results/frameworks.json' }]],
  fullyParallel: true,
  workers: 2,
  forbidOnly: true,
  retries: 0,
  // Installing and building take a minute or two, more on a slow connection.
  timeout: 900_000,
  expect: { timeout: 60_000 },
  use: { video: 'off', screenshot: 'off', trace: 'off' },
});
