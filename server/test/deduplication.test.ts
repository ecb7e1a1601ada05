import { describe, expect, it } from 'vitest';
import { type Database, transaction } from '../src/store/drivers/sqlite.ts';
import { Deduplication } from '../src/store/embedded/writer/deduplication.ts';
import { KeyTable } from '../src/store/embedded/writer/key-table.ts';
import { openEventFile } from './support/event-file.ts';

const SITE = 'site_a';
const DAY = 20_000;

/** Commits the ids of a day. @returns which of them were new */
function commit(
  db: Database,
  ids: Deduplication,
  {
    day,
    of,
    forgetBeforeDay = 0,
    fail = false,
  }: { day: number; of: string[]; forgetBeforeDay?: number; fail?: boolean },
): boolean[] {
  try {
    const firstTimes = transaction(db, () => {
      ids.begin(of.length);
      const results = of.map((id) => ids.firstTime(SITE, id, day));
      ids.flush({ forgetKeysBeforeDay: forgetBeforeDay });
      if (fail) throw new Error('the disk is on fire');
      return results;
    });
    ids.committed();
    return firstTimes;
  } catch (error) {
    ids.rolledBack();
    if (!fail) throw error;
    return [];
  }
}

function count(db: Database, table: 'seen' | 'seen_more'): number {
  return Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n);
}

function names(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `id-${from + i}`);
}

describe('ids of the last two days', () => {
  it('recognizes an id in the same commit, in the next, and after a restart', async () => {
    const db = await openEventFile();
    const ids = new Deduplication(db);
    expect(commit(db, ids, { day: DAY, of: ['a', 'b', 'a'] })).toEqual([true, true, false]);
    expect(commit(db, ids, { day: DAY, of: ['b', 'c'] })).toEqual([false, true]);
    const restarted = new Deduplication(db);
    expect(commit(db, restarted, { day: DAY, of: ['a', 'b', 'c', 'd'] })).toEqual([
      false,
      false,
      false,
      true,
    ]);
    expect(count(db, 'seen')).toBe(3);
  });

  it('puts the ids of one large commit in shared rows, several of which fit on a page', async () => {
    const db = await openEventFile();
    commit(db, new Deduplication(db), { day: DAY, of: names(0, 500) });
    const { longest } = db.prepare('SELECT max(length(keys)) AS longest FROM seen').get() ?? {};
    expect(Number(longest)).toBeLessThan(1000);
    expect(commit(db, new Deduplication(db), { day: DAY, of: names(0, 501) })).toEqual([
      ...names(0, 500).map(() => false),
      true,
    ]);
  });

  it.each([
    { name: 'the day after', day: DAY + 1, isNew: false },
    { name: 'two days after', day: DAY + 2, isNew: false },
    { name: 'three days after', day: DAY + 3, isNew: true },
    { name: 'the day before, the clock having been set back', day: DAY - 1, isNew: false },
  ])('knows whether an id is new on $name', async ({ day, isNew }) => {
    const db = await openEventFile();
    const ids = new Deduplication(db);
    commit(db, ids, { day: DAY, of: ['a'] });
    expect(commit(db, ids, { day, of: ['a'] })).toEqual([isNew]);
    expect(commit(db, new Deduplication(db), { day, of: ['a'] })).toEqual([false]);
  });

  it('forgets the ids of a failed commit, and only those', async () => {
    const db = await openEventFile();
    const ids = new Deduplication(db, 600);
    commit(db, ids, { day: DAY, of: names(0, 500) });
    // Some of these are in memory and some are not.
    commit(db, ids, { day: DAY, of: names(400, 900), fail: true });
    const again = commit(db, ids, { day: DAY, of: names(0, 900) });
    expect(again).toEqual(names(0, 900).map((_, i) => i >= 500));
  });

  it('finds ids on disk if a day has more than fit in memory', async () => {
    const db = await openEventFile();
    const ids = new Deduplication(db, 10);
    expect(commit(db, ids, { day: DAY, of: names(0, 25) })).toEqual(Array(25).fill(true));
    expect(count(db, 'seen_more')).toBe(15);
    expect(commit(db, ids, { day: DAY, of: names(0, 25) })).toEqual(Array(25).fill(false));
    expect(commit(db, ids, { day: DAY + 1, of: names(0, 25) })).toEqual(Array(25).fill(false));
    expect(commit(db, new Deduplication(db, 10), { day: DAY, of: names(0, 26) })).toEqual([
      ...Array(25).fill(false),
      true,
    ]);
  });

  it('distinguishes ids that UTF-8 cannot, and ids of different sites', async () => {
    const db = await openEventFile();
    const ids = new Deduplication(db);
    const odd = ['\ud800', '\ud801', '\ufffd', '"\\ud800"'];
    expect(commit(db, ids, { day: DAY, of: odd })).toEqual(odd.map(() => true));
    expect(ids.firstTime('site_b', '\ud800', DAY)).toBe(true);
    ids.rolledBack();
  });

  it('deletes expired ids from disk in batches', async () => {
    const db = await openEventFile();
    db.exec(`WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 1500)
      INSERT INTO seen SELECT ${DAY}, i, randomblob(12) FROM numbers;
      INSERT INTO seen_more VALUES (${DAY}, randomblob(12));`);
    const ids = new Deduplication(db);
    const left = () => count(db, 'seen') + count(db, 'seen_more');
    expect(left()).toBe(1_501);
    commit(db, ids, { day: DAY + 5, of: ['x'], forgetBeforeDay: DAY + 3, fail: true });
    expect(left()).toBe(1_501);
    commit(db, ids, { day: DAY + 5, of: ['x'], forgetBeforeDay: DAY + 3 });
    expect(left()).toBe(1_501 - 1_001 + 1);
    commit(db, ids, { day: DAY + 5, of: ['y'], forgetBeforeDay: DAY + 3 });
    expect(left()).toBe(2);
    commit(db, ids, { day: DAY + 5, of: ['z'], forgetBeforeDay: DAY + 3 });
    expect(left()).toBe(3);
  });
});

describe('a table of keys', () => {
  it('behaves like a Set while it grows and rolls back', () => {
    const table = new KeyTable();
    const set = new Set<string>();
    const key = (i: number) => ({ a: 1 + ((i * 2654435761) & 0xff), b: i % 7, c: i % 11 });
    for (let i = 0; i < 20_000; i++) {
      table.reserve(1);
      const { a, b, c } = key(i);
      expect(table.add({ a, b, c })).toBe(!set.has(`${a},${b},${c}`));
      set.add(`${a},${b},${c}`);
    }
    expect(table.size).toBe(set.size);
    table.reserve(3);
    const added = [1, 2, 3].map((i) => ({ a: 7, b: 1_000 + i, c: 0 }));
    for (const one of added) expect(table.add(one)).toBe(true);
    for (const one of [...added].reverse()) table.removeLast(one);
    for (const one of added) expect(table.has(one)).toBe(false);
    expect(table.size).toBe(set.size);
    for (let i = 0; i < 20_000; i += 97) expect(table.has(key(i))).toBe(true);
  });

  it('stores a key of all zeros', () => {
    const table = new KeyTable();
    table.reserve(1);
    expect(table.has({ a: 0, b: 0, c: 0 })).toBe(false);
    expect(table.add({ a: 0, b: 0, c: 0 })).toBe(true);
    expect(table.add({ a: 0, b: 0, c: 0 })).toBe(false);
  });
});
