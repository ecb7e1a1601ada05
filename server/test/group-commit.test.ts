import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GroupCommit } from '../src/store/shared/group-commit.ts';
import { event } from './support/entries.ts';

/** When groups are committed. Timers stand still unless a test advances them. */

const SENDERS = 16;

/** Returns a `GroupCommit` that records the sizes of its groups and acknowledges each at once. */
function committing(): { commits: GroupCommit; groups: number[] } {
  const groups: number[] = [];
  const commits = new GroupCommit(async ({ entries }) => {
    groups.push(entries.length);
    return entries.map(() => 'stored');
  });
  return { commits, groups };
}

/** Waits for everything that does not depend on a timer. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
}

function send(commits: GroupCommit, entries: number): Promise<unknown[]> {
  return Promise.all(Array.from({ length: entries }, () => commits.append(event())));
}

describe('groups of entries', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('contain the entries of one turn; a single entry does not wait', async () => {
    const { commits, groups } = committing();
    await send(commits, 1);
    await send(commits, 3);
    await send(commits, 1);
    expect(groups).toEqual([1, 3, 1]);
  });

  it('end as soon as all waiting senders are back', async () => {
    const { commits, groups } = committing();
    for (let round = 0; round < 4; round++) await send(commits, SENDERS);
    expect(groups).toEqual([SENDERS, SENDERS, SENDERS, SENDERS]);
  });

  it('wait for missing senders until the timeout, and for fewer each time', async () => {
    const { commits, groups } = committing();
    await send(commits, SENDERS);
    const fewer = send(commits, SENDERS - 2);
    await settled();
    expect(groups).toEqual([SENDERS]);
    await vi.advanceTimersByTimeAsync(5);
    await fewer;
    await send(commits, SENDERS - 1);
    expect(groups).toEqual([SENDERS, SENDERS - 2, SENDERS - 1]);
  });

  it('commits waiting entries when the store closes', async () => {
    const { commits, groups } = committing();
    await send(commits, SENDERS);
    const waiting = send(commits, 5);
    await commits.close();
    await waiting;
    expect(groups).toEqual([SENDERS, 5]);
  });
});
