import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ASSISTANTS } from '../src/collect/lists/assistants.ts';
import { MAIL_SITES, NAMED_SITES, SEARCH_ENGINES, SOCIAL_SITES } from '../src/collect/lists/sources.ts';
import { loadAssets } from '../src/dashboard/kit/assets.ts';
import { FLAGS } from '../src/dashboard/kit/flags.ts';
import { SOURCE_MARKS } from '../src/dashboard/kit/source-marks.ts';
import { classesOf, classOf } from '../src/dashboard/map/shades.ts';
import { DOTS, OUTLINES } from '../src/dashboard/map/world.ts';
import { countryName } from '../src/domain/countries.ts';
import { CRAWLERS } from '../src/domain/user-agents/bots.ts';
import type { EventEntry } from '../src/store/contract/store.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { bot, event } from './support/entries.ts';
import { type OwnedSite, ownedSite } from './support/owned-site.ts';
import { root } from './support/paths.ts';
import { type RunningServer, World } from './support/world.ts';

/** The icons of sources and places, what a source or country consists of, and the world map. */

const MAP_MAX_BYTES = 40_000;

describe('the marks of sources', () => {
  it('are those of known sources and companies, and all are drawn', () => {
    const companies = CRAWLERS.flatMap(({ company }) => (company === null ? [] : [company]));
    const known = new Set([
      ...[ASSISTANTS, MAIL_SITES, NAMED_SITES, SEARCH_ENGINES, SOCIAL_SITES].flatMap(Object.keys),
      ...companies,
    ]);
    expect(Object.keys(SOURCE_MARKS).filter((name) => !known.has(name))).toEqual([]);
    const drawn = readFileSync(`${root}/server/src/dashboard/kit/marks.svg`, 'utf8');
    expect([...drawn.matchAll(/<symbol id="([^"]+)"/g)].map(([, id]) => id)).toEqual(
      [...new Set(Object.values(SOURCE_MARKS))].sort(),
    );
    expect(drawn).not.toMatch(/<(?!\/?(?:svg|title|symbol|path)\b)|href|\son/);
  });
});

describe('the flags', () => {
  it('consist of colored shapes', () => {
    expect(Object.keys(FLAGS).length).toBeGreaterThan(240);
    const wrong = Object.entries(FLAGS).filter(
      ([code, flag]) =>
        countryName(code) === null ||
        !flag
          .split(';')
          .every((shape) => /^(#[\da-f]{3,6}|[a-z]+)(\/#?[\da-z]+\/\d+)? M[-\d a-z]+$/i.test(shape)),
    );
    expect(wrong).toEqual([]);
  });
});

describe('the shades of the map', () => {
  it.each([
    [1, [1]],
    [5, [1, 3]],
    [80, [1, 3, 10, 30]],
    [2_500, [1, 30, 100, 300, 1_000]],
  ])('divide up to %i visitors', (most, classes) => {
    expect(classesOf(most)).toEqual(classes);
    expect([0, 1, most].map((value) => classOf(value, classes))).toEqual([0, 1, classes.length]);
  });
});

describe('a report', () => {
  let world: World;
  let server: RunningServer;
  let own: OwnedSite;
  let url: string;
  let base: string;
  let share: string;

  beforeAll(async () => {
    world = await World.open();
    server = await world.serve({ assets: await loadAssets(`${root}/dist/dashboard`) });
    url = server.url;
    own = await ownedSite(world, server, 'places.example');
    base = `/dashboard/sites/${own.site.id}`;
    let visitor = 0n;
    const visit = async (count: number, more: Partial<EventEntry>) => {
      for (let i = 0; i < count; i += 1)
        await world.store.events.append(
          event({ siteId: own.site.id, receivedAtMs: world.clock.now() - 1, visitor: ++visitor, ...more }),
        );
    };
    const bavaria = { country: 'DE', region: 'Bavaria, DE', city: 'Munich, Bavaria, DE' };
    const google = { source: 'Google', channel: 'search' } as const;
    await visit(4, { ...bavaria, ...google, referrer: 'www.google.com' });
    await visit(1, { country: 'DE', ...google, referrer: 'google.de' });
    await visit(2, { country: 'FR', source: 'ChatGPT', channel: 'ai', utmSource: 'chatgpt.com' });
    await visit(1, { country: 'SG', source: 'constructor', channel: 'referral', referrer: 'constructor/x' });
    await visit(1, { country: null });
    await world.store.events.append(bot({ siteId: own.site.id, receivedAtMs: world.clock.now() - 1 }));
    const made = await own.visitor.post(`${base}/settings/shares`, { name: 'board' });
    share = /\/share\/[\w-]{43}/.exec(made.text)?.[0] ?? '';
  }, 60_000);
  afterAll(() => world.close());

  /** Returns the HTML of a panel. */
  const panel = async (id: string, query = '') => {
    const { text } = await own.visitor.get(`${base}?range=7d${query}`);
    return new RegExp(`<section[^>]* id="${id}">.*?</section>`, 's').exec(text)?.[0] ?? '';
  };
  const namesIn = (html: string) =>
    [...html.matchAll(/<th scope="row">.*?<bdi>(.*?)<\/bdi>/gs)].map(([, name]) => name);

  it('shows sources with their mark or letter, from this server', async () => {
    const html = await panel('sources');
    expect(html).toMatch(/<use href="\/assets\/marks-\w+\.svg#google"><\/use><\/svg><bdi>Google</);
    expect(html).toMatch(/data-letter="C" aria-hidden="true"><\/span><bdi>ChatGPT</);
    expect(html).toMatch(/data-letter="c" aria-hidden="true"><\/span><bdi>constructor</);
    const [, path = ''] = /href="(\/assets\/marks[^#"]+)#/.exec(html) ?? [];
    const { status, headers } = await new DashboardVisitor(url).get(path);
    expect([status, headers['content-type']]).toEqual([200, 'image/svg+xml']);
    expect(headers['cache-control']).toContain('immutable');
  });

  it('shows places with their flag', async () => {
    expect(await panel('places')).toMatch(
      /<svg class="flag"[^>]*>(<path d="[^"]+" fill="#\w+"><\/path>){3}<\/svg>/,
    );
  });

  it('opens what a source or a country consists of, where it is known', async () => {
    expect(namesIn(await panel('sources', '&f=source:Google'))).toEqual(['www.google.com', 'google.de']);
    expect(namesIn(await panel('sources', '&f=source:Google&sources=source'))).toEqual(['Google']);
    for (const without of ['source:ChatGPT', 'source:', '!source:Google', '~source:goo', 'source:Google|X'])
      expect(await panel('sources', `&f=${without}`), without).toMatch(/aria-current="true"><bdi>Sources</);
    expect(namesIn(await panel('places', '&f=country:DE'))).toEqual(['Bavaria, DE', 'Unknown']);
    expect(namesIn(await panel('places', '&f=country:DE&f=region:Bavaria,%20DE'))).toEqual([
      'Munich, Bavaria, DE',
    ]);
    expect(namesIn(await panel('places', '&f=country:FR'))).toEqual(['France']);
  });

  it('keeps AI assistants, search engines and crawlers apart', async () => {
    const assistants = await panel('ai');
    expect(namesIn(assistants)).toEqual(['ChatGPT']);
    expect(namesIn(await panel('crawlers'))).toEqual(['Googlebot']);
    const [, csv = ''] = /href="([^"]+rows\.csv[^"]+)"/.exec(assistants) ?? [];
    expect((await own.visitor.get(csv.replaceAll('&amp;', '&'))).text).toMatch(
      /^source,.*\r\nChatGPT,ChatGPT,2,[^\n]*\n$/,
    );
    expect(assistants).toContain('filter=channel%3Aai');
  });

  it('links to a map of the same period and filters, whose countries filter the report', async () => {
    const [, link = ''] = /href="([^"]+\/map[^"]*)"/.exec(await panel('places', '&f=channel:search')) ?? [];
    const { status, text } = await own.visitor.get(link.replaceAll('&amp;', '&'));
    expect([status, link.includes('range=7d')]).toEqual([200, true]);
    const drawing = /<svg class="world".*?<\/svg>/s.exec(text)?.[0] ?? '';
    expect(drawing).toMatch(
      /<a href="([^"]+)"[^>]*><path class="shade-2" d="[^"]+"><title>Germany: 5<\/title>/,
    );
    expect(drawing).toContain('<title>France: 0</title>');
    const [, filtered = ''] = /<tbody>.*?href="([^"]+)"/s.exec(text) ?? [];
    const query = new URL(filtered.replaceAll('&amp;', '&'), url).searchParams;
    expect([query.get('range'), query.getAll('f')]).toEqual(['7d', ['channel:search', 'country:DE']]);
    expect(text).toMatch(new RegExp(`href="${base}/map\\?range=7d"[^>]*><strong><bdi>Search`));
  });

  it('has the numbers of the report in the table beside the map, and dots for small countries', async () => {
    const { text } = await own.visitor.get(`${base}/map?range=7d`);
    const table = /<table>.*<\/table>/s.exec(text)?.[0] ?? '';
    const cells = [...table.matchAll(/<bdi>(.*?)<\/bdi>.*?<td class="number">(\d+)/gs)].map(
      ([, ...row]) => row,
    );
    const csv = await own.visitor.get(`${base}/rows.csv?range=7d&by=country`);
    const rows = csv.text
      .trimEnd()
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(',').slice(1, 3));
    expect(cells).toEqual(rows);
    expect(cells).toHaveLength(4);
    expect(text).toMatch(/<circle class="shade-1"[^>]+><title>Singapore: 1</);
    const nothing = await own.visitor.get(`${base}/map?range=7d&f=page:/nowhere`);
    expect([nothing.status, nothing.text.includes('No data')]).toEqual([200, true]);
  });

  it('has the map below a public link, too', async () => {
    const stranger = new DashboardVisitor(url);
    const report = await stranger.get(`${share}?range=7d`);
    expect(report.text).toContain(`href="${share}/map?range=7d"`);
    const { text } = await stranger.get(`${share}/map?range=7d`);
    expect(text).toContain('<title>Germany: 5</title>');
    expect(text).not.toContain(base);
    expect((await stranger.get(`/share/${'x'.repeat(43)}/map`)).status).toBe(404);
    const made = await own.visitor.post(`${base}/settings/shares`, {
      name: 'locked',
      'share-password': 'open sesame',
    });
    const locked = [...made.text.matchAll(/\/share\/[\w-]{43}/g)].at(-1)?.[0] ?? '';
    expect((await stranger.get(`${locked}/map`)).status).toBe(404);
  });

  it('refuses the same for a map as for a report', async () => {
    for (const path of [`${base}/map`, `${share}/map`]) {
      const { status, text } = await own.visitor.get(`${path}?range=7d&f=contry:DE`);
      expect([status, text.includes('world')]).toEqual([400, false]);
      expect((await own.visitor.post(path)).status).toBe(405);
    }
    expect((await new DashboardVisitor(url).get(`${base}/map`)).status).toBe(303);
    const other = await ownedSite(world, server, 'other.example');
    expect((await other.visitor.get(`${base}/map`)).status).toBe(404);
  });

  it('keeps the map below 40 kB, even with visitors from every country', async () => {
    const { text } = await own.visitor.get(`${base}/map?range=7d`);
    const drawing = /<svg class="world".*?<\/svg>/s.exec(text)?.[0] ?? '';
    expect(drawing.length).toBeGreaterThan(20_000);
    expect(drawing.length).toBeLessThan(MAP_MAX_BYTES);
    const codes = [...new Set([...Object.keys(OUTLINES), ...Object.keys(DOTS)])];
    const seen = { siteId: own.site.id, receivedAtMs: world.clock.now() - 1 };
    await Promise.all(
      codes.map((country, i) =>
        world.store.events.append(event({ ...seen, visitor: BigInt(1_000 + i), country })),
      ),
    );
    const full = await own.visitor.get(`${base}/map?range=7d&compare=none`);
    expect(gzipSync(full.text).length).toBeLessThan(MAP_MAX_BYTES);
  });
});
