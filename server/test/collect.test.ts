import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  BATCH_MAX_BEACONS,
  BATCH_MAX_BYTES,
  BEACON_MAX_BYTES,
  ENGAGED_MAX_MS,
} from '../../tracker/wire/limits.ts';
import { SiteDirectory } from '../src/collect/site-by-key.ts';
import { whatIsWrong } from '../src/collect/what-is-wrong.ts';
import { SECOND_MS } from '../src/domain/clock.ts';
import { newSiteKey } from '../src/domain/keys.ts';
import {
  type Events,
  NO_SITE,
  type Registry,
  type Site,
  StoreBroken,
  StoreBusy,
  StoreUnavailable,
} from '../src/store/contract/store.ts';
import { TestClock } from './support/clock.ts';
import { type Answer, askRaw } from './support/http.ts';
import { BROWSER, pageHeaders, type RunningServer, World } from './support/world.ts';

/**
 * The collector over real sockets: one server for all tests that only send, and separate ones for tests that change something.
 */

const ALL_DAYS = { firstDay: 0, lastDay: 100_000 };
const GOOGLEBOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

let world: World;
let server: RunningServer;
let site: Site;
let sent = 0;

beforeAll(async () => {
  world = await World.open();
  site = (await world.addOwner()).site;
  server = await world.serve({ settings: { SITE_RATE: '100000', SITE_BURST: '100000' } });
});

afterAll(() => world.close());

/** Creates a page view beacon as the tracker sends it. */
function view(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    key: site.key,
    id: `view-${++sent}`,
    url: 'https://example.com/pricing?plan=pro',
    nav: 'load',
    ...more,
  };
}

/** Creates this number of properties. */
function numbered(length: number, value: unknown = 1): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length }, (_, i) => [`k${i}`, value]));
}

/** Creates a separate world for a test that changes something. */
async function another(): Promise<World> {
  const other = await World.open();
  onTestFinished(() => other.close());
  return other;
}

async function count(of = world, siteId = site.id): Promise<number | undefined> {
  return (await of.store.events.countBySite([siteId], ALL_DAYS)).get(siteId);
}

/** Returns the count of each outcome in a site's ledger. */
async function ledger(of = world, siteId = site.id): Promise<Record<string, number>> {
  await of.store.events.flush();
  const sums: Record<string, number> = {};
  for (const line of await of.store.events.ledger(siteId, ALL_DAYS))
    sums[line.outcome] = (sums[line.outcome] ?? 0) + line.count;
  return sums;
}

/** Asserts what holds for every response: readable by every origin, never with credentials, never cached. */
function expectOpen({ headers }: Answer): void {
  expect(headers['access-control-allow-origin']).toBe('*');
  expect(headers['access-control-allow-credentials']).toBeUndefined();
  expect(headers['access-control-expose-headers']).toMatch(/\bX-Attractos-Outcome\b/i);
  expect(headers['set-cookie']).toBeUndefined();
  expect(headers['cache-control']).toBe('no-store');
}

function expectKept(answer: Answer, outcome: 'stored' | 'duplicate' | 'bot'): void {
  expect([answer.status, answer.text]).toEqual([202, '']);
  expect(answer.headers['x-attractos-outcome']).toBe(outcome);
  expectOpen(answer);
}

/** Checks the status, code and reason, a readable sentence, and that nothing comes from the framework. @returns the sentence */
function expectRefused(answer: Answer, status: number, code: string, reason: string): string {
  expect([answer.status, answer.headers['x-attractos-outcome'], answer.text]).toEqual([
    status,
    `refused; reason=${reason}`,
    expect.any(String),
  ]);
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  const body = answer.json() as { error: string; code: string; retry_after?: number };
  expect(body).toEqual({
    error: expect.stringMatching(/^[A-Z].*\.$/),
    code,
    ...(answer.headers['retry-after'] === undefined
      ? {}
      : { retry_after: Number(answer.headers['retry-after']) }),
  });
  expect(answer.text).not.toMatch(/FST_|stack|node_modules|SQLite/);
  expectOpen(answer);
  return body.error;
}

describe('an accepted beacon', () => {
  it('stores and counts a beacon once, and calls it a duplicate the second time', async () => {
    const before = await count();
    const beacon = view();
    expectKept(await server.send(beacon), 'stored');
    expectKept(await server.send(beacon), 'duplicate');
    expect(await count()).toBe((before ?? 0) + 1);
  });

  it('never takes a beacon without an id for a duplicate', async () => {
    const beacon = view({ id: undefined });
    expectKept(await server.send(beacon), 'stored');
    expectKept(await server.send(beacon), 'stored');
  });

  it('stores a beacon with its fields, but without personal data in its URL', async () => {
    const beacon = view({
      name: 'purchase',
      url: 'https://ada:secret@www.example.com/thanks?email=ada%40b.example&order=7&utm_source=x#top',
      keep: 'order|size',
      ref: 'https://search.example/find?q=me',
      props: { plan: 'pro', seats: 3, trial: false },
      value: 49.5,
      currency: 'EUR',
      width: 1279.6,
      tz: 'Europe/Berlin',
      invented_later: { deep: [1, 2, 3] },
    });
    // A visitor of its own: in the data folder, the first event of a visit sets its device.
    const headers = { ...pageHeaders('https://www.example.com'), 'user-agent': `${BROWSER} Other` };
    expectKept(await server.send(beacon, { headers }), 'stored');
    const { events } = await world.store.events.page(site.id, { limit: 1000 });
    expect(events.find(({ name }) => name === 'purchase')).toMatchObject({
      host: 'www.example.com',
      path: '/thanks?order=7',
      referrer: 'search.example/find',
      props: { plan: 'pro', seats: 3, trial: false },
      value: 49.5,
      currency: 'EUR',
      // What no report shows is not kept.
      width: null,
      timeZone: null,
      receivedAtMs: world.clock.now(),
    });
  });

  it('records a beacon from a crawler but does not count it', async () => {
    const before = await count();
    expectKept(await server.send(view(), { headers: { 'user-agent': GOOGLEBOT } }), 'bot');
    expectKept(await server.send(view(), { headers: { 'user-agent': '' } }), 'bot');
    expect(await count()).toBe(before);
  });

  it('stores a beacon that ends a view but does not count it', async () => {
    const before = { counted: await count(), ledger: await ledger() };
    const leave = view({
      name: 'leave',
      view: 'view-1',
      engaged: ENGAGED_MAX_MS,
      scroll: 100,
      vitals: { lcp: 1.5 },
    });
    expectKept(await server.send(leave), 'stored');
    expectKept(await server.send(leave), 'duplicate');
    expect({ counted: await count(), ledger: await ledger() }).toEqual(before);
  });

  it.each([
    { name: 'no Origin', headers: { origin: undefined } },
    { name: 'Origin: null', headers: { origin: 'null' } },
    { name: 'an empty Origin', headers: { origin: '' } },
    {
      name: 'no Origin and a fitting Referer',
      headers: { origin: undefined, referer: 'https://example.com/x' },
    },
    { name: 'a foreign Referer beside the true Origin', headers: { referer: 'https://copy.example/' } },
    { name: 'the origin of the twin', headers: { origin: 'https://www.example.com' } },
    { name: 'a cookie, which is ignored', headers: { cookie: 'session=1' } },
  ])('accepts a beacon with $name', async ({ headers }) => {
    const all: Record<string, string> = {};
    for (const [name, value] of Object.entries({ ...pageHeaders(), ...headers }))
      if (value !== undefined) all[name] = value;
    const answer = await server.ask({
      method: 'POST',
      path: '/e',
      headers: all,
      body: JSON.stringify(view()),
    });
    expectKept(answer, 'stored');
  });
});

describe('a refused beacon', () => {
  it('names the host seen and the domain expected when it refuses a beacon from another domain', async () => {
    const before = await ledger();
    const foreign = view({ url: 'https://copy.example/' });
    const sentence = expectRefused(
      await server.send(foreign, { headers: pageHeaders('https://copy.example') }),
      403,
      'DOMAIN_MISMATCH',
      'wrong-domain',
    );
    expect(sentence).toContain('copy.example');
    expect(sentence).toContain('example.com');
    // A wrong host in either the URL or the headers is enough to refuse the beacon.
    expectRefused(await server.send(foreign), 403, 'DOMAIN_MISMATCH', 'wrong-domain');
    const copied = { headers: pageHeaders('https://copy.example') };
    expectRefused(await server.send(view(), copied), 403, 'DOMAIN_MISMATCH', 'wrong-domain');
    expect((await ledger())['wrong-domain']).toBe((before['wrong-domain'] ?? 0) + 3);
    // A refused event is not remembered, so it counts once it comes from the right place.
    expectKept(await server.send({ ...foreign, url: 'https://example.com/' }), 'stored');
  });

  it('puts a beacon from localhost in the ledger but does not count it', async () => {
    const local = view({ url: 'http://localhost:3000/' });
    const answer = await server.send(local, { headers: pageHeaders('http://localhost:3000') });
    expect(expectRefused(answer, 403, 'LOCAL_HOST', 'local-host')).toContain('localhost');
  });

  it.each([
    { name: 'invented', key: 'ak_hello' },
    { name: 'with a wrong checksum', key: `${newSiteKey().slice(0, -1)}_` },
    { name: 'well-formed and never given out', key: newSiteKey() },
    { name: 'cut off', key: newSiteKey().slice(0, 12) },
    { name: 'with a blank inside', key: newSiteKey().replace(/^.{9}/, '$& ') },
    { name: 'in upper case', key: newSiteKey().toUpperCase() },
    { name: 'quoted and cut off', key: '“ak_hello”' },
    { name: 'the ellipsis of the documentation', key: 'ak_…' },
    { name: 'endless', key: `ak_${'a'.repeat(5000)}` },
  ])('refuses a beacon with a bad key: $name', async ({ key }) => {
    expectRefused(await server.send(view({ key })), 404, 'UNKNOWN_SITE_KEY', 'unknown-key');
  });

  it('reports a beacon with an unknown key only to the owner of the host', async () => {
    const before = await ledger();
    const nobody = await ledger(world, NO_SITE);
    await server.send(view({ key: newSiteKey() }));
    await server.send(view({ key: newSiteKey(), url: 'https://nobodys.example/' }));
    expect((await ledger())['unknown-key']).toBe((before['unknown-key'] ?? 0) + 1);
    expect((await ledger(world, NO_SITE))['unknown-key']).toBe((nobody['unknown-key'] ?? 0) + 1);
  });

  it('refuses a beacon with a retired key', async () => {
    const other = await another();
    const { site: owned } = await other.addOwner();
    await other.store.registry.addSiteKey(owned.id, newSiteKey(), 0);
    await other.store.registry.retireSiteKey(owned.key);
    const running = await other.serve();
    const answer = await running.send({ key: owned.key, url: 'https://example.com/' });
    expectRefused(answer, 410, 'RETIRED_SITE_KEY', 'retired-key');
    expect(await ledger(other, owned.id)).toEqual({ 'retired-key': 1 });
  });

  it('refuses a beacon over the rate of its site, which other domains cannot use up', async () => {
    const other = await another();
    const { site: owned } = await other.addOwner();
    const { site: neighbor } = await other.addOwner('neighbor.example');
    const running = await other.serve({ settings: { SITE_RATE: '0.5', SITE_BURST: '3' } });
    const send = () => running.send({ key: owned.key, url: 'https://example.com/' });
    for (let i = 0; i < 10; i++) await running.send({ key: owned.key, url: 'https://copy.example/' });
    for (let i = 0; i < 3; i++) expectKept(await send(), 'stored');
    const answer = await send();
    expectRefused(answer, 429, 'RATE_LIMITED', 'rate-limited');
    expect(answer.headers['retry-after']).toBe('2');
    const fromNeighbor = await running.send(
      { key: neighbor.key, url: 'https://neighbor.example/' },
      { headers: pageHeaders('https://neighbor.example') },
    );
    expectKept(fromNeighbor, 'stored');
    other.clock.advance(2 * SECOND_MS - 1);
    expectRefused(await send(), 429, 'RATE_LIMITED', 'rate-limited');
    other.clock.advance(1);
    expectKept(await send(), 'stored');
    expect(await ledger(other, owned.id)).toEqual({ stored: 4, 'wrong-domain': 10, 'rate-limited': 2 });
  });

  it('the rate does not change if the clock is set back', async () => {
    const other = await another();
    const { site: owned } = await other.addOwner();
    const running = await other.serve({ settings: { SITE_RATE: '1', SITE_BURST: '2' } });
    const send = () => running.send({ key: owned.key, url: 'https://example.com/' });
    for (let i = 0; i < 2; i++) expectKept(await send(), 'stored');
    other.clock.advance(-3600 * SECOND_MS);
    expect((await send()).status).toBe(429);
    other.clock.advance(SECOND_MS);
    expectKept(await send(), 'stored');
  });
});

describe('a malformed beacon', () => {
  const wrong: readonly [string, Record<string, unknown>][] = [
    ['key is a number', { key: 7 }],
    ['key is an array', { key: [] }],
    ['id is empty', { id: '' }],
    ['id is null', { id: null }],
    ['id is a number', { id: 7 }],
    ['id has 41 characters', { id: 'x'.repeat(41) }],
    ['name is empty', { name: '' }],
    ['name has 65 characters', { name: 'x'.repeat(65) }],
    ['name is an array', { name: ['pageview'] }],
    ['name is one letter with a thousand accents', { name: `e${'\u0301'.repeat(1000)}` }],
    ['url is missing', { url: undefined }],
    ['url is empty', { url: '' }],
    ['url is a path', { url: '/pricing' }],
    ['url is a file', { url: 'file:///etc/passwd' }],
    ['url is javascript', { url: 'javascript:alert(1)' }],
    ['url has 2049 characters', { url: `https://example.com/${'x'.repeat(2029)}` }],
    ['ref has 2049 characters', { ref: 'x'.repeat(2049) }],
    ['ref is null', { ref: null }],
    ['nav is unheard of', { nav: 'teleport' }],
    ['nav is inherited', { nav: 'toString' }],
    ['props is null', { props: null }],
    ['props is an array', { props: [] }],
    ['props is a text', { props: 'a' }],
    ['a prop is an array', { props: { a: [null] } }],
    ['a prop is an object', { props: { a: {} } }],
    ['a prop has 501 characters', { props: { a: 'x'.repeat(501) } }],
    ['the name of a prop has 65 characters', { props: { ['k'.repeat(65)]: 1 } }],
    ['31 props', { props: numbered(31) }],
    ['31 props and one that is null', { props: { ...numbered(31), x: null } }],
    [
      'a null prop whose name has 65 characters',
      { props: { ...numbered(31, null), ['k'.repeat(65)]: null } },
    ],
    ['value is an empty text', { value: '' }],
    ['value has a comma', { value: '49,90' }],
    ['value has an exponent', { value: '1e3' }],
    ['value has a plus sign', { value: '+5' }],
    ['value has blanks', { value: ' 5 ' }],
    ['value has a line break', { value: '5\n' }],
    ['value is hexadecimal', { value: '0x10' }],
    ['value is NaN in a text', { value: 'NaN' }],
    ['value has digits of another script', { value: '٤٩' }],
    ['value begins with the dot', { value: '.5' }],
    ['value has 16 digits', { value: '1'.repeat(16) }],
    ['value is null', { value: null }],
    ['currency is a sign', { currency: '€' }],
    ['currency with letters that are none in upper case', { currency: 'ſsk' }],
    ['currency too long', { currency: 'EURO' }],
    ['currency with a line break', { currency: 'EUR\n' }],
    ['view is empty', { view: '' }],
    ['engaged is negative', { engaged: -1 }],
    ['engaged more than a day', { engaged: ENGAGED_MAX_MS + 1 }],
    ['scroll over 100', { scroll: 101 }],
    ['scroll is true', { scroll: true }],
    ['width is negative', { width: -1 }],
    ['width beyond any screen', { width: 100_001 }],
    ['tz has 65 characters', { tz: 'x'.repeat(65) }],
    ['vitals is a number', { vitals: 1 }],
    ['a vital is negative', { vitals: { lcp: -1 } }],
    ['a vital is a text', { vitals: { cls: '0' } }],
  ];

  it.each(wrong)('%s', async (_, field) => {
    const before = await count();
    expectRefused(await server.send(view(field)), 400, 'INVALID_EVENT', 'malformed');
    expect(await count()).toBe(before);
  });

  it.each([
    [
      { props: { items: ['a'] } },
      'props.items must be a string of at most 500 characters, a number, a boolean or null; got an array',
    ],
    [
      { props: { plan: 'pro', cart: { sum: 1 } } },
      'props.cart must be a string of at most 500 characters, a number, a boolean or null; got an object',
    ],
    [
      { props: { text: 'x'.repeat(501) } },
      'props.text must be a string of at most 500 characters, a number, a boolean or null; got a longer string',
    ],
    [
      { props: { ['k'.repeat(65)]: 1 } },
      'props must be an object of at most 30 properties, with names of at most 64 characters; got a longer name',
    ],
    [
      { props: { 'a/b~c': [] } },
      'props.a/b~c must be a string of at most 500 characters, a number, a boolean or null; got an array',
    ],
    [{ value: '49,90' }, 'value must be a number, or a decimal string such as "49.90"; got another string'],
    [{ value: null }, 'value must be a number, or a decimal string such as "49.90"; got null'],
    [{ currency: 'Euro' }, 'currency must be three letters (ISO 4217); got another string'],
    [{ nav: 'teleport' }, 'nav must be load, reload, back, soft, prerender or bfcache; got another string'],
    [{ scroll: 101 }, 'scroll must be a number from 0 to 100; got 101'],
    [{ vitals: { lcp: -1 } }, 'vitals.lcp must be a number, 0 or more; got -1'],
    [{ interactive: 'false' }, 'interactive must be true or false; got another string'],
    [{ url: undefined }, 'url must be an http(s) URL of at most 2048 characters; it is missing'],
    [{ url: '/pricing' }, 'url must be an http(s) URL of at most 2048 characters'],
    [
      { url: 'file:///home/me/index.html' },
      'url must be an http(s) URL; a page opened from a file is not counted, so open it through a web server',
    ],
  ])('%j: names the field, and what is allowed', async (fields, sentence) => {
    expect((await server.send(view(fields))).json()).toEqual({
      code: 'INVALID_EVENT',
      error: `The event is invalid: ${sentence}.`,
    });
  });

  it('is in the ledger with the field that was wrong', async () => {
    const other = await another();
    const { site: owned } = await other.addOwner();
    const running = await other.serve();
    const all: [object, string][] = [
      [{ props: { items: [] } }, 'props.items'],
      [{ props: { 'café 2': {} } }, 'props.café 2'],
      [{ props: { 'me@example.com': [] } }, 'props'],
      [{ props: { ['k'.repeat(41)]: [] } }, 'props'],
      [{ props: { 'items[0]': [] } }, 'props'],
      [{ props: { items: [{ name: 'Ann' }] } }, 'props.items'],
      [{ props: [] }, 'props'],
      [{ props: 'x' }, 'props'],
      [{ props: { ['me@example.com'.repeat(5)]: 1 } }, 'props'],
      [{ value: '49,90' }, 'value'],
      [{ value: '1.234,50' }, 'value'],
      [{ value: '' }, 'value'],
      [{ value: 'abc' }, 'value'],
      [{ value: {} }, 'value'],
      [{ currency: 'euro' }, 'currency'],
      [{ currency: 'EUR ' }, 'currency'],
      [{ name: 5 }, 'name'],
      [{ interactive: 'false' }, 'interactive'],
      [{ vitals: { lcp: '1' } }, 'vitals.lcp'],
      [{ url: 'file:///index.html' }, 'url'],
      [{ url: 5 }, 'url'],
      [{ 'me@example.com': 1, name: 5 }, 'name'],
    ];
    const expected: Record<string, number> = { batch: 1 };
    for (const [fields, field] of all) {
      expected[field] = (expected[field] ?? 0) + 1;
      await running.send({ key: owned.key, url: 'https://example.com/', ...fields });
    }
    await running.send([[{ key: owned.key }], { key: owned.key }]);
    await other.store.events.flush();
    const lines = await other.store.events.ledger(owned.id, ALL_DAYS);
    expect(lines.every(({ outcome, host }) => outcome === 'malformed' && host === '')).toBe(true);
    expect(Object.fromEntries(lines.map(({ field, count: sum }) => [field, sum]))).toEqual(expected);
  });

  it('cannot fill the ledger with made-up fields', async () => {
    const other = await another();
    const { site: owned } = await other.addOwner();
    const running = await other.serve();
    for (let i = 0; i < 130; i += 1) {
      await running.send({ key: owned.key, url: 'https://example.com/', props: { [`p${i}`]: [] } });
      if (i % 15 === 0) await other.store.events.flush();
    }
    await other.store.events.flush();
    const lines = await other.store.events.ledger(owned.id, ALL_DAYS);
    expect(lines.length).toBeLessThanOrEqual(101);
    expect(lines.reduce((sum, line) => sum + line.count, 0)).toBe(130);
    expect(lines.find(({ field }) => field === 'other')?.count).toBe(130 - (lines.length - 1));
  });

  it('is accepted if what was meant is plain', async () => {
    const other = await another();
    const { site: owned } = await other.addOwner();
    const running = await other.serve();
    const order = { key: owned.key, url: 'https://example.com/', name: 'Order' };
    const stored = async (fields: object) => {
      expectKept(await running.send({ ...order, ...fields }), 'stored');
      const { events } = await other.store.events.page(owned.id, { limit: 1 });
      return events[0];
    };
    expect(await stored({ value: '49.90', currency: 'eur' })).toMatchObject({ value: 49.9, currency: 'EUR' });
    expect(await stored({ value: '-5', currency: 'Usd' })).toMatchObject({ value: -5, currency: 'USD' });
    expect(await stored({ value: '0', currency: 'EUR' })).toMatchObject({ value: 0, currency: 'EUR' });
    expect(
      (await stored({ props: { plan: 'pro', coupon: null, paid: false, seats: 0, note: '' } }))?.props,
    ).toEqual({
      plan: 'pro',
      paid: false,
      seats: 0,
      note: '',
    });
    expect((await stored({ props: { coupon: null } }))?.props ?? {}).toEqual({});
    expect((await stored({ props: { x: null, ...numbered(30), y: null } }))?.props).toEqual(numbered(30));
    expect((await stored({ props: numbered(300, null) }))?.props ?? {}).toEqual({});
    const batch = await running.send([{ ...order, props: { ...numbered(30), x: null } }]);
    expect(batch.json()).toEqual({ outcomes: ['stored'] });
    const odd = `{"key":"${owned.key}","url":"https://example.com/","name":"x","props":{"__proto__":"a","b":null}}`;
    expectKept(await running.send(odd), 'stored');
  });

  it('explains a malformed beacon by examining only a few of its thousands of properties', async () => {
    const props = Object.fromEntries(Array.from({ length: 5_500 }, (_, i) => [`p${i}`, 1]));
    expect((await server.send({ key: 7, props })).json()).toMatchObject({
      error: expect.stringMatching(/url must be .*; it is missing\.$/),
    });
    const few = Object.fromEntries(Object.entries(props).slice(0, 400));
    expect((await server.send(view({ props: few }))).json()).toMatchObject({
      error: expect.stringMatching(/props must be an object of at most 30 properties, .*; got more\.$/),
    });
    const looked: unknown[] = [];
    const shape = {
      Errors(value: unknown) {
        looked.push(value);
        return [];
      },
    };
    whatIsWrong(shape, { key: 'ak_x', props });
    expect(looked).toEqual([{ key: 'ak_x', props: Object.fromEntries(Object.entries(props).slice(0, 31)) }]);
  });

  it('puts a malformed beacon in the ledger of the site whose key it carries', async () => {
    const before = await ledger();
    await server.send(view({ id: 7 }));
    await server.send(view({ url: 'about:blank' }));
    expect((await ledger()).malformed).toBe((before.malformed ?? 0) + 2);
  });

  it.each([
    {
      name: 'a number that JSON has no room for',
      body: () => JSON.stringify(view({ value: 7 })).replace('"value":7', '"value":1e999'),
    },
    { name: 'nothing', body: () => '' },
    { name: 'white space', body: () => '  \n' },
    { name: 'no JSON', body: () => '{key:1}' },
    { name: 'half of it', body: () => JSON.stringify(view()).slice(0, -5) },
    { name: 'two of them', body: () => `${JSON.stringify(view())}\n${JSON.stringify(view())}` },
    { name: 'a byte order mark', body: () => `\ufeff${JSON.stringify(view())}` },
    { name: 'null', body: () => 'null' },
    { name: 'true', body: () => 'true' },
    { name: 'a number', body: () => '12' },
    { name: 'a text', body: () => '"ak_x"' },
    { name: 'a form', body: () => `key=${site.key}&url=https://example.com/` },
    { name: 'brackets without end', body: () => '['.repeat(8000) },
  ])('$name', async ({ body }) => {
    expectRefused(await server.send(body()), 400, 'INVALID_EVENT', 'malformed');
  });

  it('invalid UTF-8 is decoded as browsers do', async () => {
    const bytes = Buffer.from(JSON.stringify(view({ name: '~' })));
    bytes[bytes.indexOf('~')] = 0xff;
    expectKept(
      await server.ask({ method: 'POST', path: '/e', headers: pageHeaders(), body: bytes }),
      'stored',
    );
    const { events } = await world.store.events.page(site.id, { limit: 1 });
    expect(events[0]?.name).toBe('\ufffd');
  });
});

describe('a beacon without a key', () => {
  const missing: readonly [string, object][] = [
    ['absent', {}],
    ['undefined', { key: undefined }],
    ['null', { key: null }],
    ['empty', { key: '' }],
    ['blank', { key: ' \n ' }],
    ['a version, as WordPress adds it to addresses', { key: '6.4.1' }],
    ['the word undefined', { key: 'undefined' }],
    ['the word null', { key: 'null' }],
    ['a placeholder that no template filled in', { key: '{{ SITE_KEY }}' }],
    ['the ID of the site', { key: 'site_abc123' }],
    ['an API key', { key: `sk_${'a'.repeat(46)}` }],
    ['the key of something else', { key: 'UA-12345-1' }],
    ['endless', { key: 'x'.repeat(5000) }],
  ];
  const lost = (more: object = {}) => ({
    id: `lost-${++sent}`,
    url: 'https://www.example.com/pricing',
    ...more,
  });

  it.each(missing)('is refused with what to do about it: %s', async (_, key) => {
    const sentence = expectRefused(await server.send(lost(key)), 400, 'INVALID_EVENT', 'missing-key');
    expect(sentence).toContain('/a.js?key=ak_');
  });

  it.each(['{}', '{"__proto__":{"key":"x","url":"https://example.com/"}}', '{"name":"leave"}'])(
    'is refused like any other without an address: %s',
    async (body) => {
      expectRefused(await server.send(body), 400, 'INVALID_EVENT', 'missing-key');
    },
  );

  it('is reported to the owners of the page’s host, and to no one else', async () => {
    const other = await another();
    const { site: owned } = await other.addOwner();
    const foreign = await other.addSite(await other.addAccount(), 'elsewhere.example');
    const running = await other.serve();
    for (const [, key] of missing) await running.send(lost(key));
    await running.send(lost({ name: 'leave' }));
    await running.send(lost({ url: 'https://nobody.example/' }));
    await running.send({ name: 'Order' });
    await running.send(lost({ key: 7 }));
    expect(await ledger(other, owned.id)).toEqual({ 'missing-key': missing.length, malformed: 1 });
    expect(await ledger(other, foreign.id)).toEqual({});
    expect(await ledger(other, NO_SITE)).toEqual({ 'missing-key': 3 });
    const lines = await other.store.events.ledger(owned.id, ALL_DAYS);
    expect(lines.map(({ outcome, host, field, count: sum }) => [outcome, host, field, sum])).toEqual([
      ['malformed', '', 'key', 1],
      ['missing-key', 'www.example.com', '', missing.length],
    ]);
    expect((await count(other, owned.id)) ?? 0).toBe(0);
    expect(await other.store.events.keyUse(owned.id)).toEqual([]);
    expect(Object.values(await other.store.events.audit()).flat()).toEqual([]);
  });

  it('cannot flood the ledger: a line per host and day, and a bounded number of hosts', async () => {
    const other = await another();
    const { site: owned } = await other.addOwner();
    await other.store.registry.setHostRules(owned.id, { allowSubdomains: true, extraHosts: [] });
    const running = await other.serve({ settings: { TRUST_PROXY: 'loopback' } });
    for (let i = 0; i < 130; i += 1) {
      await running.send([lost(), lost({ url: `https://h${i}.example.com/`, key: `6.4.${i}` })], {
        headers: { 'x-forwarded-for': `192.0.2.${i}` },
      });
      if (i % 15 === 0) await other.store.events.flush();
    }
    await other.store.events.flush();
    const lines = await other.store.events.ledger(owned.id, ALL_DAYS);
    expect(new Set(lines.map(({ outcome }) => outcome))).toEqual(new Set(['missing-key']));
    expect(lines.length).toBeLessThanOrEqual(101);
    expect(lines.find(({ host }) => host === 'www.example.com')?.count).toBe(130);
    expect(lines.reduce((sum, line) => sum + line.count, 0)).toBe(260);
  });

  it('is reported to a bounded number of owners', async () => {
    const other = await another();
    const owned: Site[] = [];
    for (let i = 0; i < 7; i += 1) owned.push(await other.addSite(await other.addAccount(), 'example.com'));
    const running = await other.serve();
    await running.send(lost());
    const told = await Promise.all(owned.map(({ id }) => ledger(other, id)));
    expect(told.filter((sums) => sums['missing-key'] === 1)).toHaveLength(5);
  });
});

describe('a key that is surrounded by something else', () => {
  it.each([
    ['blanks', (key: string) => `  ${key}\n`],
    ['quotes', (key: string) => `"${key}"`],
    ['typographic quotes', (key: string) => `“${key}”`],
    ['a version, as WordPress adds it to addresses', (key: string) => `${key}?ver=6.4`],
    ['its name', (key: string) => `key=${key}`],
    ['a semicolon', (key: string) => `${key};`],
  ])('counts: %s', async (_, around) => {
    const before = (await count()) ?? 0;
    expectKept(await server.send(view({ key: around(site.key) })), 'stored');
    expect(await count()).toBe(before + 1);
    expect((await world.store.events.keyUse(site.id)).map(({ key }) => key)).toEqual([site.key]);
  });
});

describe('a request that cannot be read', () => {
  it('is reported to the owners of the host that sent it', async () => {
    const other = await another();
    const { site: owned } = await other.addOwner();
    const running = await other.serve();
    const ask = (headers: Record<string, string>, body: string) =>
      running.ask({ method: 'POST', path: '/e', headers: { ...pageHeaders(), ...headers }, body });
    await running.send('{"key":');
    await running.send([]);
    await ask({ 'content-type': 'application/xml' }, '<event/>');
    await ask({}, 'x'.repeat(BATCH_MAX_BYTES + 1));
    await ask({ origin: 'https://nobody.example' }, '{');
    await ask({ origin: 'null', referer: '' }, '{');
    expect(await ledger(other, owned.id)).toEqual({ malformed: 2, 'media-type': 1, 'too-large': 1 });
    expect(await ledger(other, NO_SITE)).toEqual({ malformed: 2 });
  });
});

describe('the golden samples of the wire format', () => {
  /** Replaces the key of each sample, which belongs to no site, with the site's. */
  const SAMPLE_KEY = 'ak_0123456789abcdefghjkmnpq';
  const folder = new URL('../../tracker/wire/samples/', import.meta.url);
  const read = <T>(kind: string) =>
    readdirSync(new URL(kind, folder)).map((name) => ({
      name,
      sample: JSON.parse(readFileSync(new URL(`${kind}/${name}`, folder), 'utf8')) as T,
    }));
  it.each(read<Record<string, unknown>>('accepted'))('accepted/$name is stored', async ({ sample }) => {
    // The id is removed, because samples may share one although they are different views.
    expectKept(await server.send({ ...sample, key: site.key, id: undefined }), 'stored');
    expect((await server.send({ ...sample, key: site.key })).status).toBe(202);
  });

  it.each(read<{ reason: string; field: string; beacon: Record<string, unknown> }>('refused'))(
    'refused/$name: $sample.reason',
    async ({ sample: { field, beacon } }) => {
      const ours = beacon.key === SAMPLE_KEY ? { ...beacon, key: site.key } : beacon;
      const answer = await server.send(ours);
      // A tag that lost its key, before anything else is checked.
      if (field === 'key') expectRefused(answer, 400, 'INVALID_EVENT', 'missing-key');
      else expect(expectRefused(answer, 400, 'INVALID_EVENT', 'malformed')).toContain(`: ${field} must be `);
    },
  );
});

describe('sizes', () => {
  /** Creates a beacon of exactly this size, padded in an unknown field. */
  const ofBytes = (bytes: number, character = 'x') => {
    const empty = JSON.stringify(view({ filling: '' }));
    const room = bytes - Buffer.byteLength(empty);
    const width = Buffer.byteLength(character);
    return empty.replace(
      '"filling":""',
      `"filling":"${character.repeat(Math.floor(room / width))}${'y'.repeat(room % width)}"`,
    );
  };

  it('accepts a beacon of the maximum size, but not one byte more', async () => {
    const largest = ofBytes(BEACON_MAX_BYTES);
    expect(Buffer.byteLength(largest)).toBe(BEACON_MAX_BYTES);
    expectKept(await server.send(largest), 'stored');
    const before = await ledger();
    expectRefused(await server.send(ofBytes(BEACON_MAX_BYTES + 1)), 413, 'EVENT_TOO_LARGE', 'too-large');
    expect((await ledger())['too-large']).toBe((before['too-large'] ?? 0) + 1);
  });

  it('counts bytes, not characters', async () => {
    expectKept(await server.send(ofBytes(BEACON_MAX_BYTES, '\u{1f600}')), 'stored');
    expectRefused(
      await server.send(ofBytes(BEACON_MAX_BYTES + 1, '\u{1f600}')),
      413,
      'EVENT_TOO_LARGE',
      'too-large',
    );
  });

  it('accepts a batch of the maximum size, but not one byte more', async () => {
    const beacons = Array.from({ length: 9 }, () => ofBytes(7000));
    const batch = (bytes: number) => {
      const text = `[${beacons.join(',')}]`;
      return text + ' '.repeat(bytes - Buffer.byteLength(text));
    };
    const answer = await server.send(batch(BATCH_MAX_BYTES));
    expect([answer.status, answer.json()]).toEqual([202, { outcomes: Array(9).fill('stored') }]);
    const over = await server.send(batch(BATCH_MAX_BYTES + 1));
    expectRefused(over, 413, 'EVENT_TOO_LARGE', 'too-large');
  });

  it('refuses the one beacon of a batch that is too large', async () => {
    const answer = await server.send(`[${ofBytes(BEACON_MAX_BYTES + 1)},${ofBytes(200)}]`);
    expect([answer.status, answer.json()]).toMatchObject([
      202,
      { outcomes: ['refused: too-large', 'stored'], errors: [{ index: 0, code: 'EVENT_TOO_LARGE' }] },
    ]);
  });

  it('applies the same limits to a chunked body without Content-Length', async () => {
    const pieces = (text: string) => {
      const chunks = text.match(/.{1,1000}/gs) ?? [];
      return server.ask({
        method: 'POST',
        path: '/e',
        headers: { ...pageHeaders(), 'transfer-encoding': 'chunked' },
        chunks,
      });
    };
    expectKept(await pieces(ofBytes(BEACON_MAX_BYTES)), 'stored');
    expectRefused(await pieces(ofBytes(BEACON_MAX_BYTES + 1)), 413, 'EVENT_TOO_LARGE', 'too-large');
    const endless = await pieces('x'.repeat(BATCH_MAX_BYTES + 1));
    expectRefused(endless, 413, 'EVENT_TOO_LARGE', 'too-large');
  });

  it('refuses a body by its Content-Length before reading it', async () => {
    const answer = await askRaw(
      server.url,
      `POST /e HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 999999999\r\n\r\n{`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toMatch(/access-control-allow-origin: \*/i);
    expect(answer).toContain('EVENT_TOO_LARGE');
  });

  it('survives deeply nested JSON', async () => {
    const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    const beacon = JSON.stringify(view({ filling: 0 }));
    const single = await server.send(beacon.replace('"filling":0', `"filling":${deep(3500)}`));
    expectKept(single, 'stored');
    const inBatch = await server.send(`[${beacon.replace('"filling":0', `"filling":${deep(30_000)}`)}]`);
    expect([inBatch.status, inBatch.json()]).toMatchObject([413, { outcomes: ['refused: too-large'] }]);
    expectRefused(await server.send(deep(30_000)), 400, 'INVALID_EVENT', 'malformed');
  });
});

describe('content types', () => {
  it.each([
    'text/plain',
    'TEXT/Plain',
    'text/plain;charset=UTF-8',
    'text/plain; charset=utf-8',
    'text/plain\t; charset=utf-8',
    'text/plain ; charset',
    `text/plain; x=${'a'.repeat(8000)}`,
    'application/json',
    'application/json; charset=utf-8',
    // The bytes must be UTF-8 whatever the header says; otherwise they are not JSON.
    'application/json; charset=utf-16',
    'application/JSON;',
  ])('accepts %j', async (type) =>
    expectKept(await server.send(view(), { headers: { 'content-type': type } }), 'stored'),
  );

  it.each([
    '',
    'text',
    'text/html',
    'text/plainer',
    'text/plain, application/json',
    'text/*',
    '*/*',
    ';',
    '/',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/ld+json',
    'application/json5',
    'application/octet-stream',
    'application/cbor',
    '__proto__',
    'a'.repeat(8000),
  ])('refuses %j', async (type) => {
    const before = await count();
    const answer = await server.send(view(), { headers: { 'content-type': type } });
    expectRefused(answer, 415, 'UNSUPPORTED_MEDIA_TYPE', 'media-type');
    expect(await count()).toBe(before);
  });

  it('refuses a body without a content type', async () => {
    const { 'content-type': _, ...headers } = pageHeaders();
    const answer = await server.ask({ method: 'POST', path: '/e', headers, body: JSON.stringify(view()) });
    expectRefused(answer, 415, 'UNSUPPORTED_MEDIA_TYPE', 'media-type');
  });

  it('refuses UTF-16', async () => {
    const body = Buffer.from(JSON.stringify(view()), 'utf16le');
    const headers = { ...pageHeaders(), 'content-type': 'application/json; charset=utf-16' };
    const answer = await server.ask({ method: 'POST', path: '/e', headers, body });
    expectRefused(answer, 400, 'INVALID_EVENT', 'malformed');
  });

  it('refuses compressed bodies as invalid JSON', async () => {
    const headers = { ...pageHeaders(), 'content-encoding': 'gzip' };
    const answer = await server.ask({
      method: 'POST',
      path: '/e',
      headers,
      body: Buffer.from('1f8b0800', 'hex'),
    });
    expectRefused(answer, 400, 'INVALID_EVENT', 'malformed');
  });
});

describe('batches', () => {
  const batch = (length: number) => Array.from({ length }, () => view());

  it.each([1, 2, BATCH_MAX_BEACONS])('accepts a batch of %i', async (length) => {
    const before = (await count()) ?? 0;
    const answer = await server.send(batch(length));
    expect([answer.status, answer.json()]).toEqual([202, { outcomes: Array(length).fill('stored') }]);
    expect(answer.headers['x-attractos-outcome']).toBe(Array(length).fill('stored').join(', '));
    expectOpen(answer);
    expect(await count()).toBe(before + length);
  });

  it('list each outcome, with 202 if at least one was stored or known', async () => {
    const repeated = view();
    const answer = await server.send([
      repeated,
      view({ url: 'https://copy.example/' }),
      repeated,
      view({ key: 'ak_x' }),
      view({ props: { items: [] } }),
      null,
      'text',
      view({ name: 'leave', view: 'x' }),
    ]);
    expect([answer.status, answer.json()]).toEqual([
      202,
      {
        outcomes: [
          'stored',
          'refused: wrong-domain',
          'duplicate',
          'refused: unknown-key',
          'refused: malformed',
          'refused: malformed',
          'refused: malformed',
          'stored',
        ],
        errors: [
          { index: 1, code: 'DOMAIN_MISMATCH', error: expect.stringContaining('copy.example') },
          { index: 3, code: 'UNKNOWN_SITE_KEY', error: expect.any(String) },
          {
            index: 4,
            field: 'props.items',
            code: 'INVALID_EVENT',
            error:
              'The event is invalid: props.items must be a string of at most 500 characters, a number, a boolean or null; got an array.',
          },
          { index: 5, code: 'INVALID_EVENT', error: 'The event is invalid: it must be a JSON object.' },
          { index: 6, code: 'INVALID_EVENT', error: 'The event is invalid: it must be a JSON object.' },
        ],
      },
    ]);
    const again = await server.send([view({ id: 1 }), repeated]);
    expect([again.status, again.json()]).toMatchObject([
      202,
      { outcomes: ['refused: malformed', 'duplicate'], errors: [{ index: 0, field: 'id' }] },
    ]);
  });

  it('answers a batch of refused beacons with the status of the first refusal', async () => {
    const answer = await server.send([
      view({ url: 'https://copy.example/' }),
      view({ id: 1 }),
      view({ key: 'ak_x' }),
    ]);
    expect(answer.status).toBe(403);
    expect(answer.json()).toEqual({
      error: expect.stringContaining('copy.example'),
      code: 'DOMAIN_MISMATCH',
      outcomes: ['refused: wrong-domain', 'refused: malformed', 'refused: unknown-key'],
      errors: [
        expect.objectContaining({ index: 0, code: 'DOMAIN_MISMATCH' }),
        { index: 1, field: 'id', code: 'INVALID_EVENT', error: expect.stringContaining(': id must be ') },
        expect.objectContaining({ index: 2, code: 'UNKNOWN_SITE_KEY' }),
      ],
    });
    expect(answer.headers['x-attractos-outcome']).toBe(
      'refused; reason=wrong-domain, refused; reason=malformed, refused; reason=unknown-key',
    );
    expectOpen(answer);
  });

  it('records batches of bots', async () => {
    const answer = await server.send(batch(2), { headers: { 'user-agent': GOOGLEBOT } });
    expect([answer.status, answer.json()]).toEqual([202, { outcomes: ['bot', 'bot'] }]);
  });

  it.each([
    { name: 'empty', body: () => [] as unknown[] },
    { name: 'nested', body: () => [[view()]] },
    { name: 'nested beside others', body: () => [view(), []] },
    { name: 'one too many', body: () => batch(BATCH_MAX_BEACONS + 1) },
  ])('$name: refused entirely', async ({ body }) => {
    const before = await count();
    expectRefused(await server.send(body()), 400, 'INVALID_EVENT', 'malformed');
    expect(await count()).toBe(before);
  });

  it('puts a batch refused as a whole in the ledger of its site once', async () => {
    const other = await another();
    const { site: owned } = await other.addOwner();
    const running = await other.serve();
    const beacon = { key: owned.key, url: 'https://example.com/' };
    for (const body of [
      Array(BATCH_MAX_BEACONS + 1).fill(beacon),
      [[], 7, null, beacon],
      [[beacon]],
      [],
      [{ key: newSiteKey() }, []],
    ])
      expectRefused(await running.send(body), 400, 'INVALID_EVENT', 'malformed');
    // Without a known key in it, a batch is of the site on the host that sent it.
    expect(await ledger(other, owned.id)).toEqual({ malformed: 5 });
    expect(await ledger(other, NO_SITE)).toEqual({});
  });
});

describe('the address /e', () => {
  it('allows preflights from every origin, without credentials', async () => {
    const answer = await server.ask({
      method: 'OPTIONS',
      path: '/e',
      headers: {
        origin: 'https://example.com',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    });
    expect([answer.status, answer.text]).toEqual([204, '']);
    expectOpen(answer);
    expect(answer.headers['access-control-allow-methods']).toBe('POST');
    expect(answer.headers['access-control-allow-headers']).toBe('content-type');
    expect(Number(answer.headers['access-control-max-age'])).toBeGreaterThan(0);
  });

  it.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'TRACE'])('refuses %s with any body', async (method) => {
    const before = await ledger(world, NO_SITE);
    const answer = await server.ask({
      ...{ method, path: '/e', headers: { 'content-type': 'text/html' }, body: '{' },
    });
    expect(await ledger(world, NO_SITE)).toEqual(before);
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('POST, OPTIONS');
    expectOpen(answer);
    if (method !== 'HEAD')
      expect(answer.json()).toEqual({ error: expect.any(String), code: 'METHOD_NOT_ALLOWED' });
  });

  it('ignores a query, and matches no other path', async () => {
    expectKept(await server.send(view(), { path: '/e?utm=1' }), 'stored');
    for (const path of ['/e/', '/E', '/e.js', '//e'])
      expect((await server.send(view(), { path })).json()).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('does not extend its CORS policy to other routes', async () => {
    for (const path of ['/api/v1/sites', '/healthz', '/readyz', '/nowhere']) {
      const { headers } = await server.ask({ path, headers: { origin: 'https://example.com' } });
      expect([path, headers['access-control-allow-origin']]).toEqual([path, undefined]);
    }
  });

  it.each([
    { name: 'no HTTP', bytes: 'hello\r\n\r\n' },
    {
      name: 'two lengths',
      bytes: 'POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    },
    {
      name: 'length and pieces',
      bytes:
        'POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    },
    { name: 'endless headers', bytes: `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(40_000)}\r\n\r\n` },
  ])('answers malformed HTTP in its own format and closes the connection: $name', async ({ bytes }) => {
    const answer = await askRaw(server.url, bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer).toMatch(/\r\n\r\n\{"error":"[^"]+","code":"INVALID_REQUEST"\}$/);
  });

  it('a path that cannot be decoded is not found', async () => {
    for (const path of ['/%E0%A4%A', '/%', '/e%zz', '/e%ff?x=%']) {
      const answer = await server.ask({ path });
      expect([answer.status, answer.json()]).toEqual([404, { error: expect.any(String), code: 'NOT_FOUND' }]);
    }
  });
});

/** Returns the store's events with another `append`. */
function withAppend(events: Events, append: Events['append']): Events {
  return new Proxy(events, {
    get(target, name) {
      const value: unknown = name === 'append' ? append : Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('a store that cannot accept events', () => {
  it.each([
    { name: 'away', error: new StoreUnavailable('disk full'), reason: 'unavailable' },
    { name: 'full', error: new StoreBusy('queue full'), reason: 'busy' },
    { name: 'broken', error: new StoreBroken('fsync failed'), reason: 'unavailable' },
  ])('$name: 503 with Retry-After, without the cause', async ({ error, reason }) => {
    const other = await another();
    const { site: owned } = await other.addOwner();
    const events = withAppend(other.store.events, () => Promise.reject(error));
    const running = await other.serve({ events });
    const beacon = { key: owned.key, id: 'one', url: 'https://example.com/' };
    const answer = await running.send(beacon);
    expectRefused(answer, 503, 'UNAVAILABLE', reason);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(answer.text).not.toMatch(/disk|queue|fsync/);
    const batch = await running.send([beacon, beacon]);
    expect(batch.status).toBe(503);
    expect(batch.headers['retry-after']).toBeDefined();
    expectOpen(batch);
    expect(await ledger(other, owned.id)).toEqual({ [reason]: 3 });
    // The same event counts once the store is back.
    const back = await other.serve();
    expectKept(await back.send(beacon), 'stored');
  });

  it('an unexpected error is 500 without details', async () => {
    const other = await another();
    const { site: owned } = await other.addOwner();
    const events = withAppend(other.store.events, () => Promise.reject(new Error('secret detail')));
    const running = await other.serve({ events });
    const answer = await running.send({ key: owned.key, url: 'https://example.com/' });
    expect([answer.status, answer.json()]).toEqual([500, { error: expect.any(String), code: 'INTERNAL' }]);
    expect(answer.text).not.toContain('secret');
    expectOpen(answer);
    // The image is sent anyway, and no error is reported.
    const pixel = await running.ask({
      path: `/p.gif?key=${owned.key}&url=https://example.com/`,
      headers: { 'user-agent': BROWSER },
    });
    expect([pixel.status, pixel.headers['content-type']]).toEqual([500, 'image/gif']);
    expect(pixel.headers).not.toHaveProperty('x-attractos-outcome');
    await other.store.events.flush();
    for (const id of [owned.id, NO_SITE]) expect(await ledger(other, id)).toEqual({});
  });

  it('a partly stored batch lists each outcome', async () => {
    const other = await another();
    const { site: owned } = await other.addOwner();
    let calls = 0;
    const events = withAppend(other.store.events, (entry) =>
      ++calls === 2 ? Promise.reject(new StoreBusy('full')) : other.store.events.append(entry),
    );
    const running = await other.serve({ events });
    const beacon = (id: string) => ({ key: owned.key, id, url: 'https://example.com/' });
    const answer = await running.send([beacon('a'), beacon('b'), beacon('c')]);
    expect([answer.status, answer.json()]).toEqual([
      202,
      {
        outcomes: ['stored', 'refused: busy', 'stored'],
        errors: [{ index: 1, code: 'UNAVAILABLE', error: expect.any(String), retry_after: 5 }],
      },
    ]);
  });
});

describe('site keys', () => {
  it('applies added, retired and removed site keys without a restart', async () => {
    const other = await another();
    const account = await other.addAccount();
    const running = await other.serve();
    const owned = await other.addSite(account);
    const outcome = async (key: string, url = 'https://example.com/') =>
      (await running.send({ key, url })).headers['x-attractos-outcome'];
    await expect.poll(() => outcome(owned.key)).toBe('stored');

    await other.store.registry.addSiteKey(owned.id, 'ak_placeholder', 0);
    const second = newSiteKey();
    await other.store.registry.addSiteKey(owned.id, second, 0);
    await expect.poll(() => outcome(second)).toBe('stored');
    expect(await outcome(owned.key)).toBe('stored');
    await other.store.registry.retireSiteKey(owned.key);
    await expect.poll(() => outcome(owned.key)).toBe('refused; reason=retired-key');

    expect(await outcome(second, 'https://blog.example.com/')).toBe('refused; reason=wrong-domain');
    await other.store.registry.setHostRules(owned.id, { allowSubdomains: true, extraHosts: [] });
    await expect.poll(() => outcome(second, 'https://blog.example.com/')).toBe('stored');

    await other.store.registry.removeAccount(account.id);
    await expect.poll(() => outcome(second)).toBe('refused; reason=unknown-key');
    expect(await outcome(owned.key)).toBe('refused; reason=unknown-key');
  });

  it('keep working while the registry is down, without a query per beacon', async () => {
    const other = await another();
    const { site: owned } = await other.addOwner();
    let asked = 0;
    let away = false;
    const registry = new Proxy(other.store.registry, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (name !== 'siteKeysSince') asked++;
          return away ? Promise.reject(new StoreUnavailable('away')) : Reflect.apply(value, target, args);
        };
      },
    });
    const running = await other.serve({ registry });
    const beacon = { key: owned.key, url: 'https://example.com/' };
    expectKept(await running.send(beacon), 'stored');
    away = true;
    asked = 0;
    for (let i = 0; i < 20; i++) {
      expectKept(await running.send(beacon), 'stored');
      expectRefused(
        await running.send({ ...beacon, key: newSiteKey() }),
        404,
        'UNKNOWN_SITE_KEY',
        'unknown-key',
      );
    }
    expect(asked).toBe(0);
  });

  it('answers that a site key is unavailable, not unknown, if it could not be loaded yet', async () => {
    const answers = [
      Promise.reject(new StoreUnavailable('away')),
      Promise.resolve({ records: [], version: 0, more: false }),
    ];
    answers[0]?.catch(() => undefined);
    // The directory uses no other method of the registry.
    const registry = { siteKeysSince: () => answers.shift() } as unknown as Registry;
    const directory = new SiteDirectory({
      registry,
      clock: new TestClock(),
      rate: { perSecond: 1, burst: 1 },
      onOutage: () => {},
    });
    const key = newSiteKey();
    await expect(directory.refresh()).rejects.toThrow(StoreUnavailable);
    expect(directory.resolve(key)).toEqual({ kind: 'cannot-know' });
    expect(directory.ageMs()).toBeNull();
    // An invented key is unknown, whether the registry is available or not.
    expect(directory.resolve('ak_invented')).toEqual({ kind: 'unknown' });
    await directory.refresh();
    expect(directory.resolve(key)).toEqual({ kind: 'unknown' });
    expect(directory.ageMs()).toBe(0);
  });
});

describe('the ledger', () => {
  it('balances with any mix of beacons', async () => {
    const other = await another();
    const { site: owned } = await other.addOwner();
    const running = await other.serve({ settings: { SITE_RATE: '1', SITE_BURST: '6' } });
    const beacon = (more: object = {}) => ({ key: owned.key, url: 'https://example.com/', ...more });
    const all = [
      beacon({ id: 'a' }),
      beacon({ id: 'a' }),
      beacon({ id: 'b' }),
      [beacon({ id: 'b' }), beacon({ id: 'c' })],
      beacon({ url: 'https://copy.example/' }),
      beacon({ url: 'http://localhost/' }),
      beacon({ id: 7 }),
      beacon({ filling: 'x'.repeat(9000) }),
      [beacon({ id: 'd' }), beacon({ id: 'e' }), beacon({ id: 'f' })],
      beacon({ name: 'leave' }),
    ];
    for (const one of all) await running.send(one);
    expect(await ledger(other, owned.id)).toEqual({
      stored: 4,
      duplicate: 2,
      'wrong-domain': 1,
      'local-host': 1,
      malformed: 1,
      'too-large': 1,
      'rate-limited': 2,
    });
    expect(await count(other, owned.id)).toBe(4);
    expect(Object.values(await other.store.events.audit()).flat()).toEqual([]);
  });
});
