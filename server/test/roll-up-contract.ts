import { afterAll, describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, utcDay } from '../src/domain/clock.ts';
import { type Dimension, EVENT_DIMENSIONS } from '../src/domain/dimensions.ts';
import type { GoalTarget } from '../src/domain/goals.ts';
import { sumOfMeasures } from '../src/domain/measures.ts';
import type { BreakdownRow, Entry, Filter, Scope, Store } from '../src/store/contract/store.ts';
import type { ReportingEngine } from './reports-contract.ts';
import { trafficOf } from './support/generated.ts';
import { makeFolder } from './support/paths.ts';
import { localBoundaries, Recount } from './support/recount.ts';

/** Compares reports over several sites with the sums of the sites' own reports, and with an independent recount. */

const FROM_MS = Date.UTC(2026, 9, 24);
/** The last day stays open. */
const DAYS = 3;
const TO_MS = FROM_MS + DAYS * DAY_MS;
/** In an order other than that of their names. */
const SITES = [
  { siteId: 'site_b', name: 'b.example' },
  { siteId: 'site_a', name: 'a.example' },
  { siteId: 'site_c', name: 'c.example' },
];

/** Traffic whose visitors have the same numbers on every site, as those of different sites may. */
const TRAFFIC = SITES.map(({ siteId }, i) =>
  trafficOf({
    seed: 20 + i,
    fromMs: FROM_MS,
    days: DAYS - (i === 1 ? 1 : 0),
    perDay: 70,
    visitors: 9,
    clockSteps: 0,
  })
    .toSorted((a, b) => a.receivedAtMs - b.receivedAtMs)
    .map((entry): Entry => ({ ...entry, siteId })),
);

/** The entries as those of one site: visitors and views of two sites differ. */
function joined(pageOf: (path: string, i: number) => string): Entry[] {
  return TRAFFIC.flatMap((entries, i) =>
    entries.map((entry): Entry => {
      const path = pageOf(entry.path, i);
      if (entry.kind === 'bot') return { ...entry, path };
      const visitor = entry.visitor + BigInt(i) * 2n ** 70n;
      if (entry.kind === 'event') return { ...entry, path, visitor };
      return { ...entry, path, visitor, view: (entry.view ?? 0n) + BigInt(i) * 2n ** 70n };
    }),
  );
}

const named = new Recount(joined((path, i) => `${SITES[i]?.name}${path}`));
/** With pages as they are stored. */
const plain = new Recount(joined((path) => path));

const WHOLE = { sites: SITES, fromMs: FROM_MS, toMs: TO_MS };
const SPANS = [
  WHOLE,
  { ...WHOLE, fromMs: FROM_MS + 5 * HOUR_MS + 1, toMs: FROM_MS + 2 * DAY_MS + 9 * HOUR_MS },
  { ...WHOLE, fromMs: FROM_MS + DAY_MS, toMs: FROM_MS + 2 * DAY_MS },
];

const FILTERS: readonly (readonly Filter[])[] = [
  [],
  [{ by: 'source', values: ['Google', null], negated: false }],
  [{ by: 'page', values: ['a.example/a', 'b.example/'], negated: false }],
  [{ by: 'page', values: ['c.example/b'], containing: ['A.example/'], negated: true }],
  [
    { by: 'entry', values: ['a.example/b'], negated: false },
    { by: 'country', values: ['DE', null], negated: false },
  ],
  [{ by: 'event', values: ['signup'], negated: false }],
  [{ by: 'prop:plan', values: ['pro'], negated: true }],
];

const GOALS: readonly GoalTarget[] = [
  { kind: 'event', pattern: 'signup' },
  { kind: 'page', pattern: '/b*' },
];

async function allRows(store: Store, scope: Scope, by: Dimension, limit: number): Promise<BreakdownRow[]> {
  const rows: BreakdownRow[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await store.reports.breakdown(scope, by, {
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    rows.push(...page.rows);
    cursor = page.nextCursor;
  }
  return rows;
}

/** Compares an engine's reports over several sites with sums and with an independent recount. */
export function describeRollUps(engine: Pick<ReportingEngine, 'name' | 'open'>): void {
  describe(`${engine.name}: reports over several sites`, () => {
    let filling: Promise<Store> | null = null;
    let closing: (() => Promise<void>) | null = null;
    afterAll(() => closing?.());

    /** Fills a store. The second day is sealed for the first two sites, and opened again for the third one. */
    async function fill(): Promise<Store> {
      const folder = await makeFolder();
      const store = await engine.open(folder.path);
      closing = async () => {
        await store.close();
        await folder.remove();
      };
      const late = (TRAFFIC[2] ?? []).filter(
        ({ receivedAtMs }) => utcDay(receivedAtMs) === utcDay(FROM_MS) + 1,
      );
      const afterwards = new Set<Entry>(late.slice(-9));
      for (const entry of TRAFFIC.flat().filter((each) => !afterwards.has(each)))
        await store.events.append(entry);
      await store.reports.sealDaysBefore(utcDay(TO_MS) - 1);
      for (const entry of afterwards) await store.events.append(entry);
      return store;
    }
    const filled = () => {
      filling ??= fill();
      return filling;
    };

    it('add up totals and series, which equal the sums of the sites', async () => {
      const { reports } = await filled();
      const boundaries = localBoundaries(FROM_MS - DAY_MS, TO_MS, 'Europe/Berlin', 'day');
      for (const span of SPANS)
        for (const filters of FILTERS) {
          const about = JSON.stringify({ span, filters });
          const totals = await reports.totals({ ...span, filters });
          expect(totals, about).toEqual(named.measures(span.fromMs, span.toMs, filters));
          const bySite = await reports.seriesBySite({ sites: SITES, filters }, [span.fromMs, span.toMs]);
          expect(sumOfMeasures(bySite.flat()), about).toEqual(totals);
          // A page of a single site has no name before it.
          if (filters.some(({ by }) => by === 'page' || by === 'entry')) continue;
          const { fromMs, toMs } = span;
          const each = await Promise.all(
            SITES.map(({ siteId }) => reports.totals({ siteId, fromMs, toMs, filters })),
          );
          expect(
            bySite.map(([measures]) => measures),
            about,
          ).toEqual(each);
        }
      for (const filters of FILTERS.slice(0, 3)) {
        const series = await reports.series({ sites: SITES, filters }, boundaries);
        expect(series).toEqual(
          boundaries.slice(1).map((end, i) => named.measures(boundaries[i] ?? 0, end, filters)),
        );
        const bySite = await reports.seriesBySite({ sites: SITES, filters }, boundaries);
        expect(series.map((_, i) => sumOfMeasures(bySite.flatMap((ofSite) => ofSite[i] ?? [])))).toEqual(
          series,
        );
      }
      expect(named.measures(FROM_MS, TO_MS, []).visitors).toBeGreaterThan(
        plain.measures(FROM_MS, TO_MS, []).visits / 9,
      );
    });

    it('rank rows over all sites, whole and page by page, with the name of the site before a page', async () => {
      const store = await filled();
      const dimensions: Exclude<Dimension, 'bot'>[] = [...EVENT_DIMENSIONS, 'prop:plan'];
      for (const [i, by] of dimensions.entries())
        for (const { span, filters } of [
          { span: WHOLE, filters: [] },
          { span: SPANS[i % SPANS.length] ?? WHOLE, filters: FILTERS[i % FILTERS.length] ?? [] },
        ])
          expect(await allRows(store, { ...span, filters }, by, 3), by).toEqual(
            named.breakdown(span.fromMs, span.toMs, filters, by),
          );
      for (const span of SPANS)
        expect(await allRows(store, { ...span, filters: [] }, 'bot', 2)).toEqual(
          named.botBreakdown(span.fromMs, span.toMs),
        );
      const matching = { values: [], containing: ['a.EXAMPLE/b'] };
      const found = await store.reports.breakdown({ ...WHOLE, filters: [] }, 'page', { limit: 99, matching });
      expect(found.rows.map(({ value }) => value)).toEqual(
        named
          .breakdown(FROM_MS, TO_MS, [], 'page')
          .flatMap(({ value }) => (value?.includes('a.example/b') ? [value] : [])),
      );
      expect(found.rows.length).toBeGreaterThan(0);
    });

    it('filter by a page of every site, if it has no name before it', async () => {
      const { reports } = await filled();
      for (const negated of [false, true]) {
        const filters: Filter[] = [{ by: 'page', values: ['/a'], negated }];
        expect(await reports.totals({ ...WHOLE, filters })).toEqual(plain.measures(FROM_MS, TO_MS, filters));
        const beside: Filter[] = [{ by: 'exit', values: ['/', 'a.example/b', null], negated }];
        const same: Filter[] = [
          { by: 'exit', values: [null, 'a.example/b', ...SITES.map(({ name }) => `${name}/`)], negated },
        ];
        expect(await reports.totals({ ...WHOLE, filters: beside })).toEqual(
          named.measures(FROM_MS, TO_MS, same),
        );
      }
    });

    it('add up revenue, goals, funnels, properties, journeys and views', async () => {
      const { reports } = await filled();
      for (const { fromMs, toMs } of SPANS)
        for (const filters of FILTERS.slice(0, 2)) {
          const scope = { sites: SITES, fromMs, toMs, filters };
          expect(await reports.revenue(scope, [fromMs, toMs])).toEqual([
            named.revenue(fromMs, toMs, filters),
          ]);
          expect(await reports.goals(scope, GOALS)).toEqual(plain.goals(fromMs, toMs, filters, GOALS));
          expect(await reports.properties(scope, 10)).toEqual(named.properties(fromMs, toMs, filters));
          const asked = { steps: GOALS.toReversed(), by: null };
          expect((await reports.funnel(scope, asked.steps, null, { limit: 1 })).rows).toEqual(
            plain.funnel(fromMs, toMs, filters, asked),
          );
          const page: GoalTarget = { kind: 'page', pattern: '/b*' };
          expect(await reports.journeys(scope, page, 9)).toEqual(plain.journeys(fromMs, toMs, filters, page));
          for (const by of [null, 'page', 'source'] as const)
            expect((await reports.views(scope, by, { limit: 99 })).rows, `${by}`).toEqual(
              named.views(fromMs, toMs, filters, by),
            );
        }
      const pages = named.breakdown(FROM_MS, TO_MS, [], 'page').map(({ value }) => value);
      expect(await reports.revenueBy({ ...WHOLE, filters: [] }, 'page', pages)).toEqual(
        pages.map((value) =>
          named.revenue(FROM_MS, TO_MS, [{ by: 'page', values: [value], negated: false }]),
        ),
      );
    });

    it('count a site without events as nothing, and only what is asked for', async () => {
      const { reports } = await filled();
      const none = { siteId: 'site_none', name: 'none.example' };
      const [a, b, c] = SITES.map(({ siteId }) => siteId);
      const { fromMs, toMs } = WHOLE;
      const of = (siteId = '') => reports.totals({ siteId, fromMs, toMs, filters: [] });
      const some = SITES.filter(({ siteId }) => siteId !== b);
      expect(await reports.totals({ ...WHOLE, sites: [none, ...some], filters: [] })).toEqual(
        sumOfMeasures([await of(a), await of(c)]),
      );
      expect(await reports.totals({ ...WHOLE, sites: [none, none], filters: [] })).toEqual(sumOfMeasures([]));
      expect(await reports.totals({ ...WHOLE, sites: [], filters: [] })).toEqual(sumOfMeasures([]));
      expect(await reports.eventsSince({ ...WHOLE, sites: [none, ...SITES] })).toBeNull();
    });
  });
}
