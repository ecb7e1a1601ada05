import type { Agent } from 'node:http';
import { expect, onTestFinished } from 'vitest';
import { ERRORS } from '../../../src/domain/errors.ts';
import type { Site } from '../../../src/store/contract/store.ts';
import { type Answer, ask, keepAlive } from '../../support/http.ts';
import { pageHeaders } from '../../support/world.ts';

/** Pages in visitors' browsers, as the collector sees them. */

let made = 0;

/** Creates an event as a page of the site sends it. Each is different, unless the options say otherwise. */
export function beaconOf(
  site: Pick<Site, 'key' | 'domain'>,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  const id = `event-${process.pid}-${++made}`;
  return { key: site.key, id, url: `https://${site.domain}/${id}`, ...more };
}

/** Returns the path under which an event is stored. */
export function pathOf(beacon: Record<string, unknown>): string {
  return new URL(String(beacon.url)).pathname;
}

/** Returns the outcome of each beacon of a request: `stored`, `duplicate`, `bot` or the reason of a refusal. */
export function outcomesOf(answer: Answer): string[] {
  const said = answer.headers['x-attractos-outcome'];
  if (typeof said !== 'string')
    throw new Error(`an answer (${answer.status}) names no outcome: ${answer.text}`);
  return said.split(', ').map((one) => one.replace(/^refused; reason=/, ''));
}

/** Returns the outcome of a request with one beacon. */
export function outcomeOf(answer: Answer): string {
  const [outcome = '', ...others] = outcomesOf(answer);
  if (others.length > 0) throw new Error('there is more than one outcome');
  return outcome;
}

/** Asserts that the page can read a response, and that an error has a documented code. */
export function expectProperAnswer(answer: Answer): void {
  expect(answer.headers['access-control-allow-origin'], answer.text).toBe('*');
  expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
  if (answer.status < 400) return;
  const { error, code } = answer.json() as { error: unknown; code: keyof typeof ERRORS };
  expect(error, answer.text).toBeTypeOf('string');
  expect(ERRORS[code]?.status, answer.text).toBe(answer.status);
}

/** Returns an agent that keeps a few connections open. It is closed with the test. */
export function connections(count: number): Agent {
  const agent = keepAlive(count);
  onTestFinished(() => agent.destroy());
  return agent;
}

/** Posts a body as a page of the site does, unless the options say otherwise. */
export async function post(
  url: string,
  body: unknown,
  {
    headers = {},
    agent,
    origin = 'https://example.com',
  }: { headers?: Record<string, string>; agent?: Agent; origin?: string } = {},
): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return ask(url, {
    method: 'POST',
    path: '/e',
    headers: { ...pageHeaders(origin), 'content-length': Buffer.byteLength(text), ...headers },
    body: text,
    ...(agent === undefined ? {} : { agent }),
  });
}

/** Runs many tasks with a limited concurrency. */
export async function inParallel<T>(
  count: number,
  tasks: readonly T[],
  run: (task: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const work = async () => {
    for (let i = next++; i < tasks.length; i = next++) await run(tasks[i] as T, i);
  };
  await Promise.all(Array.from({ length: count }, work));
}

/** Counts of outcomes, by name. */
export class OutcomeCounts {
  readonly counts: Record<string, number> = {};

  add(name: string, count = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + count;
  }

  of(name: string): number {
    return this.counts[name] ?? 0;
  }

  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }
}
