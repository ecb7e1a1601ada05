import type { Agent } from 'node:http';
import { expect, onTestFinished } from 'vitest';
import { ERRORS } from '../../../src/errors.ts';
import type { Site } from '../../../src/store/store.ts';
import { type Answer, ask, keepAlive } from '../../support/http.ts';
import { pageHeaders } from '../../support/world.ts';

/** Pages in people's browsers, as the collector sees them. */

let made = 0;

/** An event as a page of the site sends it; no two are alike unless told so. */
export function beaconOf(
  site: Pick<Site, 'key' | 'domain'>,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  const id = `event-${process.pid}-${++made}`;
  return { key: site.key, id, url: `https://${site.domain}/${id}`, ...more };
}

/** The path under which an event is stored. */
export function pathOf(beacon: Record<string, unknown>): string {
  return new URL(String(beacon.url)).pathname;
}

/** What the collector says became of a request: one word a beacon, `stored`, `duplicate`, `bot` or the reason of a refusal. */
export function outcomesOf(answer: Answer): string[] {
  const said = answer.headers['x-attractos-outcome'];
  if (typeof said !== 'string')
    throw new Error(`an answer (${answer.status}) names no outcome: ${answer.text}`);
  return said.split(', ').map((one) => one.replace(/^refused; reason=/, ''));
}

/** The one outcome of a request with one beacon. */
export function outcomeOf(answer: Answer): string {
  const [outcome = '', ...others] = outcomesOf(answer);
  if (others.length > 0) throw new Error('there is more than one outcome');
  return outcome;
}

/** Every answer of the collector is readable by the page, and every error is one of the closed table. */
export function expectProperAnswer(answer: Answer): void {
  expect(answer.headers['access-control-allow-origin'], answer.text).toBe('*');
  expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
  if (answer.status < 400) return;
  const { error, code } = answer.json() as { error: unknown; code: keyof typeof ERRORS };
  expect(error, answer.text).toBeTypeOf('string');
  expect(ERRORS[code]?.status, answer.text).toBe(answer.status);
}

/** A few connections that are kept open, closed with the test. */
export function connections(count: number): Agent {
  const agent = keepAlive(count);
  onTestFinished(() => agent.destroy());
  return agent;
}

/** Posts a body the way a page at the site does, unless told otherwise. */
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

/** Runs many tasks, a bounded number at a time. */
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

/** Counts by name. */
export class Tally {
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
