import { defineConfig } from '@playwright/test';
import chromium from './playwright.config.ts';
import type { Choice } from './support/fixtures.ts';

/**
 * Runs all tests that are not for Chromium only in Firefox and WebKit. Run from the repository's root: `npm run test:browsers`.
 */
export default defineConfig<object, Choice>({
  ...chromium,
  outputDir: '../test-results/browsers',
  reporter: [['list'], ['json', { outputFile: '../test-results/browsers.json' }]],
  grepInvert: /@chromium/,
  projects: [
    { name: 'firefox', use: { engineName: 'firefox' } },
    { name: 'webkit', use: { engineName: 'webkit' } },
  ],
});
