import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GroupCommit } from '../src/store/group-commit.ts';
import { event } from './support/entries.ts';

/** When groups are committed: timers stand still unless a test moves them. */

const SENDERS = 16;

/** Notes how large the groups were, and makes each "durable" at once. */
function committing(): { commits: GroupCommit; groups: number[] } {
  const groups: number[] = [];
  const commits = new GroupCommit(async ({ entries }) => {
    groups.push(entries.length);
    return entries.map(() => 'stored');
  });
  return { commits, groups };
}

/** Lets everything happen that waits for no timer. */
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

  it('hold what came in one turn; a lone entry waits for nobody', async () => {
    const { commits, groups } = committing();
    await send(commits, 1);
    await send(commits, 3);
    await send(commits, 1);
    expect(groups).toEqual([1, 3, 1]);
  });

  it('end as soon as all senders are back who wait for their answers', async () => {
    const { commits, groups } = committing();
    for (let round = 0; round < 4; round++) await send(commits, SENDERS);
    expect(groups).toEqual([SENDERS, SENDERS, SENDERS, SENDERS]);
  });

  it('wait for senders who do not come back until the time is over, and for fewer of them each time', async () => {
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

  it('that wait are committed when the store closes', async () => {
    const { commits, groups } = committing();
    await send(commits, SENDERS);
    const waiting = send(commits, 5);
    await commits.close();
    await waiting;
    expect(groups).toEqual([SENDERS, 5]);
  });
});
