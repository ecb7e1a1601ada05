import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { SECOND_MS } from '../src/domain/clock.ts';
import { StoreUnavailable } from '../src/store/contract/store.ts';
import { GroupCommit } from '../src/store/shared/group-commit.ts';
import { TextBudgets } from '../src/store/shared/text-budget.ts';
import { NOON_MS } from './support/clock.ts';
import { event, refusal } from './support/entries.ts';

/** When groups are committed. Timers stand still unless a test advances them. */

const SENDERS = 16;

const amply = () => new TextBudgets({ texts: 1_000, bytes: 1_000_000 });

/** Returns a `GroupCommit` that records the sizes of its groups and acknowledges each at once. */
function committing(): { commits: GroupCommit; groups: number[] } {
  const groups: number[] = [];
  const commits = new GroupCommit(
    async ({ entries }) => {
      groups.push(entries.length);
      return entries.map(() => 'stored');
    },
    {
      texts: amply(),
      disk: { complaint: null, onChange: () => undefined, requireRoom: async () => undefined },
    },
  );
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

describe('a disk on which commits fail', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is reported once, and once when a commit has succeeded and there is room for more', async () => {
    const disk = { isFull: false, hasRoom: true };
    const commits = new GroupCommit(
      async ({ entries }) => {
        if (disk.isFull) throw new StoreUnavailable('database or disk is full');
        return entries.map(() => 'stored');
      },
      {
        texts: amply(),
        disk: {
          complaint: null,
          onChange: () => undefined,
          async requireRoom() {
            if (!disk.hasRoom) throw new Error('no room');
          },
        },
      },
    );
    onTestFinished(() => commits.close());
    const reports: (string | null)[] = [];
    commits.onOutage((error) => reports.push(error));
    const sendOne = () => commits.append(event()).catch(() => commits.refuse(refused));
    const refused = refusal({ reason: 'unavailable', receivedAtMs: NOON_MS });
    const later = () => vi.advanceTimersByTimeAsync(SECOND_MS);
    expect(await sendOne()).toBe('stored');
    expect(commits.complaint).toBeNull();

    Object.assign(disk, { isFull: true, hasRoom: false });
    for (let n = 0; n < 3; n++) await sendOne();
    await later();
    await sendOne();
    expect(reports).toEqual(['database or disk is full']);
    expect(commits.refusedInOutage(refused.siteId)).toEqual({ sinceMs: NOON_MS, events: 4 });
    expect(commits.refusedInOutage('site_another')).toBeNull();

    // Now and then, something small can be written.
    disk.isFull = false;
    expect(await sendOne()).toBe('stored');
    await later();
    disk.isFull = true;
    await sendOne();
    await later();
    expect(reports).toHaveLength(1);
    expect(commits.complaint).not.toBeNull();

    // No event arrives, because load balancers send none.
    Object.assign(disk, { isFull: false, hasRoom: true });
    expect(commits.complaint).not.toBeNull();
    await later();
    expect(reports).toEqual(['database or disk is full', null]);
    expect(commits.complaint).toBeNull();
    expect(commits.refusedInOutage(refused.siteId)).toBeNull();
  });
});
