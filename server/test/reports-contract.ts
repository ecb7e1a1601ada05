import { describe, expect, it, onTestFinished } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS, utcDay } from '../src/domain/clock.ts';
import { type Dimension, EVENT_DIMENSIONS } from '../src/domain/dimensions.ts';
import type { Measures } from '../src/domain/measures.ts';
import type { ActivityItem, Entry, Filter, Store } from '../src/store/contract/store.ts';
import { event, leave, SITE } from './support/entries.ts';
import { randomFrom, type Traffic, trafficOf } from './support/generated.ts';
import { temporaryFolder } from './support/paths.ts';
import { localBoundaries, NOTHING, Recount } from './support/recount.ts';

/** What an engine must provide so that its reports can be recounted. */
export interface ReportingEngine {
  name: string;
  /** Opens the store at a place, and creates it if there is none. */
  open(place: string): Promise<Store>;
  /** Traffic to report on. */
  worlds: readonly Traffic[];
  /** Traffic of which all days but the newest are archived before it is reported on. */
  archivedWorlds?: readonly Traffic[];
  /** Number of random spans to request totals for. Breakdowns, which take many queries each, use a tenth of them. */
  spans: number;
  /** Whether visits follow the time of receipt instead of the order in which events reached the store. */
  byReceipt: boolean;
  /** Whether reports still include what retention has deleted. */
  outlivesRetention: boolean;
}

async function append(store: Store, entries: readonly Entry[], atOnce = 50): Promise<void> {
  for (let i = 0; i < entries.length; i += atOnce)
    await Promise.all(entries.slice(i, i + atOnce).map((entry) => store.events.append(entry)));
}

const DIMENSIONS: readonly Exclude<Dimension, 'bot'>[] = [...EVENT_DIMENSIONS, 'prop:plan'];

const FILTERS: readonly Filter[] = [
  { by: 'page', values: ['/b', '/a'], negated: false },
  { by: 'page', values: ['/'], negated: true },
  { by: 'entry', values: ['/'], negated: false },
  { by: 'exit', values: ['/', '/never'], negated: true },
  { by: 'host', values: ['www.example.com'], negated: false },
  { by: 'source', values: ['Google', null], negated: false },
  { by: 'source', values: [null], negated: true },
  { by: 'channel', values: ['ai'], negated: false },
  { by: 'channel', values: ['direct', 'search'], negated: true },
  { by: 'campaign', values: ['spring'], negated: false },
  { by: 'country', values: ['DE', 'FR'], negated: false },
  { by: 'country', values: [null], negated: false },
  { by: 'device', values: ['phone'], negated: true },
  { by: 'browser', values: ['Firefox'], negated: false },
  { by: 'os', values: ['iOS'], negated: false },
  { by: 'event', values: ['signup'], negated: false },
  { by: 'event', values: ['pageview'], negated: true },
  { by: 'prop:plan', values: ['pro', '7'], negated: false },
  { by: 'prop:plan', values: [null], negated: true },
  { by: 'prop:plan', values: ['true'], negated: true },
  { by: 'prop:absent', values: [null], negated: false },
  { by: 'page', values: ["'; DROP TABLE events; --"], negated: false },
];

async function allRows(
  store: Store,
  scope: { siteId: string; fromMs: number; toMs: number; filters: readonly Filter[] },
  by: Dimension,
  limit: number,
) {
  const rows = [];
  for (let cursor: string | undefined; ; ) {
    const page = await store.reports.breakdown(scope, by, {
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    rows.push(...page.rows);
    if (page.nextCursor === null) return rows;
    cursor = page.nextCursor;
  }
}

async function allHappenings(
  store: Store,
  scope: { siteId: string; fromMs: number; toMs: number },
  type: 'event' | 'bot' | 'referral' | 'conversion' | null,
  limit = 1000,
): Promise<ActivityItem[]> {
  const all: ActivityItem[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await store.reports.listActivity(scope, {
      type,
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    all.push(...page.items);
    if (page.nextCursor === null) return all;
    cursor = page.nextCursor;
  }
}

function sum(all: readonly Measures[], of: keyof Measures): number {
  return all.reduce((total, each) => total + each[of], 0);
}

/** Generates random spans: any instants, quarter-hour boundaries and day boundaries in turn. */
function spansIn(random: () => number, fromMs: number, days: number, count: number) {
  const grains = [1, 15 * MINUTE_MS, HOUR_MS, DAY_MS];
  return Array.from({ length: count }, (_, i) => {
    const grain = grains[i % grains.length] ?? 1;
    const [a, b] = [random(), random()].map(
      (part) => fromMs - DAY_MS + Math.floor((part * (days + 2) * DAY_MS) / grain) * grain,
    );
    return { fromMs: Math.min(a ?? 0, b ?? 0), toMs: Math.max(a ?? 0, b ?? 0) + grain };
  });
}

/** Compares an engine's reports with an independent recount of the appended entries. */
export function describeReports(engine: ReportingEngine): void {
  for (const world of engine.worlds)
    describe(`${engine.name}: reports of generated traffic (seed ${world.seed}) equal an independent recount`, () => {
      describeTraffic(engine, world, { isArchived: false });
      describeSingles(engine, world, { isArchived: false });
    });
  for (const world of engine.archivedWorlds ?? [])
    describe(`${engine.name}: reports of archived traffic (seed ${world.seed}) equal an independent recount`, () => {
      describeTraffic(engine, world, { isArchived: true });
      describeSingles(engine, world, { isArchived: true });
    });
  describe(`${engine.name}: reports`, () => describeAnswers(engine));
}

/** Compares only lists of single events, and current visitors. */
export function describeActivity(engine: ReportingEngine): void {
  for (const world of engine.worlds)
    describe(`${engine.name}: single events of generated traffic (seed ${world.seed})`, () =>
      describeSingles(engine, world, { isArchived: false }));
}

/** Generated traffic, with what should be counted of it. */
function trafficOn(engine: ReportingEngine, world: Traffic, { isArchived }: { isArchived: boolean }) {
  const made = trafficOf(world);
  const entries = engine.byReceipt ? made.toSorted((a, b) => a.receivedAtMs - b.receivedAtMs) : made;
  const { fromMs, days } = world;
  const toMs = fromMs + days * DAY_MS;

  /** Fills a store, with sealed days and a restart halfway through. */
  async function filled(): Promise<Store> {
    const dataDir = await temporaryFolder();
    const half = Math.floor(entries.length / 2);
    let store = await engine.open(dataDir);
    await append(store, entries.slice(0, half));
    await store.reports.sealDaysBefore(utcDay(toMs));
    await store.close();
    store = await engine.open(dataDir);
    onTestFinished(() => store.close());
    await append(store, entries.slice(half), 7);
    await store.reports.sealDaysBefore(utcDay(toMs));
    if (isArchived) {
      const newest = utcDay(toMs) - 1;
      expect(await store.reports.archiveDaysBefore?.(newest)).toBe(newest);
    }
    return store;
  }

  return { entries, recount: new Recount(entries), toMs, whole: { siteId: SITE, fromMs, toMs }, filled };
}

function describeTraffic(engine: ReportingEngine, world: Traffic, state: { isArchived: boolean }): void {
  const { entries, recount, toMs, whole, filled } = trafficOn(engine, world, state);
  const { fromMs, days } = world;
  const random = randomFrom(world.seed * 7919);
  const spanCount = state.isArchived ? Math.ceil(engine.spans / 4) : engine.spans;

  it('returns totals with and without filters over any span', async () => {
    const store = await filled();
    expect(await store.reports.totals({ ...whole, filters: [] })).toEqual(recount.measures(fromMs, toMs, []));
    for (const span of spansIn(random, fromMs, days, spanCount)) {
      const filters = FILTERS.filter(() => random() < 0.08);
      for (const chosen of [[], filters]) {
        expect(await store.reports.totals({ siteId: SITE, ...span, filters: chosen })).toEqual(
          recount.measures(span.fromMs, span.toMs, chosen),
        );
      }
    }
    // Up to now, a moment after the newest event.
    const now = Math.max(...entries.map(({ receivedAtMs }) => receivedAtMs)) + 1;
    for (const end of [now - 2, now, now + 1])
      expect(await store.reports.totals({ siteId: SITE, fromMs, toMs: end, filters: [] })).toEqual(
        recount.measures(fromMs, end, []),
      );
    for (const filter of FILTERS) {
      expect(await store.reports.totals({ ...whole, filters: [filter] }), JSON.stringify(filter)).toEqual(
        recount.measures(fromMs, toMs, [filter]),
      );
    }
    expect(await store.events.audit()).toEqual({ counters: [], ledger: [], rollups: [], integrity: [] });
  });

  it('returns series by day and hour of any time zone, and by arbitrary bounds', async () => {
    const store = await filled();
    const zones = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'Australia/Lord_Howe'];
    const odd = spansIn(random, fromMs, days, 9).flatMap((span) => [span.fromMs, span.toMs]);
    const cases = [
      ...zones.flatMap((zone) => [
        localBoundaries(fromMs - DAY_MS, toMs + DAY_MS, zone, 'day'),
        localBoundaries(fromMs, toMs, zone, 'hour'),
      ]),
      Array.from({ length: 96 }, (_, i) => fromMs + DAY_MS + i * 15 * MINUTE_MS),
      [...new Set(odd)].sort((a, b) => a - b),
    ];
    for (const boundaries of cases) {
      expect(boundaries.length).toBeGreaterThan(2);
      for (const filters of [[], FILTERS.filter(() => random() < 0.06)]) {
        const series = await store.reports.series({ siteId: SITE, filters }, boundaries);
        expect(series).toEqual(
          boundaries.slice(1).map((end, i) => recount.measures(boundaries[i] ?? 0, end, filters)),
        );
      }
    }
  });

  it('returns breakdowns, whole and page by page', async () => {
    const store = await filled();
    const spans = [whole, ...spansIn(random, fromMs, days, Math.ceil(spanCount / 10))];
    for (const by of DIMENSIONS) {
      for (const span of spans) {
        for (const filters of [[], FILTERS.filter(() => random() < 0.06)]) {
          const rows = await allRows(store, { siteId: SITE, ...span, filters }, by, 2);
          expect(rows, by).toEqual(recount.breakdown(span.fromMs, span.toMs, filters, by));
        }
      }
    }
    for (const span of spans) {
      expect(await allRows(store, { siteId: SITE, ...span, filters: [] }, 'bot', 2)).toEqual(
        recount.botBreakdown(span.fromMs, span.toMs),
      );
    }
    expect(
      (await store.reports.breakdown({ ...whole, filters: [...FILTERS.slice(0, 1)] }, 'bot', { limit: 5 }))
        .rows,
    ).toEqual([]);
  });

  it('returns breakdown rows that equal the totals filtered by their value', async () => {
    const store = await filled();
    for (const by of DIMENSIONS) {
      for (const row of (await store.reports.breakdown({ ...whole, filters: [] }, by, { limit: 3 })).rows) {
        const { value, ...numbers } = row;
        const filters = [{ by, values: [value], negated: false }];
        expect(await store.reports.totals({ ...whole, filters })).toEqual(numbers);
      }
    }
  });

  it('returns equal counts everywhere', async () => {
    const store = await filled();
    const total = recount.measures(fromMs, toMs, []);
    const counted = await store.events.countBySite([SITE], {
      firstDay: utcDay(fromMs),
      lastDay: utcDay(toMs - 1),
    });
    const series = await store.reports.series(
      { siteId: SITE, filters: [] },
      Array.from({ length: days * 24 + 1 }, (_, i) => fromMs + i * HOUR_MS),
    );
    expect(counted.get(SITE)).toBe(total.events);
    expect(sum(series, 'events')).toBe(total.events);
    expect(sum(series, 'visits')).toBe(total.visits);
    expect(sum(series, 'engagedMs')).toBe(total.engagedMs);
  });
}

function describeSingles(engine: ReportingEngine, world: Traffic, state: { isArchived: boolean }): void {
  const { recount, toMs, whole, filled } = trafficOn(engine, world, state);

  it('returns single events', async () => {
    const store = await filled();
    const total = recount.measures(whole.fromMs, toMs, []);
    const everything = await allHappenings(store, whole, null, 37);
    expect(everything).toHaveLength(total.events + total.botVisits);
    const times = everything.map((one) => (one.type === 'event' ? one.event.receivedAtMs : one.receivedAtMs));
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    expect(
      new Set(everything.map((one) => (one.type === 'event' ? one.event.cursor : one.cursor))).size,
    ).toBe(everything.length);
    const ofType = async (type: 'event' | 'bot' | 'referral' | 'conversion') =>
      (await allHappenings(store, whole, type)).length;
    expect(await ofType('event')).toBe(total.events);
    expect(await ofType('bot')).toBe(total.botVisits);
    expect(await ofType('referral')).toBe(total.referrals);
    expect(await ofType('conversion')).toBe(total.conversions);
  });

  it('returns current visitors', async () => {
    const store = await filled();
    const since = toMs - 40 * MINUTE_MS;
    const { visitors, pages } = await store.reports.realtime(SITE, since);
    expect(visitors).toBe(recount.measures(since, toMs, []).visitors);
    expect(pages.reduce((total, page) => total + page.visitors, 0)).toBe(visitors);
  });
}

function describeAnswers(engine: ReportingEngine): void {
  async function opened(): Promise<Store> {
    const store = await engine.open(await temporaryFolder());
    onTestFinished(() => store.close());
    return store;
  }

  const at = Date.UTC(2026, 4, 14, 9);

  it('returns nothing for a site without events or an empty span', async () => {
    const store = await opened();
    const scope = { siteId: 'site_none', fromMs: at, toMs: at + DAY_MS, filters: [] };
    for (const siteId of ['site_none', SITE]) {
      expect(await store.reports.totals({ ...scope, siteId })).toEqual(NOTHING);
      expect(await store.reports.series({ siteId, filters: [] }, [at, at + 1, at + DAY_MS])).toEqual([
        NOTHING,
        NOTHING,
      ]);
      expect(await store.reports.breakdown({ ...scope, siteId }, 'page', { limit: 10 })).toEqual({
        rows: [],
        nextCursor: null,
      });
      expect(await store.reports.listActivity({ ...scope, siteId }, { type: null, limit: 10 })).toEqual({
        items: [],
        nextCursor: null,
      });
      expect(await store.reports.realtime(siteId, at)).toEqual({ visitors: 0, pages: [] });
      await store.events.append(event({ siteId: SITE, receivedAtMs: at - DAY_MS }));
    }
    expect(await store.reports.totals({ ...scope, siteId: SITE, toMs: at })).toEqual(NOTHING);
    expect(await store.reports.totals({ ...scope, siteId: SITE, fromMs: 0, toMs: 1e14 })).toMatchObject({
      events: 2,
    });
  });

  it('keeps the source of a visit on its later pages', async () => {
    const store = await opened();
    const first = event({ receivedAtMs: at, channel: 'ai', source: 'ChatGPT', path: '/landing' });
    const later = event({ receivedAtMs: at + 20 * MINUTE_MS, path: '/next' });
    const nextVisit = event({ receivedAtMs: at + 50 * MINUTE_MS, path: '/again' });
    await append(store, [first, later, nextVisit], 1);
    const scope = { siteId: SITE, fromMs: at, toMs: at + HOUR_MS, filters: [] };
    const { rows } = await store.reports.breakdown(scope, 'source', { limit: 10 });
    expect(rows).toMatchObject([
      { value: 'ChatGPT', visitors: 1, visits: 1, pageviews: 2, referrals: 1 },
      { value: null, visitors: 1, visits: 1, pageviews: 1, referrals: 0, bounces: 1 },
    ]);
    const { items } = await store.reports.listActivity(scope, { type: 'event', limit: 10 });
    expect(items.map((one) => one.type === 'event' && one.event.source)).toEqual([
      null,
      'ChatGPT',
      'ChatGPT',
    ]);
    const { events } = await store.events.page(SITE, { limit: 10 });
    expect(events.map(({ channel }) => channel)).toEqual(['direct', 'ai', 'ai']);
  });

  it('counts the greatest engaged time of each view, and a short single view as a bounce', async () => {
    const store = await opened();
    const totals = () => store.reports.totals({ siteId: SITE, fromMs: at, toMs: at + DAY_MS, filters: [] });
    await store.events.append(event({ receivedAtMs: at }));
    expect(await totals()).toMatchObject({ visits: 1, bounces: 1, engagedMs: 0 });
    const left = (view: bigint, engagedMs: number) =>
      store.events.append(leave({ receivedAtMs: at + 1, view, engagedMs }));
    await left(1n, 4000);
    await left(1n, 9999);
    await left(1n, 3000);
    expect(await totals()).toMatchObject({ bounces: 1, engagedMs: 9999 });
    await left(2n, 1);
    expect(await totals()).toMatchObject({ bounces: 0, engagedMs: 10_000 });
    expect(await store.events.audit()).toMatchObject({ rollups: [] });
  });

  it.runIf(engine.outlivesRetention)('outlive rows deleted by retention', async () => {
    const store = await opened();
    const entries = trafficOf({
      seed: 9,
      fromMs: at - (at % DAY_MS),
      days: 2,
      perDay: 60,
      visitors: 8,
      clockSteps: 0,
    });
    await append(store, entries);
    const scope = {
      siteId: SITE,
      fromMs: at - (at % DAY_MS),
      toMs: at - (at % DAY_MS) + 2 * DAY_MS,
      filters: [],
    };
    const before = {
      totals: await store.reports.totals(scope),
      pages: await store.reports.breakdown(scope, 'page', { limit: 100 }),
      sources: await store.reports.breakdown(scope, 'source', { limit: 100 }),
      bots: await store.reports.breakdown(scope, 'bot', { limit: 100 }),
    };
    expect(await store.events.expire([{ siteId: SITE, beforeMs: scope.fromMs + DAY_MS }])).toBeGreaterThan(
      30,
    );
    expect(await store.events.audit()).toEqual({ counters: [], ledger: [], rollups: [], integrity: [] });
    expect({
      totals: await store.reports.totals(scope),
      pages: await store.reports.breakdown(scope, 'page', { limit: 100 }),
      sources: await store.reports.breakdown(scope, 'source', { limit: 100 }),
      bots: await store.reports.breakdown(scope, 'bot', { limit: 100 }),
    }).toEqual(before);
    const { items } = await store.reports.listActivity(scope, { type: 'event', limit: 1000 });
    expect(
      items.every((one) => one.type === 'event' && one.event.receivedAtMs >= scope.fromMs + DAY_MS),
    ).toBe(true);
  });

  it('pages through long and odd values one at a time', async () => {
    const store = await opened();
    // Beginnings that are the same for longer than a cursor is, in characters of several bytes.
    const long = Array.from({ length: 5 }, (_, i) => `/${'\u8a9e'.repeat(300)}${i}`);
    const odd = ['/', '/%', "/'", '/\\', '/\u{1f98a}', `/${'a'.repeat(255)}`, `/${'a'.repeat(256)}`];
    await append(
      store,
      [...long, ...odd].map((path) => event({ receivedAtMs: at, path })),
    );
    const scope = { siteId: SITE, fromMs: at, toMs: at + 1, filters: [] };
    const values = (await allRows(store, scope, 'page', 1)).map(({ value }) => value);
    expect(values.toSorted()).toEqual([...long, ...odd].toSorted());
    expect((await allRows(store, scope, 'page', 100)).map(({ value }) => value)).toEqual(values);
    const short = values.filter((value) => odd.slice(0, 5).includes(value ?? ''));
    expect(short).toEqual(['/', '/%', "/'", '/\\', '/\u{1f98a}']);
  });

  it('accepts a made-up cursor', async () => {
    const store = await opened();
    await append(store, [event({ receivedAtMs: at, path: '/a' }), event({ receivedAtMs: at, path: '/b' })]);
    const scope = { siteId: SITE, fromMs: at, toMs: at + 1, filters: [] };
    const places = [
      [1, 1, '/a'],
      [1.5, 1, '/a'],
      [1, 1e300, '/a'],
      [1, 1, '\0'],
      [1, 1, "'\\"],
      [1, 1, { a: 1 }],
    ];
    const written = places.map((place) => Buffer.from(JSON.stringify(place)).toString('base64url'));
    for (const cursor of ['', 'x', '1.2.3', 'NaN', 'W10', '9'.repeat(400), ...written]) {
      expect((await store.reports.breakdown(scope, 'page', { limit: 5, cursor })).rows.length).toBeLessThan(
        3,
      );
      expect(
        (await store.reports.listActivity(scope, { type: null, limit: 5, cursor })).items.length,
      ).toBeLessThan(3);
    }
  });

  it('refuses requests after the store is closed', async () => {
    const store = await opened();
    await store.close();
    await expect(store.reports.realtime(SITE, 0)).rejects.toThrow('closed');
  });
}
