// Adds up the results of all runners, for `.ci/run`, and repeats what failed: node .ci/sum.mjs [FAILED STEP]… -- [SKIPPED STEP]…
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

const FILES = ['unit', 'chromium', 'faults', 'engines', 'browsers'];
/** Limits on what is repeated of failures, so that the end of the output has all that matters. */
const FAILURES_MAX = 10;
const MESSAGE_LINES_MAX = 8;
const LINE_CHARACTERS_MAX = 200;

/**
 * Reads the number of passed tests, and the failures, from the JSON of Vitest. A file whose hook or import failed is one
 * failure: Vitest calls its tests skipped. Suites print themselves what they skip, and why.
 */
function fromVitest({ numPassedTests, testResults }) {
  const failures = testResults.flatMap(({ name, status, message, assertionResults }) => {
    const failed = assertionResults.filter((test) => test.status === 'failed');
    if (failed.length > 0)
      return failed.map((test) => ({
        name: `${name}: ${test.fullName}`,
        message: test.failureMessages.join('\n'),
      }));
    return status === 'failed' ? [{ name, message }] : [];
  });
  return { passed: numPassedTests, failures, reasonsToSkip: [] };
}

/** Reads the same from the JSON of Playwright. A test that passed only on retry has failed. */
function fromPlaywright({ stats, suites, errors }) {
  const specsOf = ({ specs = [], suites = [] }) => [...specs, ...suites.flatMap(specsOf)];
  const tests = suites
    .flatMap(specsOf)
    .flatMap(({ file, title, tests }) => tests.map((test) => ({ ...test, name: `${file}: ${title}` })));
  const failed = tests
    .filter(({ status }) => status === 'unexpected' || status === 'flaky')
    .map(({ name, projectName, results }) => ({
      name: `${name} (${projectName})`,
      message: results.flatMap((result) => result.errors.map((error) => error.message)).join('\n'),
    }));
  return {
    passed: stats.expected,
    failures: [...failed, ...errors.map(({ message }) => ({ name: 'the runner', message }))],
    reasonsToSkip: tests.flatMap(({ annotations }) =>
      annotations.filter(({ type }) => type === 'skip').map(({ description }) => description),
    ),
  };
}

function resultsOf(name) {
  const results = JSON.parse(readFileSync(`test-results/${name}.json`, 'utf8'));
  return results.stats === undefined ? fromVitest(results) : fromPlaywright(results);
}

/** Returns the first lines of a message, shortened. */
function beginningOf(message) {
  const lines = stripVTControlCharacters(message ?? '').split('\n');
  return lines.slice(0, MESSAGE_LINES_MAX).map((line) => `  ${line.slice(0, LINE_CHARACTERS_MAX)}`);
}

const steps = process.argv.slice(2);
const end = steps.indexOf('--');
const [failedSteps, skippedSteps] = [steps.slice(0, end), steps.slice(end + 1)];
// The smoke test writes no file.
let [passed, failed] = failedSteps.includes('smoke') ? [0, 1] : [1, 0];
for (const name of FILES) {
  if (skippedSteps.includes(name)) {
    console.log(`${name}: not run, for lack of time`);
    continue;
  }
  try {
    const { passed: passedHere, failures, reasonsToSkip } = resultsOf(name);
    for (const failure of failures.slice(0, FAILURES_MAX))
      console.log([`FAILED ${failure.name}`, ...beginningOf(failure.message)].join('\n'));
    console.log(`${name}: ${passedHere} passed, ${failures.length} failed`);
    for (const reason of new Set(reasonsToSkip))
      console.log(`${name}: ${reasonsToSkip.filter((it) => it === reason).length} skipped: ${reason}`);
    passed += passedHere;
    failed += failures.length;
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
