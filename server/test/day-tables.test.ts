import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HOUR_MS, utcDay } from '../src/domain/clock.ts';
import { DuckDb } from '../src/store/drivers/duckdb.ts';
import { openForReading } from '../src/store/drivers/sqlite.ts';
import { DayEngine, DayOpened } from '../src/store/embedded/days/day-engine.ts';
import { DayTables } from '../src/store/embedded/days/day-tables.ts';
import { daysFolder } from '../src/store/embedded/days/segment-files.ts';
import { Texts } from '../src/store/embedded/days/texts.ts';
import { openStore } from '../src/store/open.ts';
import { NOON_MS } from './support/clock.ts';
import { bot, event, leave, SITE } from './support/entries.ts';
import { temporaryFolder } from './support/paths.ts';

const EVENTS = 22_000;
const BOTS = 7;
const VISITORS = 300;

/** Opens a store, and its file for reading. */
async function openDay() {
  const dataDir = await temporaryFolder();
  const store = await openStore({
    dataDir,
    onBroken: (error) => {
      throw error;
    },
  });
  onTestFinished(() => store.close());
  const db = openForReading(join(dataDir, 'events.db'), { cacheKib: 1024 });
  onTestFinished(() => db.close());
  const texts = new Texts(db);
  const duck = await DuckDb.open({ memoryMib: 128, threads: 1, spillFolder: join(dataDir, 'spill') });
  onTestFinished(() => duck.close());
  return {
    source: { db, texts },
    duck,
    store,
    folder: daysFolder(dataDir),
    of: () => ({ siteId: SITE, site: texts.site(SITE) ?? 0, day: utcDay(NOON_MS) }),
  };
}

/** Opens a store with a day's events and bots. */
async function storedDay() {
  const { of, ...opened } = await openDay();
  const { store } = opened;
  for (let i = 0; i < EVENTS; i += 5_500)
    await Promise.all(
      Array.from({ length: 5_500 }, (_, k) =>
        store.events.append(
          event({ id: `e${i + k}`, receivedAtMs: NOON_MS + i + k, visitor: BigInt((i + k) % VISITORS) }),
        ),
      ),
    );
  for (let i = 0; i < BOTS; i++) await store.events.append(bot());
  return { ...opened, of: of() };
}

describe('a copy of an open day', () => {
  it('goes on from where it was canceled', async () => {
    const { source, duck, of } = await storedDay();
    const copied: number[] = [];
    for (let turns = 0; turns < 40; turns++) {
      const tables = await DayTables.create(duck);
      const canceling = new AbortController();
      const updated = tables.update(source, of, canceling.signal);
      for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
      canceling.abort();
      await updated;
      copied.push(tables.rows);
      await tables.update(source, of, new AbortController().signal);
      const [counted] = await duck.rows(
        `SELECT count(*) AS events, count(DISTINCT received_at) AS instants, count(DISTINCT visit_no) AS visits,
           count(*) FILTER (WHERE begins) AS begun, count(*) FILTER (WHERE first_page) AS first_pages,
           (SELECT count(*) FROM (${tables.bots([of])})) AS bots FROM (${tables.events([of])})`,
      );
      expect(counted, `canceled after ${turns} turns`).toEqual({
        ...{ events: EVENTS, instants: EVENTS, bots: BOTS },
        ...{ visits: VISITORS, begun: VISITORS, first_pages: VISITORS },
      });
      expect(tables.rows).toBe(EVENTS + BOTS);
      if (copied.at(-1) === EVENTS + BOTS) break;
    }
    expect(copied.some((rows) => rows > 0 && rows < EVENTS)).toBe(true);
  });

  it('copies only what is missing if entries come out of order', async () => {
    const { source, duck, of, store } = await storedDay();
    const counted = async (tables: DayTables) => {
      await tables.update(source, of, new AbortController().signal);
      const events = tables.events([of]);
      return {
        rows: await duck.rows(
          `SELECT received_at, ordinal, page, visit_no, visit_start, visit_end, bounce, begins, lone FROM (${events}) ORDER BY ALL`,
        ),
        firsts: await duck.rows(`SELECT page, count(*) FILTER (WHERE first_page) AS visits,
          count(*) FILTER (WHERE first_name) AS named FROM (${events}) GROUP BY page ORDER BY page`),
        bots: await duck.rows(`SELECT * FROM (${tables.bots([of])}) ORDER BY ALL`),
      };
    };
    const tables = await DayTables.create(duck);
    await counted(tables);
    const late: readonly Parameters<typeof event>[0][] = [
      // Before the visitor's first visit, in it, and in a visit of an own.
      { receivedAtMs: NOON_MS - HOUR_MS, visitor: 1n },
      { receivedAtMs: NOON_MS - 1_000, visitor: 2n },
      { receivedAtMs: NOON_MS - HOUR_MS, visitor: -1n },
      // Between the visitor's events, at the instant of another event, on a page already seen and on a new one.
      { receivedAtMs: NOON_MS + 5_000, visitor: 3n },
      { receivedAtMs: NOON_MS + 5_000, visitor: 3n, path: '/late' },
    ];
    for (const [i, more] of late.entries()) await store.events.append(event({ id: `late${i}`, ...more }));
    expect(await counted(tables)).toEqual(await counted(await DayTables.create(duck)));
  });

  it('keeps its rows if entries come out of order', async () => {
    const { source, duck, of, store } = await storedDay();
    const tables = await DayTables.create(duck);
    const update = () => tables.update(source, of, new AbortController().signal);
    await update();
    await store.events.append(event({ id: 'late', receivedAtMs: NOON_MS - HOUR_MS }));
    await update();
    expect(tables.rows).toBe(EVENTS + 1 + BOTS);
    await store.events.append(bot({ receivedAtMs: NOON_MS - HOUR_MS }));
    await update();
    // Those of the deleted copies included.
    expect(tables.rows).toBe(EVENTS + 1 + BOTS + BOTS + 1);
  });

  it('does not take a visit that grows for the only one of its visitor', async () => {
    const { source, duck, of, store } = await openDay();
    const view = 7n;
    await store.events.append(event({ id: 'first', receivedAtMs: NOON_MS, view }));
    await store.events.append(leave({ receivedAtMs: NOON_MS + 1_000, view, engagedMs: 500 }));
    await store.events.append(event({ id: 'second', receivedAtMs: NOON_MS + HOUR_MS }));
    const tables = await DayTables.create(duck);
    const loneVisits = async () => {
      await tables.update(source, of(), new AbortController().signal);
      return duck.rows(`SELECT visit_no FROM (${tables.events([of()])}) WHERE begins AND lone`);
    };
    expect(await loneVisits()).toEqual([]);
    await store.events.append(leave({ receivedAtMs: NOON_MS + HOUR_MS + 1, view, engagedMs: 900 }));
    expect(await loneVisits()).toEqual([]);
  });
});

describe('the rollups of a day that an event has opened', () => {
  it('are not taken for empty', async () => {
    const { source, duck, of, store, folder } = await openDay();
    await store.events.append(event());
    const engine = new DayEngine({ ...source, duck, folder });
    const { siteId, day } = of();
    const counted = {
      siteIds: [siteId],
      from: { rollups: [{ siteId, day }] },
      sql: 'SELECT count(*) AS n FROM rollups',
      values: [],
    };
    await expect(engine.rows(counted, new AbortController().signal)).rejects.toThrow(DayOpened);
    await store.reports.sealDaysBefore(day + 1);
    const [row] = await engine.rows(counted, new AbortController().signal);
    expect(Number(row?.n)).toBeGreaterThan(0);
  });
});
