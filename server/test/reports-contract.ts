import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS, utcDay } from '../src/domain/clock.ts';
import {
  type Dimension,
  EVENT_DIMENSIONS,
  type FilterDimension,
  VIEW_DIMENSIONS,
  type ViewDimension,
  viewDimension,
} from '../src/domain/dimensions.ts';
import type { GoalTarget } from '../src/domain/goals.ts';
import { type Measures, type RowSort, SORT_MEASURES } from '../src/domain/measures.ts';
import type {
  ActivityItem,
  BreakdownRow,
  Entry,
  EventEntry,
  Filter,
  FunnelRow,
  Scope,
  Store,
  ValueFilter,
} from '../src/store/contract/store.ts';
import { event, leave, SITE } from './support/entries.ts';
import { randomFrom, type Traffic, trafficOf } from './support/generated.ts';
import { makeFolder, temporaryFolder } from './support/paths.ts';
import { localBoundaries, NOTHING, Recount } from './support/recount.ts';

/** Traffic to report on, and how much is asked about it. */
export interface World extends Traffic {
  /** Asks only about every third of the filters and dimensions, from this one on, since another world is asked about all. */
  third?: 0 | 1 | 2;
}

/** What an engine must provide so that its reports can be recounted. */
export interface ReportingEngine {
  name: string;
  /** Opens the store at a place, and creates it if there is none. */
  open(place: string): Promise<Store>;
  /** Traffic to report on. */
  worlds: readonly World[];
  /** Traffic of which all days but the newest are archived before it is reported on. */
  archivedWorlds?: readonly World[];
  /** Number of random spans to request totals for. Breakdowns, which take many queries each, use a tenth of them, in turn. */
  spans: number;
  /** Whether visits follow the time of receipt instead of the order in which events reached the store. */
  byReceipt: boolean;
  /** Whether reports still include what retention has deleted. */
  outlivesRetention: boolean;
}

/** A web vital without samples. */
const NO_VITAL = { p75: null, samples: 0, good: 0, needsImprovement: 0, poor: 0 };

async function append(store: Store, entries: readonly Entry[], atOnce = 50): Promise<void> {
  for (let i = 0; i < entries.length; i += atOnce)
    await Promise.all(entries.slice(i, i + atOnce).map((entry) => store.events.append(entry)));
}

const DIMENSIONS: readonly Exclude<Dimension, 'bot'>[] = [...EVENT_DIMENSIONS, 'prop:plan'];

const FILTERS: readonly Filter[] = [
  { by: 'page', values: ['/b', '/a'], negated: false },
  { by: 'page', values: ['/'], negated: true },
  { by: 'page', values: ['/b?x=1', '/c#'], negated: false },
  { by: 'entry', values: ['/b?x=2'], negated: true },
  { by: 'entry', values: ['/'], negated: false },
  { by: 'exit', values: ['/', '/never'], negated: true },
  { by: 'host', values: ['www.example.com'], negated: false },
  { by: 'source', values: ['Google', null], negated: false },
  { by: 'source', values: [null], negated: true },
  { by: 'channel', values: ['ai'], negated: false },
  { by: 'channel', values: ['direct', 'search'], negated: true },
  { by: 'campaign', values: ['spring'], negated: false },
  { by: 'utm_campaign', values: [null], negated: true },
  { by: 'utm_source', values: ['letter', null], negated: false },
  { by: 'utm_medium', values: ['email'], negated: true },
  { by: 'utm_content', values: ['top'], negated: false },
  { by: 'utm_term', values: [''], negated: false },
  { by: 'referrer', values: ['news.example/a'], negated: true },
  { by: 'region', values: ['Île-de-France'], negated: false },
  { by: 'city', values: [null], negated: true },
  { by: 'screen', values: ['small', 'large'], negated: false },
  { by: 'browser_version', values: ['Firefox 115'], negated: false },
  { by: 'os_version', values: ['iOS 17'], negated: true },
  { by: 'language', values: ['de'], negated: false },
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
  { by: 'page', values: [], containing: ['/A', 'zz'], negated: false },
  { by: 'page', values: [], containing: ['/a'], negated: true },
  { by: 'entry', values: [], containing: ['/'], negated: true },
  { by: 'source', values: [null], containing: ['goo'], negated: false },
  { by: 'source', values: [], containing: ['O'], negated: true },
  { by: 'channel', values: ['ai'], containing: ['sea'], negated: false },
  { by: 'event', values: [], containing: ['SIGN'], negated: false },
  { by: 'prop:plan', values: [], containing: ['R', '7'], negated: false },
  { by: 'prop:plan', values: [], containing: ['pro'], negated: true },
  { by: 'country', values: [], containing: [''], negated: false },
  { by: 'exit', values: [], containing: ["%_'\\"], negated: false },
  { by: 'goal', goals: [{ kind: 'page', pattern: '/*' }], negated: true },
  { by: 'goal', goals: [{ kind: 'event', pattern: 'signup' }], negated: false },
];

const GOALS: readonly GoalTarget[] = [
  { kind: 'event', pattern: 'signup' },
  { kind: 'event', pattern: 'sign*' },
  { kind: 'event', pattern: 'pageview' },
  { kind: 'page', pattern: '/a' },
  { kind: 'page', pattern: '/b' },
  { kind: 'page', pattern: '/*' },
  { kind: 'page', pattern: '/*a*' },
  { kind: 'page', pattern: '/never' },
  { kind: 'page', pattern: '/b?x=*' },
];

/** Steps of funnels, among them one that no event reaches, and the same one twice. */
const FUNNELS: readonly (readonly GoalTarget[])[] = [
  [
    { kind: 'page', pattern: '/' },
    { kind: 'page', pattern: '/a' },
  ],
  [
    { kind: 'page', pattern: '/*' },
    { kind: 'event', pattern: 'signup' },
    { kind: 'page', pattern: '/*' },
  ],
  [
    { kind: 'page', pattern: '/b' },
    { kind: 'page', pattern: '/never' },
    { kind: 'page', pattern: '/*' },
  ],
  Array.from({ length: 8 }, () => ({ kind: 'event', pattern: 'pageview' })),
];

/** Returns all rows of a funnel, page by page. */
async function allFunnelRows(
  store: Store,
  scope: Scope,
  { steps, by }: { steps: readonly GoalTarget[]; by: FilterDimension | null },
  limit: number,
): Promise<FunnelRow[]> {
  const rows: FunnelRow[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await store.reports.funnel(scope, steps, by, {
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    rows.push(...page.rows);
    if (page.nextCursor === null) return rows;
    cursor = page.nextCursor;
  }
}

async function allRows(
  store: Store,
  scope: { siteId: string; fromMs: number; toMs: number; filters: readonly Filter[] },
  by: Dimension,
  limit: number,
  options: Omit<Parameters<Store['reports']['breakdown']>[2], 'limit' | 'cursor'> = {},
) {
  const rows = [];
  for (let cursor: string | undefined; ; ) {
    const page = await store.reports.breakdown(scope, by, {
      ...options,
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

/** Compares an engine's reports of generated traffic with an independent recount of the appended entries. */
export function describeReports(engine: ReportingEngine): void {
  for (const world of engine.worlds)
    describe(`${engine.name}: reports of generated traffic (seed ${world.seed}) equal an independent recount`, () => {
      const traffic = trafficOn(engine, world, { isArchived: false });
      describeTraffic(engine, world, traffic);
      describeSingles(traffic);
    });
  for (const world of engine.archivedWorlds ?? [])
    describe(`${engine.name}: reports of archived traffic (seed ${world.seed}) equal an independent recount`, () => {
      const traffic = trafficOn(engine, world, { isArchived: true });
      describeTraffic({ ...engine, spans: Math.ceil(engine.spans / 4) }, world, traffic);
      describeSingles(traffic);
    });
}

/** Compares only lists of single events, and current visitors. */
export function describeActivity(engine: ReportingEngine): void {
  for (const world of engine.worlds)
    describe(`${engine.name}: single events of generated traffic (seed ${world.seed})`, () =>
      describeSingles(trafficOn(engine, world, { isArchived: false })));
}

/** Generated traffic, with what should be counted of it. The tests of a group only ask, so they share a store. */
function trafficOn(engine: ReportingEngine, world: Traffic, { isArchived }: { isArchived: boolean }) {
  const made = trafficOf(world);
  const entries = engine.byReceipt ? made.toSorted((a, b) => a.receivedAtMs - b.receivedAtMs) : made;
  const { fromMs, days } = world;
  const toMs = fromMs + days * DAY_MS;
  let filling: Promise<Store> | null = null;
  let closing: (() => Promise<void>) | null = null;
  afterAll(() => closing?.());

  /** Fills a store, with sealed days and a restart halfway through. */
  async function fill(): Promise<Store> {
    const folder = await makeFolder();
    const half = Math.floor(entries.length / 2);
    let store = await engine.open(folder.path);
    await append(store, entries.slice(0, half));
    await store.reports.sealDaysBefore(utcDay(toMs));
    await store.close();
    store = await engine.open(folder.path);
    closing = async () => {
      await store.close();
      await folder.remove();
    };
    await append(store, entries.slice(half), 7);
    await store.reports.sealDaysBefore(utcDay(toMs));
    if (isArchived) {
      const newest = utcDay(toMs) - 1;
      expect(await store.reports.archiveDaysBefore?.(newest)).toBe(newest);
    }
    return store;
  }

  const filled = () => {
    filling ??= fill();
    return filling;
  };
  return { entries, recount: new Recount(entries), toMs, whole: { siteId: SITE, fromMs, toMs }, filled };
}

type FilledTraffic = ReturnType<typeof trafficOn>;

function describeTraffic(
  { spans: spanCount }: Pick<ReportingEngine, 'spans'>,
  world: World,
  { entries, recount, toMs, whole, filled }: FilledTraffic,
): void {
  const { fromMs, days } = world;
  const random = randomFrom(world.seed * 7919);
  const askedFilters = thirdOf(FILTERS, world.third);
  const askedDimensions = thirdOf(DIMENSIONS, world.third);

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
    for (const filter of askedFilters) {
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
    for (const [i, by] of askedDimensions.entries()) {
      const { fromMs, toMs } = spans[i % spans.length] ?? whole;
      for (const asked of [
        { ...whole, filters: [] },
        { siteId: SITE, fromMs, toMs, filters: FILTERS.filter(() => random() < 0.06) },
      ])
        expect(await allRows(store, asked, by, 2), by).toEqual(
          recount.breakdown(asked.fromMs, asked.toMs, asked.filters, by),
        );
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

  it('sorts and searches the rows of breakdowns, and changes no number of them', async () => {
    const store = await filled();
    const sizes: Record<RowSort['by'], (row: BreakdownRow) => number> = {
      visitors: ({ visitors }) => visitors,
      visits: ({ visits }) => visits,
      pageviews: ({ pageviews }) => pageviews,
      events: ({ events }) => events,
      bounce: ({ bounces, visits }) => Math.floor((bounces * 1_000_000) / Math.max(visits, 1)),
      engaged: ({ engagedMs, visits }) => Math.floor(engagedMs / Math.max(visits, 1)),
    };
    for (const [i, by] of (['page', 'source', 'city', 'prop:plan'] as const).entries()) {
      const scope = { ...whole, filters: i % 2 === 0 ? [] : FILTERS.slice(0, 1) };
      const all = await allRows(store, scope, by, 1_000);
      for (const measure of SORT_MEASURES)
        for (const ascending of [false, true]) {
          const size = sizes[measure];
          // Sorting keeps the order of equals.
          const byValue = all.toSorted(
            (a, b) =>
              Number(a.value === null) - Number(b.value === null) || (`${a.value}` < `${b.value}` ? -1 : 1),
          );
          const more = measure === 'visitors' ? sizes.events : sizes.visitors;
          const expected = byValue.toSorted(
            (a, b) => (ascending ? size(a) - size(b) : size(b) - size(a)) || more(b) - more(a),
          );
          const sort = { by: measure, ascending };
          expect(await allRows(store, scope, by, 7, { sort }), `${by} by ${measure}`).toEqual(expected);
        }
      const [{ value: sought = null } = {}] = all.filter(({ value }) => (value ?? '').length > 1);
      const text = (sought ?? '').slice(1).toUpperCase();
      const matching = { values: [null], containing: [text] };
      expect(await allRows(store, scope, by, 2, { matching }), `${by} with ${text}`).toEqual(
        all.filter(({ value }) => value === null || value.toUpperCase().includes(text)),
      );
    }
    expect(
      await allRows(store, { ...whole, filters: [] }, 'bot', 2, { matching: { values: ['none'] } }),
    ).toEqual([]);
  });

  it('adds up revenue, and counts goals and properties', async () => {
    const store = await filled();
    const spans = [whole, ...spansIn(random, fromMs, days, Math.ceil(spanCount / 4))];
    for (const span of spans)
      for (const filters of [[], FILTERS.filter(() => random() < 0.06)]) {
        const scope = { siteId: SITE, fromMs: span.fromMs, toMs: span.toMs, filters };
        const middle = Math.floor((span.fromMs + span.toMs) / 2);
        expect(await store.reports.revenue(scope, [span.fromMs, middle, span.toMs])).toEqual([
          recount.revenue(span.fromMs, middle, filters),
          recount.revenue(middle, span.toMs, filters),
        ]);
        expect(await store.reports.goals(scope, GOALS)).toEqual(
          recount.goals(span.fromMs, span.toMs, filters, GOALS),
        );
        const properties = recount.properties(span.fromMs, span.toMs, filters);
        expect(await store.reports.properties(scope, 10)).toEqual(properties);
      }
    for (const filter of askedFilters)
      expect(
        await store.reports.revenue({ siteId: SITE, filters: [filter] }, [fromMs, toMs]),
        JSON.stringify(filter),
      ).toEqual([recount.revenue(fromMs, toMs, [filter])]);
    const boundaries = localBoundaries(fromMs, toMs, 'Asia/Kathmandu', 'hour');
    expect(await store.reports.revenue({ siteId: SITE, filters: [] }, boundaries)).toEqual(
      boundaries.slice(1).map((end, i) => recount.revenue(boundaries[i] ?? 0, end, [])),
    );
    for (const by of askedDimensions) {
      const rows = recount.breakdown(fromMs, toMs, [], by).map(({ value }) => value);
      const wanted = [...rows, 'never'];
      expect(await store.reports.revenueBy({ ...whole, filters: [] }, by, wanted), by).toEqual(
        wanted.map((value) => recount.revenue(fromMs, toMs, [{ by, values: [value], negated: false }])),
      );
    }
  });

  it('counts how far visits got through the steps of a funnel, whole and page by page', async () => {
    const store = await filled();
    const spans = [...FUNNELS.map(() => whole), ...spansIn(random, fromMs, days, Math.ceil(spanCount / 10))];
    for (const [i, span] of spans.entries())
      for (const filters of [[], FILTERS.filter(() => random() < 0.04)]) {
        const scope = { siteId: SITE, fromMs: span.fromMs, toMs: span.toMs, filters };
        const asked = { steps: FUNNELS[i % FUNNELS.length] ?? [], by: null };
        expect(await allFunnelRows(store, scope, asked, 1), JSON.stringify({ scope, asked })).toEqual(
          recount.funnel(span.fromMs, span.toMs, filters, asked),
        );
      }
    for (const by of ['page', 'exit', 'event', 'source', 'country', 'prop:plan'] as const) {
      const asked = { steps: FUNNELS[1] ?? [], by };
      expect(await allFunnelRows(store, { ...whole, filters: [] }, asked, 4), by).toEqual(
        recount.funnel(fromMs, toMs, [], asked),
      );
    }
    // Traffic in which no visit gets to a second step would show nothing.
    const counts = FUNNELS.flatMap((steps) => recount.funnel(fromMs, toMs, [], { steps, by: null }));
    expect(Math.max(...counts.map(({ steps }) => steps[1]?.visits ?? 0))).toBeGreaterThan(0);
  });

  it('counts the pages before and after a page', async () => {
    const store = await filled();
    const pages = GOALS.filter(({ kind }) => kind === 'page');
    for (const [i, span] of [whole, ...spansIn(random, fromMs, days, Math.ceil(spanCount / 10))].entries())
      for (const filters of [[], FILTERS.filter(() => random() < 0.04)])
        for (const page of pages.slice(i % pages.length).slice(0, 2)) {
          const scope = { siteId: SITE, fromMs: span.fromMs, toMs: span.toMs, filters };
          const counted = recount.journeys(span.fromMs, span.toMs, filters, page);
          expect(await store.reports.journeys(scope, page, 100), JSON.stringify({ scope, page })).toEqual(
            counted,
          );
          expect(await store.reports.journeys(scope, page, 1)).toEqual(
            counted.map((step) => ({ ...step, rows: step.rows.slice(0, 1) })),
          );
        }
    const counts = pages.map((page) => recount.journeys(fromMs, toMs, [], page));
    for (const step of [-1, 1])
      expect(counts.some((steps) => steps.some((each) => each.step === step && each.visits > 0))).toBe(true);
  });

  it('returns breakdown rows that equal the totals filtered by their value', async () => {
    const store = await filled();
    for (const by of askedDimensions) {
      for (const row of (await store.reports.breakdown({ ...whole, filters: [] }, by, { limit: 3 })).rows) {
        const { value, ...numbers } = row;
        const filters = [{ by, values: [value], negated: false }];
        expect(await store.reports.totals({ ...whole, filters })).toEqual(numbers);
      }
    }
  });

  it('returns views that ended, with their scroll depths and web vitals, whole and page by page', async () => {
    const store = await filled();
    const ofViews = askedFilters.filter(({ by }) => viewDimension(by) !== null);
    const views = async (
      span: { fromMs: number; toMs: number },
      filters: readonly Filter[],
      by: ViewDimension | null,
    ) => {
      const rows = [];
      for (let cursor: string | undefined; ; ) {
        const page = await store.reports.views({ siteId: SITE, ...span, filters }, by, {
          limit: by === 'page' ? 2 : 100,
          ...(cursor === undefined ? {} : { cursor }),
        });
        rows.push(...page.rows);
        if (page.nextCursor === null) return rows;
        cursor = page.nextCursor;
      }
    };
    for (const by of [null, ...VIEW_DIMENSIONS])
      expect(await views(whole, [], by), `${by}`).toEqual(recount.views(fromMs, toMs, [], by));
    for (const span of spansIn(random, fromMs, days, Math.ceil(spanCount / 10)))
      for (const filters of [[], ofViews.filter(() => random() < 0.1)])
        for (const by of [null, 'page', 'country'] as const)
          expect(await views(span, filters, by), `${by} ${JSON.stringify(filters)}`).toEqual(
            recount.views(span.fromMs, span.toMs, filters, by),
          );
    for (const filter of ofViews)
      expect(await views(whole, [filter], null), JSON.stringify(filter)).toEqual(
        recount.views(fromMs, toMs, [filter], null),
      );
    const [all] = recount.views(fromMs, toMs, [], null);
    expect(all?.views).toBeGreaterThan(5);
    expect(all?.vitals.lcp.samples).toBeGreaterThan(0);
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

/** Returns every third item from a first one on; all items if there is none. */
function thirdOf<Item>(items: readonly Item[], first: number | undefined): readonly Item[] {
  return first === undefined ? items : items.filter((_, i) => i % 3 === first);
}

function describeSingles({ recount, toMs, whole, filled }: FilledTraffic): void {
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

/** Checks an engine's answers about a few chosen entries. */
export function describeAnswers(
  engine: Pick<ReportingEngine, 'name' | 'open' | 'byReceipt' | 'outlivesRetention'>,
): void {
  describe(`${engine.name}: reports`, () => {
    const at = Date.UTC(2026, 4, 14, 9);
    async function opened(): Promise<Store> {
      const store = await engine.open(await temporaryFolder());
      onTestFinished(() => store.close());
      return store;
    }

    let sharing: Promise<Store> | null = null;
    let closing: (() => Promise<void>) | null = null;
    let sites = 0;
    afterAll(() => closing?.());
    /** Opens a store that several tests share. */
    async function open(): Promise<Store> {
      const folder = await makeFolder();
      const store = await engine.open(folder.path);
      closing = async () => {
        await store.close();
        await folder.remove();
      };
      return store;
    }
    /** Stores a view of a page as the only event of a new site. @returns the store, and the scope of that event */
    async function viewOf(path: string) {
      sharing ??= open();
      const store = await sharing;
      const siteId = `site_${++sites}`;
      await store.events.append(event({ siteId, receivedAtMs: at, path }));
      return { store, scope: { siteId, fromMs: at, toMs: at + 1 } };
    }

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
        const noStep = { visitors: 0, visits: 0 };
        expect(
          await store.reports.funnel({ ...scope, siteId }, GOALS.slice(0, 2), null, { limit: 1 }),
        ).toEqual({
          rows: [{ value: null, steps: [noStep, noStep] }],
          nextCursor: null,
        });
        expect((await store.reports.views({ ...scope, siteId }, null, { limit: 1 })).rows).toMatchObject([
          { value: null, views: 0, scrolled: 0, vitals: { cls: NO_VITAL } },
        ]);
        expect(await store.reports.views({ ...scope, siteId }, 'page', { limit: 1 })).toEqual({
          rows: [],
          nextCursor: null,
        });
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

    it('counts a single view as a bounce unless something interactive happened', async () => {
      const store = await opened();
      const bouncing = async () => {
        const scope = { siteId: SITE, fromMs: at, toMs: at + HOUR_MS, filters: [] };
        const { rows } = await store.reports.breakdown(scope, 'language', { limit: 10 });
        return rows.flatMap(({ value, bounces }) => (bounces === 1 ? [value] : [])).sort();
      };
      const by = (language: string, more: Partial<EventEntry>) =>
        store.events.append(
          event({ receivedAtMs: at, visitor: BigInt(language.charCodeAt(0)), language, ...more }),
        );
      const error = { name: '404', interactive: false };
      await by('a', {});
      await by('a', { ...error, receivedAtMs: at + 1 });
      await by('b', {});
      await by('b', { name: 'signup', receivedAtMs: at + 1 });
      // Before the view, and twice.
      await by('c', error);
      await by('c', { receivedAtMs: at + 1 });
      await by('c', { ...error, receivedAtMs: at + 2 });
      // Without a view, and with two.
      await by('d', error);
      await by('e', { interactive: false });
      await by('e', { interactive: false, receivedAtMs: at + 1 });
      await by('f', { interactive: false });
      expect(await bouncing()).toEqual(['a', 'c', 'f']);
      await store.reports.sealDaysBefore(utcDay(at) + 1);
      expect(await bouncing()).toEqual(['a', 'c', 'f']);
      // Late.
      await by('c', { name: 'signup', receivedAtMs: at + 3 });
      await by('f', { ...error, receivedAtMs: at + 3 });
      expect(await bouncing()).toEqual(['a', 'f']);
      await store.reports.sealDaysBefore(utcDay(at) + 1);
      expect(await bouncing()).toEqual(['a', 'f']);
      expect(await store.events.audit()).toMatchObject({ rollups: [] });
    });

    it('keeps the greatest scroll depth and the newest vitals of each view, and treats what was not measured as unknown', async () => {
      const store = await opened();
      const scope = { siteId: SITE, fromMs: at, toMs: at + DAY_MS, filters: [] };
      const totals = async () => (await store.reports.views(scope, null, { limit: 1 })).rows[0];
      expect(await totals()).toMatchObject({
        views: 0,
        scrolled: 0,
        scrollSum: 0,
        vitals: { lcp: NO_VITAL },
      });
      await append(store, [
        event({ receivedAtMs: at, country: 'DE' }),
        leave({ receivedAtMs: at + 1, view: 1n, scroll: 40, vitals: { lcp: 9_000, cls: 0 } }),
      ]);
      expect(await totals()).toMatchObject({
        views: 1,
        scrollSum: 40,
        vitals: { lcp: { p75: 9_000, poor: 1 } },
      });
      await append(
        store,
        [
          leave({ receivedAtMs: at + 2, view: 1n, scroll: 60, vitals: { lcp: 2_500, cls: 0.25 } }),
          leave({ receivedAtMs: at + 3, view: 1n, scroll: 10, vitals: null }),
          leave({ receivedAtMs: at + 4, view: 2n, scroll: null, vitals: null }),
          leave({ receivedAtMs: at + 5, view: 3n, scroll: 0, visitor: 77n, path: '/alone' }),
        ],
        1,
      );
      expect(await totals()).toMatchObject({
        ...{ views: 3, scrolled: 2, scrollSum: 60 },
        vitals: {
          lcp: { p75: 2_500, samples: 1, good: 1, needsImprovement: 0, poor: 0 },
          cls: { p75: 0.25, samples: 1, good: 0, needsImprovement: 1, poor: 0 },
          inp: NO_VITAL,
        },
      });
      const { rows } = await store.reports.views(scope, 'country', { limit: 10 });
      expect(rows).toMatchObject([
        { value: 'DE', views: 2, scrolled: 1 },
        { value: null, views: 1, scrolled: 1, scrollSum: 0 },
      ]);
      const alone = { by: 'page', values: ['/alone'], negated: false } as const;
      const ofPage = await store.reports.views({ ...scope, filters: [alone] }, 'page', { limit: 10 });
      expect(ofPage).toMatchObject({ rows: [{ value: '/alone', views: 1 }], nextCursor: null });
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
      expect(await store.reports.eventsSince(scope)).toBe(scope.fromMs + DAY_MS);
      expect(await store.reports.eventsSince({ ...scope, fromMs: scope.fromMs + DAY_MS })).toBeNull();
      expect(await store.reports.eventsSince({ ...scope, siteId: 'site_none' })).toBeNull();
      const { items } = await store.reports.listActivity(scope, { type: 'event', limit: 1000 });
      expect(
        items.every((one) => one.type === 'event' && one.event.receivedAtMs >= scope.fromMs + DAY_MS),
      ).toBe(true);
    });

    it('add up values exactly, without a limit', async () => {
      const store = await opened();
      const paid = (value: number, currency: string | null) =>
        event({ receivedAtMs: at, name: 'purchase', value, currency, visitor: BigInt(Math.round(value)) });
      await append(
        store,
        [
          ...Array.from({ length: 15_000 }, () => paid(49.9, 'EUR')),
          ...[paid(0.1, 'USD'), paid(0.2, 'USD'), paid(-0.01, null), paid(0.000_001, null)],
          ...[paid(1e15, 'JPY'), paid(1, 'JPY'), paid(-1e15, 'JPY'), paid(1e300, 'XXX'), paid(-1e300, 'XXX')],
        ],
        1_000,
      );
      const revenue = [
        { currency: 'EUR', amount: 748_500 },
        { currency: 'JPY', amount: 1 },
        { currency: 'USD', amount: 0.3 },
        { currency: 'XXX', amount: 0 },
        { currency: null, amount: -0.009_999 },
      ];
      const scope = { siteId: SITE, fromMs: at - HOUR_MS, toMs: at + HOUR_MS, filters: [] };
      const expectRevenue = async () => {
        expect(await store.reports.revenue(scope, [scope.fromMs, at, scope.toMs])).toEqual([[], revenue]);
        expect(await store.reports.revenueBy(scope, 'event', ['pageview', 'purchase'])).toEqual([
          [],
          revenue,
        ]);
        expect(await store.reports.goals(scope, [{ kind: 'event', pattern: 'purchase' }])).toMatchObject([
          { conversions: 15_009, revenue },
        ]);
      };
      await expectRevenue();
      await store.reports.sealDaysBefore(utcDay(at) + 1);
      await expectRevenue();
    });

    it('count a page goal by views of its page, whatever their query and hash', async () => {
      const store = await opened();
      const pages = [
        '/thanks',
        '/thanks#a',
        '/thanks/',
        '/caf%C3%A9',
        '/caf%c3%a9',
        '/app#/about',
        '/app#/x',
      ];
      await append(store, [
        ...pages.map((path, i) => event({ receivedAtMs: at, path, visitor: BigInt(i) })),
        event({ receivedAtMs: at, path: '/thanks', name: 'click', visitor: 0n }),
        event({ receivedAtMs: at + 1, path: '/thanks', visitor: 0n }),
      ]);
      const scope = { siteId: SITE, fromMs: at, toMs: at + HOUR_MS, filters: [] };
      const patterns = ['/thanks', '/thanks*', '/caf%C3%A9', '/app', '/app#/about', '/app#*', '/th?nks'];
      const counts = await store.reports.goals(
        scope,
        patterns.map((pattern) => ({ kind: 'page', pattern })),
      );
      expect(counts.map(({ visitors, conversions }) => [visitors, conversions])).toEqual([
        ...[
          [2, 3],
          [3, 4],
          [2, 2],
          [2, 2],
          [1, 1],
          [2, 2],
        ],
        [0, 0],
      ]);
      for (const [i, pattern] of patterns.entries()) {
        const goals = [{ kind: 'page', pattern }] as const;
        const filters = [{ by: 'goal', goals, negated: false }] as const;
        const { visitors, events } = await store.reports.totals({ ...scope, filters });
        expect([visitors, events]).toEqual([counts[i]?.visitors, counts[i]?.conversions]);
        const others = [{ by: 'goal', goals, negated: true }] as const;
        expect((await store.reports.totals({ ...scope, filters: others })).events).toBe(9 - events);
      }
      expect(
        (await store.reports.totals({ ...scope, filters: [{ by: 'goal', goals: [], negated: false }] }))
          .events,
      ).toBe(0);
      expect(await store.reports.goals(scope, [])).toEqual([]);
    });

    it('count a step of a funnel only by an event after the step before, within a visit', async () => {
      const store = await opened();
      const [a, b] = [
        { kind: 'page', pattern: '/a' },
        { kind: 'page', pattern: '/b*' },
      ] as const;
      const by = (visitor: bigint, ...paths: readonly string[]) =>
        paths.map((path, i) => event({ receivedAtMs: at + i, path, visitor }));
      await append(
        store,
        [
          ...by(1n, '/a', '/x', '/b1', '/b2'),
          ...by(2n, '/b1', '/a'),
          ...by(3n, '/a'),
          ...by(4n, '/b1', '/a', '/b2'),
          // The second visit goes on where the first one ended, and so does not get further.
          event({ receivedAtMs: at, path: '/a', visitor: 5n }),
          event({ receivedAtMs: at + 30 * MINUTE_MS, path: '/b1', visitor: 5n }),
          // Two visits of one visitor, in the same millisecond within each.
          ...[0, 40].flatMap((minutes) =>
            ['/a', '/b1'].map((path) =>
              event({ receivedAtMs: at + minutes * MINUTE_MS, path, visitor: 6n, country: 'DE' }),
            ),
          ),
        ],
        1,
      );
      const scope = { siteId: SITE, fromMs: at, toMs: at + 2 * HOUR_MS, filters: [] };
      const asked = async (steps: readonly GoalTarget[]) =>
        (await allFunnelRows(store, scope, { steps, by: null }, 1))[0]?.steps;
      const expectCounts = async () => {
        expect(await asked([a, b])).toEqual([
          { visitors: 6, visits: 7 },
          { visitors: 3, visits: 4 },
        ]);
        // One event is not two steps.
        expect(await asked([b, b])).toEqual([
          { visitors: 5, visits: 6 },
          { visitors: 2, visits: 2 },
        ]);
        expect(await allFunnelRows(store, scope, { steps: [a, b], by: 'country' }, 1)).toEqual([
          { value: null, steps: [5, 2].map((count) => ({ visitors: count, visits: count })) },
          { value: 'DE', steps: [2, 2].map((visits) => ({ visitors: 1, visits })) },
        ]);
      };
      await expectCounts();
      await store.reports.sealDaysBefore(utcDay(at) + 1);
      await expectCounts();
      expect(await store.reports.funnel(scope, [], null, { limit: 1 })).toEqual({
        rows: [{ value: null, steps: [] }],
        nextCursor: null,
      });
    });

    it('search every value for a text', async () => {
      const store = await opened();
      const views = (path: string, count: number, visitor: bigint) =>
        Array.from({ length: count }, () => event({ receivedAtMs: at, path, visitor }));
      await append(
        store,
        [
          ...Array.from({ length: 1_500 }, (_, i) => views(`/blog/${i}`, 1, BigInt(i))).flat(),
          ...views('/about', 100, -1n),
        ],
        400,
      );
      const scope = { siteId: SITE, fromMs: at - HOUR_MS, toMs: at + HOUR_MS };
      const events = async (filter: Omit<ValueFilter, 'by' | 'values'>) => {
        const filters = [{ by: 'page', values: [], ...filter }] as const;
        const totals = await store.reports.totals({ ...scope, filters });
        const rows = await allRows(store, { ...scope, filters }, 'page', 1_000);
        expect(sum(rows, 'events')).toBe(totals.events);
        return totals.events;
      };
      expect(await events({ containing: ['/BLOG/'], negated: false })).toBe(1_500);
      expect(await events({ containing: ['/blog/'], negated: true })).toBe(100);
      expect(await events({ containing: ['g/1499', 'ABO'], negated: false })).toBe(101);
      const goals = [{ kind: 'page', pattern: '/blog/*' }] as const;
      expect(await store.reports.goals({ ...scope, filters: [] }, goals)).toMatchObject([
        { visitors: 1_500, conversions: 1_500 },
      ]);
    });

    it.each([
      // A text, and what is sought in it.
      ['/ß/ÄÖÜ', 'ß/äö', true],
      ['/\u039f\u0394\u039f\u03a3', '\u03bf\u03b4\u03bf\u03c2', true],
      ['/\u039f\u0394\u039f\u03a3-x', '\u039f\u0394\u039f\u03a3', true],
      ['/\u0130ris', '/iris', true],
      ['/\u0130ris', '/\u0130RI', true],
      ['/100%_a', '0%_A', true],
      ['/100xya', '0%_A', false],
      ["/it's\\n", "'S\\N", true],
      ['/\u{1f98a}', '\u{1f98a}', true],
      ['/a', '\u{1f98a}', false],
      // Escapes are what people read. Those of earlier versions may be in lower case.
      ['/caf%C3%A9', '\u00c9', true],
      ['/caf%c3%a9', 'f\u00e9', true],
      ['/caf%C3%A9', '%c3%a9', true],
      ['/%C3%89cole/%C3%A9t%C3%A9', 'ecole', false],
      ['/%C3%89cole/%C3%A9t%C3%A9', '\u00c9cole/\u00e9', true],
      ['/%CE%9F%CE%94%CE%9F%CE%A3', '\u03bf\u03b4\u03bf\u03c2', true],
      ['/%F0%9F%A6%8A', '\u{1f98a}', true],
      ['/caf%C3%A9', 'c3', false],
      ['/caf%C3%A9', '9', false],
      ['/caf%C3%A9', '%', false],
      ['/%C3%A9c3', 'c3', true],
      ['/%2Blog', 'blog', false],
      ['/a%2Fb', 'a/b', false],
      ['/a%2Fb', 'A%2FB', true],
      ['/100%25', '100%', true],
      ['/100%', '100%', true],
      ['/100%20', '0%2', false],
      ['/%FF', 'ff', false],
      ['/%FF', '%ff', true],
      ['/a%20b', 'a b', true],
      [`/${'%C3%A9'.repeat(1_000)}`, '\u00c9'.repeat(1_000), true],
      [`/${'%C3%A9'.repeat(1_000)}`, '\u0130'.repeat(4_000), false],
      ['/?q=a+b', 'a b', true],
      ['/a|b(c)[d]{e}^$.*\\', '|B(C)[D]{E}^$.*\\', true],
    ])('find in %j the text %j: %s', async (path, text, isThere) => {
      const { store, scope } = await viewOf(path);
      const events = async (filter: Omit<ValueFilter, 'by' | 'values'>) =>
        (await store.reports.totals({ ...scope, filters: [{ by: 'page', values: [], ...filter }] })).events;
      expect(await events({ containing: [text], negated: false })).toBe(isThere ? 1 : 0);
      expect(await events({ containing: [text], negated: true })).toBe(isThere ? 0 : 1);
    });

    it.each([
      ['/a/b', '/a/*', true],
      ['/a/b', '/a*b', true],
      ['/a\nb', '/a*b', true],
      ['/a/b', '/A/*', false],
      ['/a/b\n', '/a/b', false],
      ['/a.b', '/a.*', true],
      ['/axb', '/a.b', false],
      ['/a(b)+[c]{1}^$|\\d', '/a(b)+[c]{1}^$|\\*', true],
      ['/ab', '*', true],
      ['/ab', '**b', true],
      ['/ab', '/ab*ab', false],
      ['/caf\u00e9', '/caf*', true],
    ])('match the page %j with the goal %j: %s', async (path, pattern, isMatch) => {
      const { store, scope } = await viewOf(path);
      const [count] = await store.reports.goals({ ...scope, filters: [] }, [{ kind: 'page', pattern }]);
      expect(count?.conversions).toBe(isMatch ? 1 : 0);
    });

    it('search the ends of paths', async () => {
      const store = await opened();
      const pages = ['/blog', '/blog/', '/Blog?p=1', '/blog/#x', '/blog/post', '/x?u=/blog', '/caf%C3%A9/'];
      await append(
        store,
        pages.map((path, i) => event({ receivedAtMs: at, path, visitor: BigInt(i) })),
      );
      const scope = { siteId: SITE, fromMs: at, toMs: at + 1 };
      const found = async (text: string) => {
        const filter = { by: 'page', values: [], ending: [text], negated: false } as const;
        const rows = await allRows(store, { ...scope, filters: [filter] }, 'page', 10);
        return rows.map(({ value }) => value).toSorted();
      };
      expect(await found('/blog')).toEqual(['/Blog?p=1', '/blog', '/blog/', '/blog/#x']);
      expect(await found('CAF\u00c9')).toEqual(['/caf%C3%A9/']);
      expect(await found('9')).toEqual([]);
    });

    it('count a page goal by all of its patterns, and a space in a query in either spelling', async () => {
      const store = await opened();
      const pages = ['/a', '/a/', '/a/b', '/ab', '/s?q=x+y', '/s?q=x%20y', '/s?q=xy'];
      await append(
        store,
        pages.map((path, i) => event({ receivedAtMs: at, path, visitor: BigInt(i) })),
      );
      const scope = { siteId: SITE, fromMs: at, toMs: at + 1, filters: [] };
      const counts = await store.reports.goals(scope, [
        { kind: 'page', pattern: '/a/', alternatives: ['/a'] },
        { kind: 'page', pattern: '/a/*', alternatives: ['/a'] },
        { kind: 'page', pattern: '/s?q=x+y' },
        { kind: 'page', pattern: '/s?q=x%20*' },
      ]);
      expect(counts.map(({ conversions }) => conversions)).toEqual([2, 3, 2, 2]);
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

    it('counts an event with an empty object of properties', async () => {
      const store = await opened();
      await append(store, [
        event({ receivedAtMs: at, props: {} }),
        event({ receivedAtMs: at, props: { plan: 'pro' } }),
      ]);
      const scope = { siteId: SITE, fromMs: at, toMs: at + 1, filters: [] };
      expect(await store.reports.totals(scope)).toMatchObject({ events: 2 });
      expect(
        (await allRows(store, scope, 'prop:plan', 10)).map(({ value, events }) => [value, events]),
      ).toEqual([['pro', 1]]);
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
  });
}
