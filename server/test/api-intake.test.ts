import { isbot } from 'isbot';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Breakdown } from '../src/api/breakdown.ts';
import type { EventItem, EventList } from '../src/api/events.ts';
import type { Ledger } from '../src/api/ledger.ts';
import type { ReportAnswer } from '../src/api/report.ts';
import type { SiteList } from '../src/api/sites.ts';
import type { Stats } from '../src/api/stats.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/domain/clock.ts';
import type { Site } from '../src/store/contract/store.ts';
import { ApiWorld, expectRefusal } from './support/api.ts';
import { BROWSER } from './support/world.ts';

/** Events that arrive without a script: sent by an owner's server, or fetched as an image. */

const GPTBOT =
  'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)';
const PAGE = 'https://example.com/pricing';

let api: ApiWorld;
let site: Site;
let read: string;
let write: string;

beforeAll(async () => {
  api = await ApiWorld.open();
});

// Each test has its own site and its own minute.
beforeEach(async () => {
  api.world.clock.advance(MINUTE_MS);
  const owner = await api.world.addOwner('example.com', 'pro');
  ({ site, apiKey: read } = owner);
  ({ key: write } = await api.key(owner.account, { scopes: ['write'] }));
  await expect.poll(async () => (await report({ url: PAGE, name: 'leave' })).status).toBe(200);
});

afterAll(() => api.close());

const report = (body: unknown) => api.post(write, `/sites/${site.id}/events`, body);

async function outcomes(body: unknown): Promise<ReportAnswer['outcomes']> {
  const answer = await report(body);
  expect(answer.status, answer.text).toBe(200);
  return (answer.json() as ReportAnswer).outcomes;
}

async function events(query = ''): Promise<EventItem[]> {
  return (await api.read<EventList>(read, `/sites/${site.id}/events?${query}`)).events;
}

const counted = async () => (await api.read<SiteList>(read, '/sites')).sites[0]?.events_this_month;

describe('POST /api/v1/sites/{id}/events', () => {
  it('acknowledges an event after it is stored and counted', async () => {
    expect(await outcomes({ id: 'a', url: PAGE, name: 'purchase', value: 5, currency: 'EUR' })).toEqual([
      { id: 'a', outcome: 'stored' },
    ]);
    expect(await counted()).toBe(1);
    expect(await events()).toMatchObject([
      { type: 'conversion', event_name: 'purchase', value: 5, path: '/pricing' },
    ]);
  });

  it('accepts what was plainly meant: null properties, decimal strings, currencies in any case', async () => {
    expect(
      await outcomes([
        { name: 'Order', url: PAGE, value: '49.90', currency: 'eur', props: { plan: 'pro', coupon: null } },
        { name: 'Order', url: PAGE, time: '2026-05-14' },
        { name: 'Order', url: PAGE, value: '49,90' },
      ]),
    ).toMatchObject([
      { outcome: 'stored' },
      { outcome: 'refused', error: expect.stringMatching(/: time must be an ISO 8601 timestamp/) },
      { outcome: 'refused', error: expect.stringMatching(/: value must be a number, or a decimal string/) },
    ]);
    expect((await events()).at(0)).toMatchObject({ value: 49.9, currency: 'EUR', props: { plan: 'pro' } });
  });

  it('counts properties against the limit without those that are null', async () => {
    const props = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`p${i}`, i]));
    const withNulls = { ...props, coupon: null, note: null };
    expect(await outcomes({ url: PAGE, name: 'purchase', props: withNulls })).toMatchObject([
      { outcome: 'stored' },
    ]);
    expect(await outcomes([{ url: PAGE, props: { ...withNulls, more: 1 } }])).toMatchObject([
      {
        outcome: 'refused',
        field: 'props',
        error: expect.stringMatching(/at most 30 properties.*; got more\.$/),
      },
    ]);
    expect((await events()).at(0)?.props).toEqual(props);
  });

  it('returns the outcomes of a list in order, and keeps valid events', async () => {
    expect(
      await outcomes([
        { id: '1', url: PAGE },
        { id: '1', url: PAGE },
        { id: '2', url: 'https://other.example/' },
        { id: '3' },
        'nonsense',
        { id: '4', url: PAGE, user_agent: GPTBOT },
        { id: '5', url: PAGE, props: { big: 'x'.repeat(501) } },
      ]),
    ).toEqual([
      { id: '1', outcome: 'stored' },
      { id: '1', outcome: 'duplicate' },
      {
        id: '2',
        outcome: 'refused',
        reason: 'wrong-domain',
        code: 'DOMAIN_MISMATCH',
        error: expect.any(String),
      },
      {
        id: '3',
        outcome: 'refused',
        reason: 'malformed',
        field: 'url',
        code: 'INVALID_EVENT',
        error: expect.stringContaining('url must be '),
      },
      { id: null, outcome: 'refused', reason: 'malformed', code: 'INVALID_EVENT', error: expect.any(String) },
      { id: '4', outcome: 'bot' },
      {
        id: '5',
        outcome: 'refused',
        reason: 'malformed',
        field: 'props.big',
        code: 'INVALID_EVENT',
        error: expect.stringContaining('props.big must be a string of at most 500 characters'),
      },
    ]);
    expect(await counted()).toBe(1);
    const { received, accepted, duplicate, refused, ledger: lines } = await ledger();
    expect([received, accepted, duplicate]).toEqual([7, 1, 1]);
    expect(Object.fromEntries(refused.map(({ reason, count }) => [reason, count]))).toEqual({
      malformed: 3,
      'wrong-domain': 1,
      bot: 1,
    });
    const malformed = lines.filter(({ outcome }) => outcome === 'malformed');
    expect(malformed.map(({ host, field, count }) => [host, field, count])).toEqual([
      ['', null, 1],
      ['', 'props.big', 1],
      ['', 'url', 1],
    ]);
    expect(lines.filter(({ outcome }) => outcome !== 'malformed').every(({ field }) => field === null)).toBe(
      true,
    );
  });

  async function ledger(): Promise<Ledger> {
    await api.world.store.events.flush();
    return api.read<Ledger>(read, `/sites/${site.id}/ledger`);
  }

  it('stores an event or bot visit once by its id, at any allowed date', async () => {
    const batch = [
      { id: 'event', url: PAGE, time: new Date(api.world.clock.now() - HOUR_MS).toISOString() },
      { id: 'visit', url: PAGE, user_agent: GPTBOT },
    ];
    expect((await outcomes(batch)).map(({ outcome }) => outcome)).toEqual(['stored', 'bot']);
    api.world.clock.advance(DAY_MS);
    expect((await outcomes(batch)).map(({ outcome }) => outcome)).toEqual(['duplicate', 'duplicate']);
    expect((await api.read<Stats>(read, `/sites/${site.id}/stats`)).totals).toMatchObject({
      events: 1,
      bot_visits: 1,
    });
  });

  it('accepts at most 500 events at once', async () => {
    const list = Array.from({ length: 500 }, (_, i) => ({ id: `e${i}`, url: PAGE }));
    expect((await outcomes(list)).every(({ outcome }) => outcome === 'stored')).toBe(true);
    expect(await counted()).toBe(500);
    expectRefusal(await report([...list, { url: PAGE }]), 400, 'INVALID_EVENT');
    expectRefusal(await report([]), 400, 'INVALID_EVENT');
  });

  it('accepts only times within the last 48 hours, with any offset', async () => {
    const now = api.world.clock.now();
    const iso = (atMs: number) => new Date(atMs).toISOString();
    expect(await outcomes({ url: PAGE, time: iso(now - 48 * HOUR_MS) })).toMatchObject([
      { outcome: 'stored' },
    ]);
    const here = `${iso(now - HOUR_MS + 2 * HOUR_MS).slice(0, 19)}+02:00`;
    expect(await outcomes({ url: PAGE, time: here })).toMatchObject([{ outcome: 'stored' }]);
    // A timestamp slightly ahead of our clock becomes now.
    expect(await outcomes({ url: PAGE, time: iso(now + MINUTE_MS) })).toMatchObject([{ outcome: 'stored' }]);
    const seconds = (atMs: number) => iso(atMs - (atMs % 1_000));
    expect((await events()).map(({ timestamp }) => timestamp)).toEqual([
      iso(now),
      seconds(now - HOUR_MS),
      iso(now - 48 * HOUR_MS),
    ]);
    for (const time of [
      iso(now - 48 * HOUR_MS - 1),
      iso(now + HOUR_MS),
      '2026-05-14T12:00:00',
      'noon',
      '2026-02-30T00:00:00Z',
      '',
    ]) {
      expectRefusal(await report({ url: PAGE, time }), 400, 'INVALID_EVENT');
    }
  });

  it('takes where a visit came from of its earliest event, in whatever order events arrive', async () => {
    const ago = (minutes: number) => new Date(api.world.clock.now() - minutes * MINUTE_MS).toISOString();
    const visitor = { address: '203.0.113.9', user_agent: BROWSER };
    await outcomes({ ...visitor, url: 'https://example.com/last', time: ago(1) });
    const sources = async () => {
      const path = `/sites/${site.id}/breakdown?by=`;
      const lists = await Promise.all(
        ['source', 'referrer', 'utm_campaign', 'language', 'entry'].map((by) =>
          api.read<Breakdown>(read, path + by),
        ),
      );
      return lists.map(({ breakdown }) => breakdown.map(({ value, visits }) => [value, visits]));
    };
    expect(await sources()).toEqual([[[null, 1]], [[null, 1]], [[null, 1]], [[null, 1]], [['/last', 1]]]);
    const first = {
      ref: 'https://www.google.com/',
      language: 'de',
      url: 'https://example.com/first?utm_campaign=may',
    };
    await outcomes([
      { ...visitor, url: 'https://example.com/second', time: ago(2), ref: 'https://news.example/' },
      { ...visitor, ...first, time: ago(3) },
    ]);
    expect(await sources()).toEqual([
      [['Google', 1]],
      [['www.google.com', 1]],
      [['may', 1]],
      [['de', 1]],
      [['/first', 1]],
    ]);
  });

  it('adds engaged time to the newest visit that began before, in whatever order visits arrive', async () => {
    const ago = (minutes: number) => new Date(api.world.clock.now() - minutes * MINUTE_MS).toISOString();
    const visitor = { address: '203.0.113.9', user_agent: BROWSER };
    await outcomes({ ...visitor, id: 'later', url: 'https://example.com/later', time: ago(10) });
    await outcomes({ ...visitor, id: 'earlier', url: 'https://example.com/earlier', time: ago(120) });
    await outcomes({ ...visitor, name: 'leave', view: 'later', url: PAGE, engaged: 20_000, time: ago(9) });
    const { breakdown } = await api.read<Breakdown>(read, `/sites/${site.id}/breakdown?by=entry`);
    expect(
      breakdown.map(({ value, engaged_time, bounce_rate }) => [value, engaged_time, bounce_rate]),
    ).toEqual([
      ['/earlier', 0, 1],
      ['/later', 20, 0],
    ]);
  });

  it('counts a backdated event in the month of its date', async () => {
    const world = await ApiWorld.open();
    onTestFinished(() => world.close());
    const { account, site: own, apiKey } = await world.world.addOwner('example.com', 'pro');
    const { key } = await world.key(account, { scopes: ['write'] });
    const first = Date.UTC(2026, 5, 1);
    const month = async () => (await world.read<SiteList>(apiKey, '/sites')).sites[0]?.events_this_month;
    const reportAt = async (atMs: number) => {
      const answer = await world.post(key, `/sites/${own.id}/events`, {
        ...{ url: PAGE, time: new Date(atMs).toISOString() },
      });
      return answer.status;
    };
    world.world.clock.nowMs = first + MINUTE_MS;
    await expect.poll(() => reportAt(first)).toBe(200);
    expect(await month()).toBe(1);
    expect(await reportAt(first - 1)).toBe(200);
    expect(await month()).toBe(1);
    world.world.clock.nowMs = first - 1;
    expect(await month()).toBe(1);
  });

  it('uses the given address and user agent, and stores neither', async () => {
    const person = (address: string) => ({ url: PAGE, address, user_agent: BROWSER });
    await outcomes([person('203.0.113.9'), person('203.0.113.9'), person('203.0.113.10'), { url: PAGE }]);
    const { totals } = await api.read<Stats>(read, `/sites/${site.id}/stats`);
    // Two addresses, and one event without an address.
    expect(totals).toMatchObject({ events: 4, visitors: 3 });
    const answer = await api.get(read, `/sites/${site.id}/events`);
    expect(answer.text).not.toContain('203.0.113');
    expect(answer.text).not.toContain('AppleWebKit');
  });

  it('records requests of crawlers as bot visits', async () => {
    expect(isbot(GPTBOT)).toBe(true);
    await outcomes({ url: PAGE, user_agent: GPTBOT });
    expect(await counted()).toBe(0);
    expect(await events('type=bot')).toMatchObject([{ bot_name: 'GPTBot', path: '/pricing' }]);
  });

  it('returns an error for a refused single event', async () => {
    expectRefusal(await report({ url: 'https://other.example/' }), 403, 'DOMAIN_MISMATCH');
    expectRefusal(await report({ url: 'http://localhost/' }), 403, 'LOCAL_HOST');
    expectRefusal(await report({}), 400, 'INVALID_EVENT');
    expectRefusal(await report('{"url": '), 400, 'INVALID_JSON');
    expectRefusal(await report(''), 400, 'INVALID_JSON');
    expectRefusal(await report('null'), 400, 'INVALID_EVENT');
    expectRefusal(
      await report({ url: PAGE, ref: 'é'.repeat(2_000), props: manyProps() }),
      413,
      'EVENT_TOO_LARGE',
    );
  });

  const manyProps = () =>
    Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`p${i}`, 'x'.repeat(500)]));

  it('refuses bodies without permission, too large or of another type', async () => {
    expectRefusal(await api.post(read, `/sites/${site.id}/events`, { url: PAGE }), 403, 'SCOPE_REQUIRED');
    expectRefusal(
      await api.post('sk_nonsense', `/sites/${site.id}/events`, { url: PAGE }),
      401,
      'INVALID_KEY',
    );
    expectRefusal(await api.post(write, '/sites/site_nobody/events', { url: PAGE }), 403, 'SITE_NOT_FOUND');
    // Refused by its Content-Length: a client that sends the whole body may be disconnected before it reads the response.
    const large = await api.post(write, `/sites/${site.id}/events`, '"x"', { 'content-length': '6000000' });
    expectRefusal(large, 413, 'BODY_TOO_LARGE');
    const form = await api.post(write, `/sites/${site.id}/events`, 'url=x', {
      'content-type': 'application/x-www-form-urlencoded',
    });
    expectRefusal(form, 415, 'UNSUPPORTED_MEDIA_TYPE');
  });
});

describe('GET /p.gif', () => {
  const pixel = (query: string, headers: Record<string, string> = {}) =>
    api.server.ask({ path: `/p.gif?${query}`, headers: { 'user-agent': BROWSER, ...headers } });

  it('counts the page in Referer, and returns an image of 43 bytes', async () => {
    const answer = await pixel(`key=${site.key}`, { referer: PAGE });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': 'image/gif',
      'content-length': '43',
      'cache-control': 'no-store',
      'x-attractos-outcome': 'stored',
    });
    expect(await events()).toMatchObject([{ type: 'pageview', host: 'example.com', path: '/pricing' }]);
  });

  it('reads URL, name, id and referrer from the query', async () => {
    const query = new URLSearchParams({
      key: site.key,
      url: PAGE,
      name: 'open',
      id: 'mail-1',
      ref: 'https://news.example/a',
    });
    expect((await pixel(String(query))).headers['x-attractos-outcome']).toBe('stored');
    expect((await pixel(String(query))).headers['x-attractos-outcome']).toBe('duplicate');
    expect(await events()).toMatchObject([{ event_name: 'open', referrer: 'news.example/a' }]);
  });

  it('accepts an unencoded URL that has a query', async () => {
    const outcome = (await pixel(`key=${site.key}&url=${PAGE}?utm_source=chatgpt`)).headers[
      'x-attractos-outcome'
    ];
    expect(outcome).toBe('stored');
    expect(await events()).toMatchObject([{ path: '/pricing', source: 'ChatGPT', channel: 'ai' }]);
  });

  it.each([
    ['a crawler', () => `key=${site.key}`, { referer: PAGE, 'user-agent': GPTBOT }, 'bot'],
    [
      'a foreign page',
      () => `key=${site.key}`,
      { referer: 'https://copy.example/' },
      'refused; reason=wrong-domain',
    ],
    [
      'a foreign page that names ours',
      () => `key=${site.key}&url=${PAGE}`,
      { referer: 'https://copy.example/' },
      'refused; reason=wrong-domain',
    ],
    ['no page', () => `key=${site.key}`, {}, 'refused; reason=malformed'],
    ['no key', () => '', { referer: PAGE }, 'refused; reason=missing-key'],
    [
      'a key that does not exist',
      () => 'key=ak_x',
      { referer: 'https://nobody.example/' },
      'refused; reason=unknown-key',
    ],
    ['a version for a key', () => 'key=6.4', { referer: PAGE }, 'refused; reason=missing-key'],
    ['nonsense', () => '%%%&key=%ff&&&=', {}, 'refused; reason=missing-key'],
  ])('returns the image to %s too, with the outcome in a header', async (_, query, headers, outcome) => {
    const answer = await pixel(query(), headers);
    expect(answer.status).toBe(200);
    expect(answer.headers['x-attractos-outcome']).toBe(outcome);
    expect(answer.headers['content-length']).toBe('43');
    expect(await counted()).toBe(0);
  });

  it('counts nothing for HEAD', async () => {
    const answer = await api.server.ask({
      method: 'HEAD',
      path: `/p.gif?key=${site.key}`,
      headers: { 'user-agent': BROWSER, referer: PAGE },
    });
    expect(answer.status).toBe(200);
    expect(await counted()).toBe(0);
  });
});
