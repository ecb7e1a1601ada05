const PAUSE_MS = 20;

/**
 * Asks repeatedly until the answer is good, and returns it. It waits no longer than necessary; at the deadline the test fails
 * with the last answer.
 */
export async function until<T>(
  ask: () => T | Promise<T>,
  good: (answer: T) => boolean,
  deadlineMs = 60_000,
): Promise<T> {
  const start = performance.now();
  for (;;) {
    const answer = await ask();
    if (good(answer)) return answer;
    if (performance.now() - start > deadlineMs) {
      throw new Error(`not so after ${deadlineMs} ms; the last answer was ${JSON.stringify(answer)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
