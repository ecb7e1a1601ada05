import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../src/domain/clock.ts';
import { type Entry, StoreUnavailable } from '../src/store/contract/store.ts';
import type { Database } from '../src/store/drivers/sqlite.ts';
import { migrate } from '../src/store/drivers/sqlite-migrate.ts';
import { audit } from '../src/store/embedded/days/audit.ts';
import { EVENT_MIGRATIONS } from '../src/store/embedded/tables/schema.ts';
import { Committer } from '../src/store/embedded/writer/commit.ts';
import { NOON_MS } from './support/clock.ts';
import { event, leave } from './support/entries.ts';
import { openEventFile } from './support/event-file.ts';
import { randomFrom, trafficOf } from './support/generated.ts';
import { temporaryFolder } from './support/paths.ts';

/** How the writer finds visits, and which of their data is in their rows or in the growth log. */

function commit(committer: Committer, entries: readonly Entry[]): void {
  committer.commit({ entries, refusals: [], refusedKeys: [], textUse: [], forgetKeysBeforeDay: 0 });
}

/** Brings the rows of all visits up to date, as happens before texts are collected. */
function settle(committer: Committer): void {
  committer.watchTexts();
  committer.unwatchTexts();
}

function rowsOf(db: Database, table: 'visits' | 'visits_grown' | 'visitors' | 'leaves'): unknown[] {
  const select = db.prepare(`SELECT * FROM ${table}`);
  select.setReadBigInts(true);
  return select.all();
}

/** Makes a commit fail at its end, when everything else has been written. */
function failToCommit(committer: Committer, entries: readonly Entry[]): void {
  const unwritable = { outcome: 'malformed', host: '', count: null as never, firstAtMs: 0, lastAtMs: 0 };
  expect(() =>
    committer.commit({
      entries,
      refusals: [{ siteId: event().siteId, day: 0, ...unwritable }],
      refusedKeys: [],
      textUse: [],
      forgetKeysBeforeDay: 0,
    }),
  ).toThrow(StoreUnavailable);
}

describe('visits', () => {
  it.each([1, 2, 3])('finds the same visits despite restarts and failures (seed %i)', async (seed) => {
    const entries = trafficOf({
      seed,
      fromMs: NOON_MS - (NOON_MS % DAY_MS),
      days: 2,
      perDay: 1_500,
      visitors: 60,
      clockSteps: 0.1,
    });
    const random = randomFrom(seed);
    const [calm, shaken] = [await openEventFile(), await openEventFile()];
    const steady = new Committer(calm);
    let committer = new Committer(shaken, { visitorsKnown: 20 });
    for (let i = 0; i < entries.length; ) {
      const group = entries.slice(i, i + 1 + Math.floor(random() * 20));
      i += group.length;
      commit(steady, group);
      // The failed commit extends visits that the next commits do not touch.
      if (random() < 0.2) failToCommit(committer, entries.slice(Math.max(0, i - 100), i));
      if (random() < 0.1) committer = new Committer(shaken, { visitorsKnown: 20 });
      commit(committer, group);
    }
    expect(rowsOf(shaken, 'visitors').length).toBeGreaterThan(20);
    expect(rowsOf(calm, 'visitors')).toEqual([]);
    for (const db of [calm, shaken]) {
      expect(await audit(db, await temporaryFolder())).toEqual({
        integrity: [],
        counters: [],
        ledger: [],
        rollups: [],
      });
    }
    settle(steady);
    settle(committer);
    for (const table of ['visits', 'leaves'] as const)
      expect(rowsOf(shaken, table)).toEqual(rowsOf(calm, table));
  });

  it('continue from a file of an earlier version', async () => {
    const entries = trafficOf({
      seed: 4,
      fromMs: NOON_MS - (NOON_MS % DAY_MS),
      days: 1,
      perDay: 1_000,
      visitors: 60,
      clockSteps: 0.1,
    });
    const asEarlier = (entry: Entry) =>
      entry.kind === 'event'
        ? {
            ...{ ...entry, interactive: true, referrer: null, region: null, city: null },
            ...{ browserVersion: null, osVersion: null, language: null, screen: null },
          }
        : entry;
    const [early, late] = [entries.slice(0, 700).map(asEarlier), entries.slice(700)];
    const [calm, upgraded] = [await openEventFile(), await openEventFile()];
    for (const db of [calm, upgraded]) {
      const committer = new Committer(db);
      commit(committer, early);
      settle(committer);
    }
    // The first version's layout: every visit in the index, without a link to the previous one.
    upgraded.exec(`INSERT INTO visitors (day, site, visitor, visit) SELECT day, site, visitor, no FROM visits;
      ALTER TABLE visits DROP COLUMN previous; ALTER TABLE visits DROP COLUMN passive;
      ALTER TABLE visits DROP COLUMN referrer;
      ALTER TABLE visits DROP COLUMN agent; ALTER TABLE visits DROP COLUMN place; ALTER TABLE events DROP COLUMN interactive; DROP TABLE visits_grown; DROP TABLE segments; DROP TABLE sealed_days;
      DROP TABLE archive; DROP TABLE installation; DROP TABLE commits; DROP TABLE text_use; CREATE TABLE sealed (site INTEGER, day INTEGER); PRAGMA user_version = 1`);
    migrate(upgraded, 'events.db', EVENT_MIGRATIONS);
    for (const db of [calm, upgraded]) {
      const committer = new Committer(db);
      commit(committer, late);
      settle(committer);
    }
    expect(rowsOf(calm, 'visits').length).toBeGreaterThan(150);
    for (const table of ['visits', 'leaves'] as const)
      expect(rowsOf(upgraded, table)).toEqual(rowsOf(calm, table));
  });

  it('logs growing visits in one row per commit, and moves them out before the log gets long', async () => {
    const db = await openEventFile();
    const committer = new Committer(db);
    commit(committer, [event({ visitor: 1n }), event({ visitor: 2n })]);
    expect(rowsOf(db, 'visits_grown')).toEqual([]);
    const begun = rowsOf(db, 'visits');
    commit(committer, [event({ visitor: 1n, path: '/a' }), event({ visitor: 2n })]);
    expect(rowsOf(db, 'visits_grown')).toHaveLength(1);
    expect(rowsOf(db, 'visits')).toEqual(begun);
    for (let i = 0; i < 3_000; i++)
      commit(committer, [event({ visitor: 1n, path: '/b' }), event({ visitor: 2n })]);
    // The last move was at most 5,000 entries ago.
    const [grown] = rowsOf(db, 'visits') as { events: bigint }[];
    expect(grown?.events).toBeGreaterThan(400n);
    settle(committer);
    expect(rowsOf(db, 'visits')).toMatchObject([{ events: 3_002n }, { events: 3_002n }]);
  });

  it('keeps the newest part of the log for readers, and no more', async () => {
    const db = await openEventFile();
    const committer = new Committer(db);
    const path = `/${'x'.repeat(100)}`;
    const crowd = (i: number) =>
      Array.from({ length: 1_000 }, (_, visitor) =>
        event({ visitor: BigInt(visitor), path, receivedAtMs: NOON_MS + i }),
      );
    for (let i = 0; i < 300; i++) commit(committer, crowd(i));
    const chars = db
      .prepare('SELECT sum(length(visits)) AS chars, count(*) AS entries FROM visits_grown')
      .get();
    expect(Number(chars?.chars)).toBeGreaterThan(4 * 1024 * 1024);
    expect(Number(chars?.chars)).toBeLessThan(9 * 1024 * 1024);
    expect(Number(chars?.entries)).toBeLessThan(299);
  });

  it('do not return from the log after retention', async () => {
    const db = await openEventFile();
    const committer = new Committer(db);
    commit(committer, [event({ visitor: 1n })]);
    commit(committer, [
      event({ visitor: 1n, receivedAtMs: NOON_MS + 1 }),
      leave({ visitor: 1n, receivedAtMs: NOON_MS + 2 }),
    ]);
    expect(committer.expire(event().siteId, NOON_MS + DAY_MS).more).toBe(false);
    for (const table of ['visits', 'leaves'] as const) expect(rowsOf(db, table)).toEqual([]);
    expect(rowsOf(db, 'visits_grown')).toMatchObject([{ visits: '[]' }]);
    // Its number is reused for another visitor's visit.
    commit(committer, [event({ visitor: 2n, receivedAtMs: NOON_MS + 3 })]);
    commit(committer, [event({ visitor: 1n, receivedAtMs: NOON_MS + 4 })]);
    expect(rowsOf(db, 'visits')).toMatchObject([
      { no: 1n, visitor: 2n, events: 1n },
      { no: 2n, visitor: 1n, events: 1n },
    ]);
  });

  it('does not look up visits of past days once their deduplication keys expire', async () => {
    const db = await openEventFile();
    const committer = new Committer(db, { visitorsKnown: 0 });
    commit(committer, [event({ visitor: 1n }), event({ visitor: 2n })]);
    const today = Math.floor(NOON_MS / DAY_MS);
    expect(rowsOf(db, 'visitors')).not.toEqual([]);
    committer.commit({
      entries: [],
      refusals: [],
      refusedKeys: [],
      textUse: [],
      forgetKeysBeforeDay: today + 1,
    });
    expect(rowsOf(db, 'visitors')).toEqual([]);
  });
});
