import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashPassword } from '../src/app/passwords.ts';
import { toFilter } from '../src/app/reports/filters.ts';
import { comparedSpan, RANGES, spanOf } from '../src/app/reports/spans.ts';
import { DEMO_EMAIL, fillDemo } from '../src/commands/demo/fill.ts';
import { trafficOf } from '../src/commands/demo/traffic.ts';
import { loadAssets } from '../src/dashboard/kit/assets.ts';
import { curlOf } from '../src/dashboard/report/curl.ts';
import { withTypedFilter } from '../src/dashboard/report/filter-form.ts';
import { readReportFilters, withFilters } from '../src/dashboard/report/filters.ts';
import { Links } from '../src/dashboard/report/links.ts';
import { civilDay, readDate, startOfDay, writeDate } from '../src/domain/calendar.ts';
import { DAY_MS, HOUR_MS } from '../src/domain/clock.ts';
import type { FilterDimension } from '../src/domain/dimensions.ts';
import { parseFilter, printFilter, type ReportFilter } from '../src/domain/filters.ts';
import type { RefusalReason } from '../src/domain/outcomes.ts';
import { matchesPattern } from '../src/domain/patterns.ts';
import { csvRow } from '../src/http/csv.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { event } from './support/entries.ts';
import { root } from './support/paths.ts';
import { type RunningServer, World } from './support/world.ts';

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'Africa/Cairo',
  'Pacific/Apia',
  'Asia/Beirut',
];
const SPAN = { min: Date.UTC(2010, 0, 1), max: Date.UTC(2030, 0, 1) };

describe('days', () => {
  it('makes days contiguous in every time zone, and puts every instant in its own day', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), fc.integer(SPAN), (zone, atMs) => {
        const day = civilDay(zone, atMs);
        const [startMs, endMs] = [startOfDay(zone, day), startOfDay(zone, day + 1)];
        // In a time zone that skips a whole day (Apia, 30 December 2011), that day is empty.
        expect(endMs - startMs).toBeGreaterThanOrEqual(0);
        expect(endMs - startMs).toBeLessThanOrEqual(2 * DAY_MS);
        if (zone !== 'Pacific/Apia') {
          expect(startMs).toBeLessThanOrEqual(atMs);
          expect(atMs).toBeLessThan(endMs);
          expect(civilDay(zone, startMs)).toBe(day);
          expect(civilDay(zone, startMs - 1)).toBe(day - 1);
        }
      }),
    );
  });

  it('reads days only from ISO dates', () => {
    expect(writeDate(readDate('2024-02-29') ?? 0)).toBe('2024-02-29');
    for (const text of ['2023-02-29', '2024-2-9', '2024-02-29T00:00', '', 'today'])
      expect(readDate(text)).toBeNull();
  });
});

describe('a span', () => {
  it('covers a span with buckets without gaps', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES.filter((zone) => zone !== 'Pacific/Apia')),
        fc.constantFrom(...RANGES.map(({ id }) => id), 'custom', 'nonsense'),
        fc.constantFrom(null, 'hour', 'day', 'week', 'month', 'nonsense'),
        fc.integer({ min: Date.UTC(2020, 0, 1), max: SPAN.max }),
        (zone, range, interval, nowMs) => {
          const asked = { range, from: '2023-10-28', to: '2023-10-30', interval };
          const span = spanOf(asked, { zone, nowMs, createdAtMs: nowMs - 700 * DAY_MS });
          expect(span.boundariesMs[0]).toBe(span.fromMs);
          expect(span.boundariesMs.at(-1)).toBe(span.toMs);
          expect([...span.boundariesMs].sort((a, b) => a - b)).toEqual(span.boundariesMs);
          expect(new Set(span.boundariesMs).size).toBe(span.boundariesMs.length);
          expect(span.intervals).toContain(span.interval);
          expect(span.isOpen).toBe(span.toMs > nowMs);
          const before = comparedSpan(span, 'previous', zone);
          if (range === 'all') expect(before).toBeNull();
          else if (before !== null) {
            expect(before.boundariesMs[0]).toBe(before.fromMs);
            expect(before.fromMs).toBeLessThan(span.fromMs);
            expect(before.toMs).toBeLessThanOrEqual(
              span.fromMs + 2 * HOUR_MS + (range === '24h' || range === '60m' ? DAY_MS : 0),
            );
          }
        },
      ),
    );
  });

  it('matches the boundaries of a span and its comparison through every clock change', () => {
    const dates = fc.constantFrom(
      ...['2011-12-29', '2011-12-30', '2011-12-31', '2025-04-06', '2025-10-05', '2025-10-06', '2025-10-26'],
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        dates,
        fc.nat(3),
        fc.constantFrom('previous' as const, 'year' as const),
        (zone, from, days, comparison) => {
          const to = writeDate((readDate(from) ?? 0) + days);
          const span = spanOf(
            { range: 'custom', from, to, interval: null },
            { zone, nowMs: SPAN.max, createdAtMs: 0 },
          );
          const compared = comparedSpan(span, comparison, zone);
          for (const boundaries of [span.boundariesMs, compared?.boundariesMs ?? []]) {
            expect([...new Set(boundaries)].sort((a, b) => a - b)).toEqual(boundaries);
          }
          expect(compared?.boundariesMs.at(-1)).toBe(compared?.toMs);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('begins for all time with the first day that may have events: two days before the site was added', () => {
    const nowMs = Date.UTC(2026, 4, 14, 12);
    const span = spanOf(
      { range: 'all', from: null, to: null, interval: null },
      { zone: 'UTC', nowMs, createdAtMs: nowMs },
    );
    expect(new Date(span.fromMs).toISOString()).toBe('2026-05-12T00:00:00.000Z');
    expect(span.toMs).toBe(nowMs + 1);
  });

  it('has the last 60 minutes, the current one included', () => {
    const nowMs = Date.UTC(2026, 4, 14, 0, 10, 30);
    const span = spanOf(
      { range: '60m', from: null, to: null, interval: null },
      { zone: 'Asia/Kathmandu', nowMs, createdAtMs: 0 },
    );
    expect(span.boundariesMs).toHaveLength(61);
    expect(new Date(span.fromMs).toISOString()).toBe('2026-05-13T23:11:00.000Z');
    expect([span.toMs, span.isOpen, span.intervals]).toEqual([nowMs + 1, true, ['minute']]);
    // A quarter to six at midnight UTC.
    expect([span.firstDay, span.lastDay].map(writeDate)).toEqual(['2026-05-14', '2026-05-14']);
    expect(comparedSpan(span, 'previous', 'Asia/Kathmandu')).toMatchObject({ fromMs: span.fromMs - DAY_MS });
  });

  it('divides a span of hours into the same buckets as the API', () => {
    const zone = 'Australia/Lord_Howe';
    const context = { zone, nowMs: Date.UTC(2025, 9, 7, 3, 10), createdAtMs: 0 };
    const day = spanOf({ range: 'custom', from: '2025-10-05', to: '2025-10-05', interval: null }, context);
    // At 02:00 the clocks go to 02:30: 00:00, 01:00, 02:30, 03:00.
    expect(day.boundariesMs.slice(0, 4).map((atMs) => new Date(atMs).toISOString())).toEqual([
      '2025-10-04T13:30:00.000Z',
      '2025-10-04T14:30:00.000Z',
      '2025-10-04T15:30:00.000Z',
      '2025-10-04T16:00:00.000Z',
    ]);
    // India is 5:30 ahead: its hours begin at half past by UTC.
    const india = spanOf(
      { range: '24h', from: null, to: null, interval: null },
      { ...context, zone: 'Asia/Kolkata' },
    );
    expect(india.boundariesMs.slice(0, -1)).toHaveLength(24);
    for (const atMs of india.boundariesMs.slice(0, -1)) expect(atMs % HOUR_MS).toBe(HOUR_MS / 2);
    expect(new Date(india.boundariesMs.at(-2) ?? 0).toISOString()).toBe('2025-10-07T02:30:00.000Z');
  });
});

describe('filters', () => {
  it('survive a round trip through the URL', () => {
    const text = fc.string({ maxLength: 200, unit: 'binary' });
    const by = fc.constantFrom<FilterDimension>('page', 'country', 'prop:a.b%2Ec', 'prop:a:b|c\\');
    const values = <T>(value: fc.Arbitrary<T>) => fc.uniqueArray(value, { minLength: 1, maxLength: 5 });
    const filter = fc.oneof(
      fc.record({
        by,
        operator: fc.constant('is' as const),
        negated: fc.boolean(),
        values: values(fc.option(text)),
      }),
      fc.record({
        by,
        operator: fc.constant('contains' as const),
        negated: fc.boolean(),
        values: values(text),
      }),
    );
    fc.assert(
      fc.property(filter, (asked) => {
        expect(parseFilter(printFilter(asked))).toEqual(asked);
        const query = withFilters(new URLSearchParams(), [asked]);
        expect(readReportFilters(new URLSearchParams(query.toString()))).toEqual([asked]);
      }),
    );
  });

  it('reads filters of one dimension as alternatives in old links, and applies all in new ones', () => {
    const read = (text: string) => readReportFilters(new URLSearchParams(text)).map(printFilter);
    expect(read('f=is.page./a&f=is.page./b&f=lacks.page.x:y&f=some.prop:a%252Eb')).toEqual([
      'page:/a|/b',
      '!~page:x\\:y',
      '!prop:a.b:',
    ]);
    expect(read('f=page:/a&f=page:/b|/c&f=~source:goo')).toEqual(['page:/a', 'page:/b|/c', '~source:goo']);
    expect(read('f=is.prop:plan.&f=none.prop:plan')).toEqual(['prop:plan:\\0|']);
  });

  it('keeps links that add or remove filters within the limits of the API', () => {
    const links = (text: string) => new Links('/x', new URLSearchParams(text));
    const leadsTo = (address: string) =>
      readReportFilters(new URL(address, 'http://h').searchParams).map(printFilter);
    const two = links('f=is.country.DE&f=country:AT&range=7d');
    expect(leadsTo(two.withValue('country', 'FR'))).toEqual(['country:DE|FR', 'country:AT']);
    expect(leadsTo(two.withValue('source', null))).toEqual(['country:DE', 'country:AT', 'source:']);
    const [german] = two.filters;
    if (german === undefined) throw new Error('there is no filter');
    expect(leadsTo(two.without(german))).toEqual(['country:AT']);
    expect(leadsTo(two.withoutValue(german, 'DE'))).toEqual(['country:AT']);
    const many = `country:${Array.from({ length: 100 }, (_, i) => `c${i}`).join('|')}`;
    expect(leadsTo(links(`f=${many}`).withValue('country', 'DE'))).toEqual([many]);
  });

  it('takes filters of one dimension as alternatives, and ignores invalid ones', () => {
    const asked = readReportFilters(
      new URLSearchParams(
        'f=is.page./a&f=is.page./b&f=not.country.DE&f=none.source&f=bad&f=is.bot.x&f=is.__proto__.x&f=has.page',
      ),
    );
    expect(asked.map((filter) => toFilter(filter, [], { mergeTrailingSlashes: false }))).toEqual([
      { by: 'page', values: ['/a', '/b'], negated: false },
      { by: 'country', values: ['DE'], negated: true },
      { by: 'source', values: [null], negated: false },
    ]);
  });

  it('finds values by their names, too', () => {
    const filters = (text: string) =>
      readReportFilters(new URLSearchParams(text)).map((filter) =>
        toFilter(filter, [], { mergeTrailingSlashes: false }),
      );
    expect(filters('f=~country:german|x')).toMatchObject([
      { by: 'country', values: expect.arrayContaining(['DE', 'MX', 'LU']), containing: ['german', 'x'] },
    ]);
    expect(filters('f=!~channel:ASSIST')).toEqual([
      { by: 'channel', values: ['ai'], containing: ['ASSIST'], negated: true },
    ]);
    expect(filters('f=~source:german')).toEqual([
      { by: 'source', values: [], containing: ['german'], negated: false },
    ]);
  });

  it('typed into the form go into the URL, one per line, with names as their values', () => {
    const typed = (query: string) => withTypedFilter(new URLSearchParams(query))?.toString();
    expect(typed('range=7d&add=country&how=not&text=germany%0D%0AFR%0D%0A%0D%0A')).toBe(
      'range=7d&f=%21country%3ADE%7CFR',
    );
    expect(typed('add=channel&how=is&text=AI+assistants')).toBe('f=channel%3Aai');
    expect(typed('add=page&how=has&text=%2Fblog&f=has.page.%2Fblog')).toBe('f=%7Epage%3A%2Fblog');
    expect(typed('add=nonsense&how=is&text=x')).toBe('');
    expect(typed('f=is.page./')).toBeUndefined();
  });
});

describe('the API request of a panel', () => {
  const days = { firstDay: readDate('2026-05-01') ?? 0, lastDay: readDate('2026-05-31') ?? 0 };
  const span = { ...days, interval: 'week' } as const;
  const ask = (filters: readonly ReportFilter[]) =>
    curlOf({ apiUrl: 'https://a.example/api/v1/sites/s', endpoint: 'breakdown', by: 'page', span, filters });

  it('writes the API request of a panel in the filter grammar, safe in a shell', () => {
    const command =
      ask([
        { by: 'page', values: ["/it's|a:b", null], negated: true, operator: 'is' },
        { by: 'prop:plan', values: ['pro'], negated: false, operator: 'is' },
        { by: 'page', values: ['blog', 'news'], negated: true, operator: 'contains' },
      ]) ?? '';
    const [, url = ''] = /'([^']*)'$/.exec(command) ?? [];
    const query = new URL(url).searchParams;
    expect(query.getAll('filter')).toEqual(["!page:/it's\\|a\\:b|", 'prop:plan:pro', '!~page:blog|news']);
    expect([query.get('start'), query.get('end'), query.get('by')]).toEqual([
      '2026-05-01',
      '2026-05-31',
      'page',
    ]);
  });

  it('asks for the buckets of the chart', () => {
    const command = curlOf({ apiUrl: 'https://a.example/api', endpoint: 'timeseries', span, filters: [] });
    expect(command).toContain('/timeseries?start=2026-05-01&end=2026-05-31&granularity=week');
  });

  it('omits the API request of a panel if it would be too long', () => {
    expect(
      ask([{ by: 'page', values: Array.from({ length: 101 }, String), negated: false, operator: 'is' }]),
    ).toBeNull();
    expect(ask([{ by: 'page', values: [], negated: false, operator: 'is' }])).toBeNull();
  });
});

describe('patterns of goals', () => {
  it.each([
    ['/thanks', '/thanks', true],
    ['/thanks*', '/thanks/you', true],
    ['/a*b*c', '/axxbyyc', true],
    ['/a*b*c', '/axxcyyb', false],
    ['/ab*ba', '/aba', false],
    ['*', '', true],
    [`/${'*a'.repeat(40)}b`, `/${'a'.repeat(5000)}`, false],
  ])('%s on %s: %s', (pattern, text, is) => expect(matchesPattern(pattern, text)).toBe(is));
});

describe('CSV', () => {
  it('quotes CSV and makes it safe from formulas', () => {
    expect(csvRow(['a,b', 'say "hi"', '=1+1', '@x', -5, 'line\nbreak'])).toBe(
      '"a,b","say ""hi""",\'=1+1,\'@x,-5,"line\nbreak"\r\n',
    );
  });
});

describe('the demo', () => {
  it('makes the same demo from the same seed, without future events', () => {
    const nowMs = Date.UTC(2026, 4, 14, 12);
    const make = () => [
      ...trafficOf(
        { siteId: 's', siteKey: 'k', domain: 'notes.example' },
        { seed: 7, nowMs, visitsADay: 20 },
      ),
    ];
    const days = make();
    expect(make()).toEqual(days);
    expect(days).toHaveLength(90);
    expect(
      Math.max(...days.flatMap(({ entries }) => entries.map(({ receivedAtMs }) => receivedAtMs))),
    ).toBeLessThanOrEqual(nowMs);
  });
});

describe('the report', () => {
  const PASSWORD = 'correct horse battery';
  let world: World;
  let server: RunningServer;
  let visitor: DashboardVisitor;
  let base: string;
  let siteId: string;

  beforeAll(async () => {
    world = await World.open();
    server = await world.serve();
    await fillDemo(world.store, { nowMs: world.clock.now(), seed: 1, onProgress: () => undefined });
    const account = await world.store.registry.accountByEmail(DEMO_EMAIL);
    await world.store.registry.setPassword(account?.id ?? '', await hashPassword(PASSWORD));
    visitor = new DashboardVisitor(server.url);
    await visitor.signIn(DEMO_EMAIL, PASSWORD);
    siteId = (await world.store.registry.sitesOf(account?.id ?? ''))[0]?.id ?? '';
    base = `/dashboard/sites/${siteId}`;
  }, 120_000);
  afterAll(() => world.close());

  it('shows the figures of the store, and applies the filters in the URL', async () => {
    const account = await world.store.registry.accountByEmail(DEMO_EMAIL);
    const apiKey = await world.addApiKey(account ?? (await world.addAccount()));
    const { sites } = (await server.sites(apiKey.key)).json() as {
      sites: { id: string; events_this_month: number }[];
    };
    const month = sites.find(({ id }) => id === siteId)?.events_this_month ?? 0;
    expect((await visitor.get('/dashboard')).text).toContain(
      `<strong>${new Intl.NumberFormat('en').format(month)}</strong> events this month`,
    );

    const all = await visitor.get(`${base}?range=91d&compare=none`);
    expect(all.text).toContain('href="/dashboard/sites/');
    for (const name of ['ChatGPT', 'GPTBot', 'signup', 'Germany', '/pricing', 'Hacker News'])
      expect(all.text).toContain(name);
    const some = await visitor.get(`${base}?range=91d&f=is.country.DE&f=is.channel.ai`);
    expect(some.text).toContain('remove filter');
    const csv = await visitor.get(`${base}/rows.csv?range=91d&by=country`);
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(csv.text).toMatch(/^country,name,visitors/);
    expect(csv.text.split('\r\n').length).toBeGreaterThan(10);
    const days = await visitor.get(`${base}/rows.csv?range=7d&by=time`);
    expect(days.text).toMatch(/^from,visitors/);
    expect(days.text.trimEnd().split('\r\n')).toHaveLength(8);
  }, 60_000);

  it('filters by parts of values, and sums the value of conversions', async () => {
    const totalOf = async (query: string) => {
      const { text } = await visitor.get(`${base}/rows.csv?range=91d&${query}`);
      const lines = text.trimEnd().split('\r\n').slice(1);
      return lines.map((line) => line.split(',')[0]);
    };
    const blog = await totalOf('by=page&f=has.page.BLOG');
    expect(blog.length).toBeGreaterThan(1);
    expect(blog.every((path) => path?.includes('blog'))).toBe(true);
    expect((await totalOf('by=page&f=lacks.page.blog')).some((path) => path?.includes('blog'))).toBe(false);
    expect(await totalOf('by=country&f=has.country.german')).toEqual(['DE']);
    expect(await totalOf('by=page&f=has.page.nowhere')).toEqual([]);

    const form = await visitor.get(`${base}?range=91d&add=country&how=is&text=Germany`);
    expect([form.status, form.headers.location]).toEqual([303, `${base}?range=91d&f=country%3ADE`]);

    const signups = await world.store.reports.totals({
      siteId,
      fromMs: 0,
      toMs: world.clock.now() + 1,
      filters: [{ by: 'event', values: ['signup'], negated: false }],
    });
    const euros = new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR' }).format(
      29 * signups.events,
    );
    const { text } = await visitor.get(`${base}?range=91d`);
    expect(text.split(euros).length - 1, 'in the tile and with the goal').toBe(2);
    expect((await visitor.get(`${base}?range=91d&f=is.event.download`)).text).not.toContain('€');
    const entered = await visitor.get(`${base}/rows.csv?range=91d&by=event&f=entry:%2F&f=event:signup`);
    const [header = '', row = ''] = entered.text.split('\r\n');
    const cell = (column: string) => Number(row.split(',')[header.split(',').indexOf(column)]);
    expect(cell('revenue_EUR')).toBe(29 * cell('events'));
    expect((await visitor.get(`${base}?range=91d&f=entry:%2F`)).text).toContain('€');
  }, 60_000);

  it('has goals that filter the report, and counts what reached them as conversions', async () => {
    const goals = await world.store.registry.goalsOf(siteId);
    const [signup] = goals.filter(({ pattern }) => pattern === 'signup');
    const { text } = await visitor.get(`${base}?range=91d&compare=none`);
    expect(text).toContain('Conversions');
    expect(text).toContain(`f=goal%3A${signup?.id}`);
    const scope = { siteId, fromMs: 0, toMs: world.clock.now() + 1 };
    const reached = await world.store.reports.totals({
      ...scope,
      filters: [{ by: 'goal', goals, negated: false }],
    });
    expect(reached.events).toBeGreaterThan(0);
    const csv = await visitor.get(`${base}/rows.csv?range=all&by=goal`);
    expect(csv.text).toMatch(/^goal,type,pattern,visitors,conversions,conversion_rate,revenue_EUR\r\n/);
    const { events } = await world.store.reports.totals({
      ...scope,
      filters: [{ by: 'event', values: ['signup'], negated: false }],
    });
    expect(csv.text).toContain(`${signup?.id},event,signup,`);
    expect(csv.text).toMatch(new RegExp(`signup,\\d+,${events},[\\d.]+,${29 * events}\r\n`));
    const filtered = await visitor.get(`${base}/rows.csv?range=all&by=event&f=goal:${signup?.id}`);
    expect(filtered.text.trimEnd().split('\r\n')).toHaveLength(2);
    const chip = (await visitor.get(`${base}?range=91d&f=goal:${signup?.id}`)).text;
    expect(chip).toMatch(/<bdi>Goal<\/bdi> is<\/summary>[\s\S]*<bdi>signup<\/bdi>/);
  }, 60_000);

  it('draws the chart in other intervals, each bucket a link to its days, with all figures as a table', async () => {
    const count = (text: string, what: RegExp) => [...text.matchAll(what)].length;
    const days = (await visitor.get(`${base}?range=28d`)).text;
    expect(count(days, /class="chart-hit"/g)).toBe(28);
    expect(count(days, /class="chart-line chart-open"/g)).toBe(1);
    expect(days).toMatch(/interval=week[^>]*>Weeks<.*Not over yet/s);
    const weeks = (await visitor.get(`${base}?range=28d&interval=week`)).text;
    expect(count(weeks, /class="chart-bar chart-open"/g)).toBe(1);
    const [, zoom = ''] = /class="chart-hit" href="([^"]+)"/.exec(weeks) ?? [];
    const zoomed = (await visitor.get(zoom.replaceAll('&amp;', '&'))).text;
    expect(zoomed).not.toContain('Not over yet');
    const [table = ''] = /<section class="scrolls"[^>]* by week.*?<\/section>/s.exec(weeks) ?? [];
    for (const figure of ['Visitors', 'Visits', 'Page views', 'Bounce rate', 'Engaged time'])
      expect(table).toContain(`>${figure}<`);
    const conversions = (await visitor.get(`${base}?range=28d&interval=week&metric=conversions`)).text;
    expect(conversions).toMatch(/<section class="scrolls"[^>]* by week.*?>Conversions</s);
    // The same numbers in the table and in the CSV file.
    const csv = (await visitor.get(`${base}/rows.csv?range=28d&interval=week&by=time`)).text;
    const pageviews = csv
      .trimEnd()
      .split('\r\n')
      .slice(1)
      .map((line) => Number(line.split(',')[3]));
    const cells = [...table.matchAll(/<tr><th scope="row">.*?<\/tr>/gs)].map(([row]) =>
      Number(/(?:<td.*?){3}>([\d,]+)/s.exec(row)?.[1]?.replaceAll(',', '')),
    );
    expect(cells).toEqual(pageviews);
  }, 60_000);

  it('says what is wrong with its address instead of showing other numbers', async () => {
    for (const [query, says] of [
      ['f=contry:DE', 'has an unknown dimension “contry”'],
      ['f=country', 'must contain a colon'],
      ['f=goal:nothing', 'names a goal that the site does not have'],
      ['range=7days', '“range” must be one of'],
      ['range=7d&interval=month', '“interval” must be one of hour, day; got “month”'],
      ['range=custom&from=2026-02-30&to=2026-03-01', 'must be a valid YYYY-MM-DD date'],
      ['range=custom&from=2026-03-02&to=2026-03-01', 'must not be after'],
      ['range=custom&from=2026-03-02', 'requires both'],
      ['range=7d&from=2026-03-02&to=2026-03-03', 'require range=custom'],
      ['range=custom&from=1900-01-01&to=2026-03-03', 'at most 3,660 days'],
      ['compare=before', '“compare” must be one of'],
      ['metric=money', '“metric” must be one of'],
      ['pages=colour', '“pages” must be one of'],
      ['range=7d&range=30d', 'must be given once'],
      ['by=colour', '“by” must be one of'],
      [Array.from({ length: 11 }, (_, i) => `f=page:/${i}`).join('&'), 'at most 10 filters'],
    ] as const)
      for (const path of ['', '/rows.csv']) {
        const { status, text } = await visitor.get(`${base}${path}?${query}`);
        expect(status, query).toBe(400);
        expect(text.replaceAll(/&quot;|"/g, '“').replaceAll('contry“', 'contry”'), query).toContain(says);
        expect(text, query).not.toContain('figure-tile');
      }
    const unknown = await visitor.get(`${base}?range=7d&unheard=1`);
    expect([unknown.status, unknown.text.includes('unheard')]).toEqual([200, true]);
  }, 60_000);

  it('keeps the report smaller than 60 kB, including style and script', async () => {
    const { files } = await loadAssets(`${root}/dist/dashboard`);
    const assets = files.reduce((sum, { gzip }) => sum + gzip.length, 0);
    for (const path of [
      '/dashboard',
      `${base}?range=all`,
      `${base}/not-counted`,
      `${base}/settings`,
      `${base}/install`,
      '/dashboard/account',
    ]) {
      const { text } = await visitor.get(path);
      expect(gzipSync(text).length + assets, path).toBeLessThan(60_000);
    }
  }, 60_000);

  it('exports every stored event', async () => {
    const csv = await visitor.get(`${base}/settings/export.csv`);
    const lines = csv.text.trimEnd().split('\r\n');
    const stored = await world.store.reports.totals({
      siteId,
      fromMs: 0,
      toMs: world.clock.now() + 1,
      filters: [],
    });
    expect(lines.length - 1).toBe(stored.events);
    const ndjson = await visitor.get(`${base}/settings/export.ndjson`);
    expect(
      ndjson.text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toHaveLength(stored.events);
  }, 60_000);

  it('escapes values that visitors send', async () => {
    const account = await world.store.registry.accountByEmail(DEMO_EMAIL);
    const site = await world.addSite(account ?? (await world.addAccount()), 'hostile.example');
    const evil = '"><img src=x onerror=alert(1)><script>alert(1)</script>';
    for (const name of ['pageview', evil.slice(0, 64)])
      await world.store.events.append(
        event({
          siteId: site.id,
          receivedAtMs: world.clock.now() - 1000,
          name,
          host: evil,
          path: `/${evil}`,
          referrer: evil,
          source: evil,
          campaign: evil,
          country: evil,
          device: evil,
          browser: evil,
          os: evil,
          props: { [evil]: evil },
        }),
      );
    world.store.events.refuse({
      siteId: site.id,
      siteKey: null,
      receivedAtMs: world.clock.now(),
      reason: evil as RefusalReason, // a value that a manipulated database might contain
      host: evil,
    });
    await world.store.events.append({
      kind: 'bot',
      siteId: site.id,
      siteKey: null,
      receivedAtMs: world.clock.now() - 1,
      host: evil,
      path: evil,
      bot: evil,
      company: evil,
      botClass: evil,
    });
    const hostile = `/dashboard/sites/${site.id}`;
    const chip = encodeURIComponent(`is.page.${evil}`);
    const paths = [
      ...['page', 'entry', 'exit', 'host'].map((by) => `${hostile}?pages=${by}`),
      ...['source', 'channel', 'campaign'].map((by) => `${hostile}?sources=${by}`),
      ...['device', 'browser', 'os'].map((by) => `${hostile}?devices=${by}`),
      `${hostile}?events=${encodeURIComponent(`prop:${evil}`)}`,
      `${hostile}?f=${chip}`,
      `${hostile}/not-counted?allowed=${encodeURIComponent(evil)}`,
      `${hostile}/install?allowed=${encodeURIComponent(evil)}`,
      `/login?next=${encodeURIComponent(evil)}`,
      '/dashboard',
    ];
    for (const path of paths) {
      const { text, status } = await visitor.get(path);
      expect(status, path).toBeLessThan(400);
      expect(text, path).not.toMatch(/<img|<script>/);
    }
    const wrong = `range=${encodeURIComponent(evil)}&metric=${encodeURIComponent(evil)}&${encodeURIComponent(evil)}=1`;
    const refused = await visitor.get(`${hostile}?${wrong}&f=${encodeURIComponent(evil)}`);
    expect(refused.status).toBe(400);
    expect(refused.text).not.toMatch(/<img|<script>/);
    expect((await visitor.get(hostile)).text).toContain('&lt;script>alert(1)&lt;/script>');
  }, 60_000);
});
