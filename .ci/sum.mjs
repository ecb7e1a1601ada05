// Adds up the results of all runners, for `.ci/run`: node .ci/sum.mjs [FAILED STEP]…
import { readFileSync } from 'node:fs';

const FILES = ['unit', 'chromium', 'faults', 'engines', 'browsers'];

/**
 * Reads passed and failed tests from the JSON of Vitest or Playwright. A test that passed only on retry has failed. A file
 * whose hook or import failed is one failure: Vitest calls its tests skipped.
 */
function numbersOf(file) {
  const { stats, errors = [], ...vitest } = JSON.parse(readFileSync(file, 'utf8'));
  if (stats !== undefined)
    return { passed: stats.expected, failed: stats.unexpected + stats.flaky + errors.length };
  const broken = vitest.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  );
  return { passed: vitest.numPassedTests, failed: vitest.numFailedTests + broken.length };
}

const failedSteps = process.argv.slice(2);
// The smoke test writes no file.
let [passed, failed] = failedSteps.includes('smoke') ? [0, 1] : [1, 0];
for (const name of FILES) {
  try {
    const numbers = numbersOf(`test-results/${name}.json`);
    console.log(`${name}: ${numbers.passed} passed, ${numbers.failed} failed`);
    passed += numbers.passed;
    failed += numbers.failed;
  } catch (error) {
    console.log(`${name} did not finish: ${error.message}`);
    failed++;
  }
}
if (failedSteps.length > 0) console.log(`Failed: ${failedSteps.join(', ')}`);
// A step without a result file, such as types or lint, or a runner itself.
if (failed === 0) failed = failedSteps.length;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
