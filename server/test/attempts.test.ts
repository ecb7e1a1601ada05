import { describe, expect, it } from 'vitest';
import { Attempts } from '../src/attempts.ts';
import { NOON_MS } from './support/clock.ts';

/** What limits and throttles count by, where one process counts alone. */

const NAMES_MAX = 50_000;
const window = { limit: 10, atMs: NOON_MS, endsMs: NOON_MS + 1_000 };

describe('attempts', () => {
  it('are counted by name until the window ends, or until they are forgotten', async () => {
    const attempts = new Attempts(undefined);
    for (let i = 1; i <= 3; i++)
      expect(await attempts.add('ada', window)).toEqual({ attempts: i, endsMs: window.endsMs });
    expect(await attempts.add('grace', window)).toMatchObject({ attempts: 1 });
    await attempts.forget('ada', NOON_MS);
    expect(await attempts.add('ada', window)).toMatchObject({ attempts: 1 });
    const later = { limit: 10, atMs: window.endsMs, endsMs: window.endsMs + 1_000 };
    expect(await attempts.add('grace', later)).toEqual({ attempts: 1, endsMs: later.endsMs });
  });

  it('are told apart by names of any length', async () => {
    const attempts = new Attempts(undefined);
    const [one, other] = ['a', 'b'].map((end) => `login ${'x'.repeat(60_000)}${end}`);
    for (let i = 1; i <= 3; i++) expect(await attempts.add(one ?? '', window)).toMatchObject({ attempts: i });
    expect(await attempts.add(other ?? '', window)).toMatchObject({ attempts: 1 });
    await attempts.forget(one ?? '', NOON_MS);
    expect(await attempts.add(one ?? '', window)).toMatchObject({ attempts: 1 });
    expect(await attempts.add(other ?? '', window)).toMatchObject({ attempts: 2 });
  });

  it('of more names than are remembered push out those that tried least recently, and no others', async () => {
    const attempts = new Attempts(undefined);
    for (const name of ['first', 'second', 'first']) await attempts.add(name, window);
    for (let i = 0; i < NAMES_MAX - 1; i++) await attempts.add(`flood ${i}`, window);
    expect(await attempts.add('first', window)).toMatchObject({ attempts: 3 });
    expect(await attempts.add('second', window)).toMatchObject({ attempts: 1 });
  });
});
