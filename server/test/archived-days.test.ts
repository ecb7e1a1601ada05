import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { archiveJob } from '../src/app/jobs.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, utcDay } from '../src/domain/clock.ts';
import type { Entry, Store } from '../src/store/contract/store.ts';
import { StoreUnavailable } from '../src/store/contract/store.ts';
import { DuckDb } from '../src/store/drivers/duckdb.ts';
import { openDatabase, openForReading } from '../src/store/drivers/sqlite.ts';
import { listActivity } from '../src/store/embedded/days/activity.ts';
import { DayEngine } from '../src/store/embedded/days/day-engine.ts';
import { daysFolder } from '../src/store/embedded/days/segment-files.ts';
import { Texts } from '../src/store/embedded/days/texts.ts';
import { Committer } from '../src/store/embedded/writer/commit.ts';
import { EventDump } from '../src/store/offline/event-dump.ts';
import { TestClock } from './support/clock.ts';
import { answersOf, listsOf, openEmbedded } from './support/days.ts';
import { bot, event, leave, SITE } from './support/entries.ts';
import { trafficOf } from './support/generated.ts';
import { temporaryFolder } from './support/paths.ts';
import { until } from './support/poll.ts';
import { Recount } from './support/recount.ts';

/** Days that can no longer change are only in files. Nothing that can be asked shows it. */

const DAYS = 3;
const FROM_MS = Date.UTC(2026, 4, 1);
const TO_MS = FROM_MS + DAYS * DAY_MS;
const SPAN = { siteId: SITE, fromMs: FROM_MS, toMs: TO_MS };
const SOUND = { counters: [], ledger: [], rollups: [], integrity: [] };

async function append(store: Store, entries: readonly Entry[]): Promise<void> {
  for (let i = 0; i < entries.length; i += 50)
    await Promise.all(entries.slice(i, i + 50).map((entry) => store.events.append(entry)));
}

/** Events and leaves with everything that an entry can have, some of them at the same instant, on each of the days. */
function detailedEntries(): Entry[] {
  return Array.from({ length: DAYS }, (_, day) => {
    const at = FROM_MS + day * DAY_MS + 9 * HOUR_MS;
    const visitor = 2n ** 62n + 3n * BigInt(day) + 1n;
    const more = { visitor: -visitor, receivedAtMs: at + MINUTE_MS };
    return [
      event({
        ...{ receivedAtMs: at, visitor, view: 2n ** 61n + 1n, name: 'purchase', nav: 'spa' },
        ...{ path: '/cart?step=2&x=%20', host: 'shop.example.com', referrer: 'https://from.example/a?b' },
        ...{ props: { plan: 'pro', count: 3, share: 0.25, yes: true, no: false, text: 'ü "\'' } },
        ...{ value: 19.99, currency: 'EUR', width: 1280, timeZone: 'Asia/Kathmandu', device: 'phone' },
        ...{
          browser: 'Firefox',
          os: 'iOS',
          country: 'FR',
          source: 'ChatGPT',
          channel: 'ai',
          campaign: 'spring',
        },
      }),
      event({
        receivedAtMs: at,
        visitor,
        view: 2n ** 61n + 2n,
        path: '/cart?step=3',
        value: 0,
        currency: 'USD',
      }),
      event({ ...more, view: -5n, path: '/?' }),
      event({ ...more, view: -5n, name: 'signup', props: { plan: 7 } }),
      bot({
        receivedAtMs: at,
        path: '/robots.txt',
        bot: 'GPTBot',
        company: 'OpenAI',
        botClass: 'ai-training',
      }),
      bot({ receivedAtMs: at, path: '/', bot: 'other', company: null, botClass: 'other' }),
      leave({ receivedAtMs: at + 2, visitor, view: 2n ** 61n + 1n, engagedMs: 1_234, vitals: { lcp: 1.5 } }),
      // A second visit of the same visitor.
      event({ receivedAtMs: at + 2 * HOUR_MS, visitor, view: 2n ** 61n + 9n, path: '/again' }),
      leave({ receivedAtMs: at + 2 * HOUR_MS + 1, visitor, view: 2n ** 61n + 9n, engagedMs: 4_000 }),
    ] satisfies Entry[];
  }).flat();
}

/** A store with three days, of which all but the newest can be archived. */
async function filled(): Promise<{ store: Store; dataDir: string }> {
  const dataDir = await temporaryFolder();
  const store = await openEmbedded(dataDir);
  onTestFinished(() => store.close());
  const traffic = { seed: 21, fromMs: FROM_MS, days: DAYS, perDay: 60, visitors: 9, clockSteps: 0.1 };
  await append(store, [...detailedEntries(), ...trafficOf(traffic)]);
  return { store, dataDir };
}

async function archive(store: Store, beforeMs: number): Promise<void> {
  await store.reports.sealDaysBefore(utcDay(TO_MS));
  expect(await store.reports.archiveDaysBefore?.(utcDay(beforeMs))).toBe(utcDay(beforeMs));
}

function rowsBefore(dataDir: string, beforeMs: number): number {
  const db = new DatabaseSync(join(dataDir, 'events.db'), { readOnly: true });
  try {
    const rows = db.prepare(
      `SELECT (SELECT count(*) FROM events WHERE at < :ms) + (SELECT count(*) FROM bots WHERE at < :ms)
         + (SELECT count(*) FROM leaves WHERE at < :ms) + (SELECT count(*) FROM visits WHERE day < :ms / ${DAY_MS}) AS n`,
    );
    return Number(rows.get({ ms: beforeMs })?.n);
  } finally {
    db.close();
  }
}

/** Reads all entries as `move` does, in order of receipt, with the ids that they are moved with. */
async function dumped(dataDir: string): Promise<{ eventId: string; entry: Entry }[]> {
  const dump = new EventDump(join(dataDir, 'events.db'));
  try {
    const dumped: { eventId: string; entry: Entry }[] = [];
    for (const day of dump.days())
      await dump.read(day, async ({ entries }) => {
        for await (const { eventId, entry } of entries) dumped.push({ eventId, entry });
      });
    return dumped.sort(
      ({ entry: a }, { entry: b }) => a.receivedAtMs - b.receivedAtMs || Number(a.kind > b.kind),
    );
  } finally {
    await dump.close();
  }
}

/** A store with archived days, and what lists the activity of its folder and counts statements. */
async function listing(days: number, perDay: number) {
  const dataDir = await temporaryFolder();
  const store = await openEmbedded(dataDir);
  onTestFinished(() => store.close());
  const entries = Array.from({ length: days * perDay }, (_, i) =>
    (i % 3 === 2 ? bot : event)({ receivedAtMs: FROM_MS + i * (DAY_MS / perDay), path: `/${i}` }),
  );
  await append(store, entries);
  const beforeDay = utcDay(FROM_MS) + days;
  await store.reports.sealDaysBefore(beforeDay);
  expect(await store.reports.archiveDaysBefore?.(beforeDay)).toBe(beforeDay);
  const db = openForReading(join(dataDir, 'events.db'), { cacheKib: 1024 });
  onTestFinished(() => db.close());
  const duck = await DuckDb.open({ memoryMib: 128, threads: 1, spillFolder: join(dataDir, 'spill') });
  onTestFinished(() => duck.close());
  const engine = new DayEngine({ duck, db, texts: new Texts(db), folder: daysFolder(dataDir) });
  const statements = vi.spyOn(duck, 'rows');
  const span = { siteId: SITE, fromMs: FROM_MS, toMs: beforeDay * DAY_MS };
  return async (limit: number) => {
    statements.mockClear();
    const asked = { db, engine, signal: new AbortController().signal };
    const { items } = await listActivity(asked, span, { type: null, limit });
    const paths = items.map((item) => (item.type === 'event' ? item.event.path : item.path));
    return { paths, statements: statements.mock.calls.length };
  };
}

describe('a page of the activity of archived days', () => {
  it('is read with few statements where days have little', async () => {
    const list = await listing(20, 3);
    const { paths, statements } = await list(60);
    expect(paths).toEqual(Array.from({ length: 60 }, (_, i) => `/${59 - i}`));
    // Of events and of bots: the newest day, then the next 2, 4, 8 and all others.
    expect(statements).toBe(2 * 5);
  });

  it('reads no more than the newest day if that fills it', async () => {
    const list = await listing(3, 9);
    const { paths, statements } = await list(8);
    expect(paths).toEqual(Array.from({ length: 8 }, (_, i) => `/${26 - i}`));
    expect(statements).toBe(2);
  });
});

describe('archived days', () => {
  it('give the same answers, activity and events as before, page by page', async () => {
    const { store, dataDir } = await filled();
    const before = await answersOf(store, SPAN, 7);
    expect(rowsBefore(dataDir, TO_MS - DAY_MS)).toBeGreaterThan(100);
    await archive(store, TO_MS - DAY_MS);
    expect(rowsBefore(dataDir, TO_MS - DAY_MS)).toBe(0);
    expect(rowsBefore(dataDir, TO_MS)).toBeGreaterThan(50);
    expect(await answersOf(store, SPAN, 7)).toEqual(before);
    expect(await store.events.audit()).toEqual(SOUND);
    await store.close();
    const reopened = await openEmbedded(dataDir);
    onTestFinished(() => reopened.close());
    await archive(reopened, TO_MS);
    expect(await answersOf(reopened, SPAN, 7)).toEqual(before);
    expect(await reopened.events.audit()).toEqual(SOUND);
  });

  it('move to databases with the same numbers as before', async () => {
    const { store, dataDir } = await filled();
    const measures = async () =>
      new Recount((await dumped(dataDir)).map(({ entry }) => entry)).measures(FROM_MS, TO_MS, []);
    const before = await measures();
    expect(before).toMatchObject({ visits: expect.any(Number) });
    expect(before.engagedMs).toBeGreaterThan(DAYS * 5_234);
    await archive(store, TO_MS - DAY_MS);
    expect(await measures()).toEqual(before);
  });

  it('move with the same ids as before, so that entries that were moved before are not moved again', async () => {
    const { store, dataDir } = await filled();
    const idsByPlace = async () =>
      (await dumped(dataDir))
        .map(({ eventId, entry: { kind, receivedAtMs } }) => `${receivedAtMs} ${kind} ${eventId}`)
        .sort();
    const before = await idsByPlace();
    expect(new Set(before).size).toBe(before.length);
    expect(before.filter((line) => line.includes(' leave ')).length).toBeGreaterThan(DAYS * 2);
    await archive(store, TO_MS - DAY_MS);
    expect(await idsByPlace()).toEqual(before);
  });

  it('refuse entries with a reason, as a whole commit, and newer entries go on', async () => {
    const { store } = await filled();
    await archive(store, TO_MS - DAY_MS);
    const before = await listsOf(store, SPAN, 100);
    const late = [event, leave, bot].map((make) => make({ id: 'late', receivedAtMs: TO_MS - DAY_MS - 1 }));
    for (const entry of late) {
      const refused = store.events.append(entry);
      await expect(refused).rejects.toThrow(StoreUnavailable);
      await expect(refused).rejects.toThrow(
        'The clock of this machine shows 2026-05-02, but days before 2026-05-03 are archived already. Set the clock.',
      );
    }
    expect(await listsOf(store, SPAN, 100)).toEqual(before);
    // Entries that shared the commit are refused with it, and can be sent again.
    const fresh = event({ id: 'fresh', receivedAtMs: TO_MS - 1, path: '/fresh' });
    const [first] = late;
    const together = await Promise.allSettled([
      store.events.append(fresh),
      store.events.append(first ?? fresh),
    ]);
    expect(together.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await listsOf(store, SPAN, 100)).toEqual(before);
    await until(
      () => store.events.health(),
      ({ ok }) => ok,
    );
    expect(await store.events.append(fresh)).toBe('stored');
    expect(await store.events.append(fresh)).toBe('duplicate');
    const pages = { ...SPAN, filters: [{ by: 'page', values: ['/fresh'], negated: false }] } as const;
    expect(await store.reports.totals(pages)).toMatchObject({ events: 1 });
    expect(await store.events.audit()).toEqual(SOUND);
  });

  it('do not include a day that an event has opened since it was checked', async () => {
    const { store, dataDir } = await filled();
    await store.reports.sealDaysBefore(utcDay(TO_MS));
    await store.events.append(event({ id: 'late', receivedAtMs: TO_MS - DAY_MS - 1 }));
    await store.close();
    const db = openDatabase(join(dataDir, 'events.db'));
    onTestFinished(() => db.close());
    expect(new Committer(db).archive(utcDay(TO_MS))).toBe(utcDay(TO_MS) - 2);
  });

  it('are archived only after the clock has shown twice that they are final', async () => {
    const archived: number[] = [];
    const clock = new TestClock();
    const job = archiveJob({ archiveDaysBefore: async (day) => archived.push(day) }, clock);
    const today = utcDay(clock.now());
    const signal = new AbortController().signal;
    await job(signal);
    expect(archived).toEqual([]);
    clock.advance(HOUR_MS);
    await job(signal);
    expect(archived).toEqual([today - 2]);
    clock.advance(400 * DAY_MS);
    await job(signal);
    clock.advance(-400 * DAY_MS);
    await job(signal);
    expect(archived).toEqual([today - 2, today - 2, today - 2]);
  });
});
