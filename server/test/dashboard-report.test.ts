import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../src/clock.ts';
import { loadAssets } from '../src/dashboard/assets.ts';
import { csvRow } from '../src/dashboard/export.ts';
import { curlOf } from '../src/dashboard/report/curl.ts';
import { fits } from '../src/dashboard/report/data.ts';
import { chipText, filtersOf, readChips, withTypedFilter } from '../src/dashboard/report/filters.ts';
import { comparedSpan, RANGES, readSpan } from '../src/dashboard/report/span.ts';
import { civilDay, dayStartMs, isoDay, readDay } from '../src/dashboard/report/zones.ts';
import { DEMO_EMAIL, fillDemo } from '../src/demo/fill.ts';
import { trafficOf } from '../src/demo/traffic.ts';
import { hashPassword } from '../src/passwords.ts';
import type { Filter } from '../src/store/store.ts';
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
  it('tile time in every zone: each begins where the one before ends, and holds its own instants', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), fc.integer(SPAN), (zone, atMs) => {
        const day = civilDay(zone, atMs);
        const [startMs, endMs] = [dayStartMs(zone, day), dayStartMs(zone, day + 1)];
        // A zone that leaps over a whole day (Apia, 30 December 2011) has a day without instants.
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

  it('are read from ISO dates and nothing else', () => {
    expect(isoDay(readDay('2024-02-29') ?? 0)).toBe('2024-02-29');
    for (const text of ['2023-02-29', '2024-2-9', '2024-02-29T00:00', '', 'today', null])
      expect(readDay(text)).toBeNull();
  });
});

describe('a span', () => {
  it('has buckets that tile it, whatever is asked', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES.filter((zone) => zone !== 'Pacific/Apia')),
        fc.constantFrom(...RANGES.map(({ id }) => id), 'custom', 'nonsense'),
        fc.integer({ min: Date.UTC(2020, 0, 1), max: SPAN.max }),
        (zone, range, nowMs) => {
          const query = new URLSearchParams({ range, from: '2023-10-28', to: '2023-10-30' });
          const span = readSpan(query, { zone, nowMs, createdAtMs: nowMs - 700 * DAY_MS });
          expect(span.boundariesMs[0]).toBe(span.fromMs);
          expect(span.boundariesMs.at(-1)).toBe(span.toMs);
          expect([...span.boundariesMs].sort((a, b) => a - b)).toEqual(span.boundariesMs);
          expect(new Set(span.boundariesMs).size).toBe(span.boundariesMs.length);
          const before = comparedSpan(span, 'previous', zone);
          if (range === 'all') expect(before).toBeNull();
          else if (before !== null) {
            expect(before.boundariesMs[0]).toBe(before.fromMs);
            expect(before.fromMs).toBeLessThan(span.fromMs);
            expect(before.toMs).toBeLessThanOrEqual(
              span.fromMs + 2 * HOUR_MS + (range === '24h' ? DAY_MS : 0),
            );
          }
        },
      ),
    );
  });
});

describe('filters', () => {
  const nothing = { breakdown: async () => ({ rows: [], nextCursor: null }) };
  const span = { siteId: 's', fromMs: 0, toMs: 1 };

  it('come back from the address as they went in', () => {
    const text = fc.string({ maxLength: 200 });
    const by = fc.oneof(
      fc.constantFrom('page' as const, 'country' as const),
      fc.constant('prop:a.b%2Ec' as const),
    );
    const whole = fc.record({
      by,
      value: fc.option(text),
      negated: fc.boolean(),
      match: fc.constant('whole' as const),
    });
    const part = fc.record({ by, value: text, negated: fc.boolean(), match: fc.constant('part' as const) });
    fc.assert(
      fc.property(fc.oneof(whole, part), ({ by, value, negated, match }) => {
        const text = chipText(by, value, { negated, match });
        const query = new URLSearchParams([['f', text]]);
        expect(readChips(new URLSearchParams(query.toString()))).toEqual([
          { text, by, value, negated, match },
        ]);
      }),
    );
  });

  it('of one kind are alternatives, and what cannot be read is left out', async () => {
    const chips = readChips(
      new URLSearchParams(
        'f=is.page./a&f=is.page./b&f=not.country.DE&f=none.source&f=bad&f=is.bot.x&f=is.__proto__.x&f=has.page',
      ),
    );
    expect(await filtersOf(chips, nothing, span)).toEqual([
      { by: 'page', values: ['/a', '/b'], negated: false },
      { by: 'country', values: ['DE'], negated: true },
      { by: 'source', values: [null], negated: false },
    ]);
  });

  it('that hold a part stand for the values that the span has: none for none, and all without none', async () => {
    const chips = (text: string) => readChips(new URLSearchParams(text));
    expect(await filtersOf(chips('f=has.page.blog'), nothing, span)).toEqual([
      { by: 'page', values: [], negated: false },
    ]);
    expect(await filtersOf(chips('f=lacks.page.blog'), nothing, span)).toEqual([]);
  });

  it('typed into the form go into the address, one a line, names as the values they stand for', () => {
    const typed = (query: string) => withTypedFilter(new URLSearchParams(query))?.toString();
    expect(typed('range=7d&add=country&how=not&text=germany%0D%0AFR%0D%0A%0D%0A')).toBe(
      'range=7d&f=not.country.DE&f=not.country.FR',
    );
    expect(typed('add=channel&how=is&text=AI+assistants')).toBe('f=is.channel.ai');
    expect(typed('add=page&how=has&text=%2Fblog&f=has.page.%2Fblog')).toBe('f=has.page.%2Fblog');
    expect(typed('add=nonsense&how=is&text=x')).toBe('');
    expect(typed('f=is.page./')).toBeUndefined();
  });
});

describe('a question to the API', () => {
  const span = { firstDay: readDay('2026-05-01') ?? 0, lastDay: readDay('2026-05-31') ?? 0 };
  const ask = (filters: readonly Filter[]) =>
    curlOf({ apiUrl: 'https://a.example/api/v1/sites/s', endpoint: 'breakdown', by: 'page', span, filters });

  it('is written in its grammar, with nothing that a shell would take for more', () => {
    const command =
      ask([
        { by: 'page', values: ["/it's|a:b", null], negated: true },
        { by: 'prop:plan', values: ['pro'], negated: false },
      ]) ?? '';
    const [, url = ''] = /'([^']*)'$/.exec(command) ?? [];
    const query = new URL(url).searchParams;
    expect(query.getAll('filter')).toEqual(["!page:/it's\\|a\\:b|", 'prop:plan:pro']);
    expect([query.get('start'), query.get('end'), query.get('by')]).toEqual([
      '2026-05-01',
      '2026-05-31',
      'page',
    ]);
  });

  it('is not there where it would be too long', () => {
    expect(ask([{ by: 'page', values: Array.from({ length: 101 }, String), negated: false }])).toBeNull();
    expect(ask([{ by: 'page', values: [], negated: false }])).toBeNull();
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
  ])('%s on %s: %s', (pattern, text, is) => expect(fits(pattern, text)).toBe(is));
});

describe('CSV', () => {
  it('quotes what must be, and runs nothing', () => {
    expect(csvRow(['a,b', 'say "hi"', '=1+1', '@x', -5, 'line\nbreak'])).toBe(
      '"a,b","say ""hi""",\'=1+1,\'@x,-5,"line\nbreak"\r\n',
    );
  });
});

describe('the demo', () => {
  it('is the same for the same seed, and holds nothing from the future', () => {
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

  it('shows the numbers that the store has, and follows filters in the address', async () => {
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
    expect(some.text).toContain('take this filter away');
    const csv = await visitor.get(`${base}/rows.csv?range=91d&by=country`);
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(csv.text).toMatch(/^country,name,visitors/);
    expect(csv.text.split('\r\n').length).toBeGreaterThan(10);
    const days = await visitor.get(`${base}/rows.csv?range=7d&by=time`);
    expect(days.text).toMatch(/^from,visitors/);
    expect(days.text.trimEnd().split('\r\n')).toHaveLength(8);
  }, 60_000);

  it('narrows down by parts of values, and sums what conversions are worth', async () => {
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
    expect([form.status, form.headers.location]).toEqual([303, `${base}?range=91d&f=is.country.DE`]);

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
    expect((await visitor.get(`${base}?range=91d&f=is.entry.%2F`)).text).not.toContain('€');
  }, 60_000);

  it('weighs less than 60 kB, style and script included', async () => {
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

  it('shows what visitors made up as text, never as markup', async () => {
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
      reason: evil,
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
      `${hostile}?f=${chip}&range=${encodeURIComponent(evil)}&metric=${encodeURIComponent(evil)}`,
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
    expect((await visitor.get(hostile)).text).toContain('&lt;script>alert(1)&lt;/script>');
  }, 60_000);
});
