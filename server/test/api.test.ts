import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../src/domain/clock.ts';
import { digestApiKey, newApiKey } from '../src/domain/keys.ts';
import { type Account, type Events, type Site, StoreUnavailable } from '../src/store/contract/store.ts';
import { NOON_MS } from './support/clock.ts';
import { event } from './support/entries.ts';
import type { Answer, Question } from './support/http.ts';
import { type RunningServer, World } from './support/world.ts';

/** `/api/v1` over real sockets, with a clock that the tests set. */

const FREE_LIMIT = 60;
const PRO_LIMIT = 600;

interface SiteItem {
  id: string;
  domain: string;
  key: string;
  events_this_month: number;
  created_at: string;
}

let world: World;
let server: RunningServer;
let owner: { account: Account; site: Site; apiKey: string };

beforeAll(async () => {
  world = await World.open();
  owner = await world.addOwner();
  server = await world.serve();
});

// Each test has its own minute, so that none uses up another's rate limit.
beforeEach(() => world.clock.advance(MINUTE_MS - (world.clock.now() % MINUTE_MS)));

afterAll(() => world.close());

/** Creates a separate world for a test that changes something. */
async function another(): Promise<World> {
  const other = await World.open();
  onTestFinished(() => other.close());
  return other;
}

function authorized(apiKey = owner.apiKey): Record<string, string> {
  return { authorization: `Bearer ${apiKey}` };
}

function sitesOf(answer: Answer): SiteItem[] {
  expect(answer.status).toBe(200);
  return (answer.json() as { sites: SiteItem[] }).sites;
}

/** Asserts that a response has the rate-limit headers. @returns how many requests are left */
function expectRateHeaders({ headers }: Answer, limit: number, now = world.clock.now()): number {
  expect(headers['x-ratelimit-limit']).toBe(String(limit));
  expect(headers['x-ratelimit-remaining']).toMatch(/^\d+$/);
  const reset = Number(headers['x-ratelimit-reset']);
  expect(reset).toBe((Math.floor(now / MINUTE_MS) + 1) * 60);
  return Number(headers['x-ratelimit-remaining']);
}

function expectError(answer: Answer, status: number, code: string): void {
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  const retryAfter = answer.headers['retry-after'];
  expect(answer.json()).toEqual({
    error: expect.stringMatching(/^[A-Z].*\.$/),
    code,
    ...(retryAfter === undefined ? {} : { retry_after: Number(retryAfter) }),
  });
  expect(answer.text).not.toMatch(/FST_|stack|node_modules|SQLite|statusCode/);
}

describe('GET /api/v1/sites', () => {
  it('has exactly the fields of the specification, in its order and with its types', async () => {
    const answer = await server.sites(owner.apiKey);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.json()).toEqual({
      sites: [
        {
          id: owner.site.id,
          domain: 'example.com',
          key: owner.site.key,
          events_this_month: 0,
          created_at: new Date(NOON_MS).toISOString(),
        },
      ],
    });
    expect(Object.keys(sitesOf(answer)[0] ?? {})).toEqual([
      'id',
      'domain',
      'key',
      'events_this_month',
      'created_at',
    ]);
    const [item] = sitesOf(answer);
    expect(item?.id).toMatch(/^site_[0-9A-Za-z]+$/);
    expect(item?.key).toMatch(/^ak_[0-9A-Za-z]+$/);
    expect(item?.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('returns an empty list for an account without sites', async () => {
    const { key } = await world.addApiKey(await world.addAccount());
    expect((await server.sites(key)).json()).toEqual({ sites: [] });
  });

  it('lists the oldest first, those of one instant in the order they were added, and only its own', async () => {
    const other = await another();
    const account = await other.addAccount({ plan: 'pro' });
    const { key } = await other.addApiKey(account);
    await other.addOwner('somebody-elses.example');
    for (const [domain, atMs] of [
      ['c.example', NOON_MS],
      ['a.example', NOON_MS],
      ['b.example', NOON_MS - DAY_MS],
      ['d.example', NOON_MS + 1],
    ] as const) {
      other.clock.nowMs = atMs;
      await other.addSite(account, domain);
    }
    const running = await other.serve();
    expect(sitesOf(await running.sites(key)).map(({ domain }) => domain)).toEqual([
      'b.example',
      'c.example',
      'a.example',
      'd.example',
    ]);
  });

  it('counts what was received in the billing month, and changes at its end', async () => {
    const other = await another();
    const account = await other.addAccount({ billingAnchorDay: 31 });
    const site = await other.addSite(account);
    const { key } = await other.addApiKey(account);
    const running = await other.serve();
    const counted = async (atMs: number) => {
      other.clock.nowMs = atMs;
      return sitesOf(await running.sites(key))[0]?.events_this_month;
    };
    // With anchor day 31, a billing month starts on 28 February 2026 and ends with 30 March.
    const start = Date.UTC(2026, 1, 28);
    const end = Date.UTC(2026, 2, 31);
    for (const receivedAtMs of [start - 1, start, start + 1, end - 1, end])
      await other.store.events.append(event({ siteId: site.id, receivedAtMs }));
    expect(await counted(start - 1)).toBe(1);
    expect(await counted(start)).toBe(3);
    expect(await counted(end - 1)).toBe(3);
    expect(await counted(end)).toBe(1);
    expect(await counted(Date.UTC(2026, 3, 30))).toBe(0);
  });

  it('counts a beacon as soon as it is acknowledged', async () => {
    const other = await another();
    const { site, apiKey } = await other.addOwner();
    const running = await other.serve();
    for (let i = 1; i <= 5; i++) {
      expect((await running.send({ key: site.key, url: 'https://example.com/' })).status).toBe(202);
      expect(sitesOf(await running.sites(apiKey))[0]?.events_this_month).toBe(i);
    }
  });

  it('does not read a key from query, cookie or body', async () => {
    const answer = await server.ask({
      path: `/api/v1/sites?key=${owner.apiKey}&authorization=Bearer+${owner.apiKey}`,
      headers: { cookie: `key=${owner.apiKey}`, 'x-api-key': owner.apiKey },
    });
    expectError(answer, 401, 'MISSING_KEY');
  });

  it('ignores a query', async () => {
    const answer = await server.ask({ path: '/api/v1/sites?limit=0&x[]=1', headers: authorized() });
    expect(sitesOf(answer)).toHaveLength(1);
  });

  it('has no method that adds a site', async () => {
    for (const path of ['/api/v1/sites', '/api/v1/sites/', '/api/sites', `/api/v1/sites/${owner.site.id}`]) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const answer = await server.ask({
          method,
          path,
          headers: { ...authorized(), 'content-type': 'application/json' },
          body: '{"domain":"new.example"}',
        });
        expect([404, 405]).toContain(answer.status);
        expect(['NOT_FOUND', 'METHOD_NOT_ALLOWED']).toContain((answer.json() as { code: string }).code);
      }
    }
    expect(await world.store.registry.sitesOf(owner.account.id)).toHaveLength(1);
  });

  it('allows no other origin', async () => {
    const answer = await server.ask({
      path: '/api/v1/sites',
      headers: { ...authorized(), origin: 'https://example.com' },
    });
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.headers['cache-control']).toMatch(/private|no-store/);
  });
});

describe('authentication', () => {
  it.each([
    { name: 'no header', header: undefined },
    { name: 'an empty one', header: '' },
    { name: 'a blank one', header: '   ' },
  ])('$name is MISSING_KEY', async ({ header }) => {
    const headers = header === undefined ? {} : { authorization: header };
    const answer = await server.ask({ path: '/api/v1/sites', headers });
    expectError(answer, 401, 'MISSING_KEY');
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expectRateHeaders(answer, FREE_LIMIT);
  });

  it.each([
    { name: 'Bearer and nothing', header: () => 'Bearer' },
    { name: 'Bearer and a blank', header: () => 'Bearer ' },
    { name: 'the key alone', header: () => owner.apiKey },
    { name: 'the key twice', header: () => `Bearer ${owner.apiKey} ${owner.apiKey}` },
    { name: 'two keys with a comma', header: () => `Bearer ${owner.apiKey},Bearer ${owner.apiKey}` },
    { name: 'another scheme', header: () => `Basic ${Buffer.from(`${owner.apiKey}:`).toString('base64')}` },
    { name: 'Token', header: () => `Token ${owner.apiKey}` },
    { name: 'quotes', header: () => `Bearer "${owner.apiKey}"` },
    { name: 'one character more', header: () => `Bearer ${owner.apiKey}0` },
    { name: 'one character less', header: () => `Bearer ${owner.apiKey.slice(0, -1)}` },
    { name: 'another case', header: () => `Bearer ${owner.apiKey.toLowerCase()}` },
    { name: 'a key never given out', header: () => `Bearer ${newApiKey()}` },
    { name: 'a site key', header: () => `Bearer ${owner.site.key}` },
    { name: 'the stored hash', header: () => `Bearer ${digestApiKey(owner.apiKey)?.hash}` },
    { name: 'the shown prefix', header: () => `Bearer ${owner.apiKey.slice(0, 9)}` },
    { name: 'an injection', header: () => "Bearer ' OR 1=1 --" },
    { name: 'letters beyond ASCII', header: () => `Bearer ${Buffer.from('schlüssel').toString('latin1')}` },
    { name: 'endless', header: () => `Bearer ${'a'.repeat(10_000)}` },
    { name: 'endless blanks', header: () => `Bearer ${' '.repeat(10_000)}x y` },
  ])('$name is INVALID_KEY', async ({ header }) => {
    const answer = await server.ask({ path: '/api/v1/sites', headers: { authorization: header() } });
    expectError(answer, 401, 'INVALID_KEY');
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expectRateHeaders(answer, FREE_LIMIT);
  });

  it.each(['bearer', 'BEARER', 'Bearer  '])('accepts the scheme %j', async (scheme) => {
    const answer = await server.ask({
      path: '/api/v1/sites',
      headers: { authorization: `${scheme} ${owner.apiKey}  ` },
    });
    expect(answer.status).toBe(200);
  });

  it('refuses a revoked key at once', async () => {
    const { id, key } = await world.addApiKey(owner.account);
    expect((await server.sites(key)).status).toBe(200);
    await world.store.registry.revokeApiKey(id, world.clock.now());
    expectError(await server.sites(key), 401, 'INVALID_KEY');
    expect((await server.sites(owner.apiKey)).status).toBe(200);
  });

  it('refuses the key of a removed account with its own error', async () => {
    const gone = await world.addOwner('gone.example');
    expect((await server.sites(gone.apiKey)).status).toBe(200);
    await world.store.registry.removeAccount(gone.account.id);
    const answer = await server.sites(gone.apiKey);
    expectError(answer, 401, 'USER_NOT_FOUND');
    expectRateHeaders(answer, FREE_LIMIT);
  });
});

describe('the ETag', () => {
  const get = (ifNoneMatch?: string, more: Partial<Question> = {}) =>
    server.ask({
      path: '/api/v1/sites',
      ...more,
      headers: { ...authorized(), ...(ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch }) },
    });

  it('changes only when the response changes', async () => {
    const other = await another();
    const { site, apiKey } = await other.addOwner();
    const running = await other.serve();
    const tag = (await running.sites(apiKey)).headers.etag;
    expect(tag).toMatch(/^"[^"]{10,}"$/);
    expect((await running.sites(apiKey)).headers.etag).toBe(tag);
    await running.send({ key: site.key, url: 'https://example.com/' });
    expect((await running.sites(apiKey)).headers.etag).not.toBe(tag);
  });

  it('differs between accounts', async () => {
    const { apiKey } = await world.addOwner('other.example');
    expect((await server.sites(apiKey)).headers.etag).not.toBe((await get()).headers.etag);
  });

  it.each([
    { name: 'the tag', header: (tag: string) => tag },
    { name: 'the weak tag', header: (tag: string) => `W/${tag}` },
    { name: 'a list', header: (tag: string) => `"x", W/"y" , ${tag}` },
    { name: 'a star', header: () => '*' },
  ])('$name in If-None-Match: 304 without a body, with all headers', async ({ header }) => {
    const first = await get();
    const answer = await get(header(first.headers.etag ?? ''));
    expect([answer.status, answer.text]).toEqual([304, '']);
    expect(answer.headers.etag).toBe(first.headers.etag);
    expect(answer.headers['cache-control']).toBe(first.headers['cache-control']);
    expect(expectRateHeaders(answer, FREE_LIMIT)).toBe(expectRateHeaders(first, FREE_LIMIT) - 1);
  });

  it.each(['"x"', '', 'W/', 'x,', '"'])('%j in If-None-Match: the full response', async (header) => {
    expect((await get(header)).status).toBe(200);
  });

  it('sends no ETag to unauthorized clients', async () => {
    const answer = await server.ask({ path: '/api/v1/sites', headers: { 'if-none-match': '*' } });
    expectError(answer, 401, 'MISSING_KEY');
    expect(answer.headers.etag).toBeUndefined();
  });

  it('sends the ETag with all other headers for HEAD', async () => {
    const { headers: ofGet } = await get();
    const head = await get(undefined, { method: 'HEAD' });
    expect([head.status, head.text]).toEqual([200, '']);
    for (const name of [
      'etag',
      'content-type',
      'content-length',
      'cache-control',
      'x-ratelimit-limit',
      'x-ratelimit-reset',
    ])
      expect([name, head.headers[name]]).toEqual([name, ofGet[name]]);
    expect((await get(ofGet.etag ?? '', { method: 'HEAD' })).status).toBe(304);
  });
});

describe('rate limits', () => {
  it('count down within a clock minute, then refuse, then reset', async () => {
    const { apiKey } = await world.addOwner('rate.example');
    world.clock.advance(20 * SECOND_MS);
    for (let left = FREE_LIMIT - 1; left >= 0; left--) {
      const answer = await server.sites(apiKey);
      expect(answer.status).toBe(200);
      expect(expectRateHeaders(answer, FREE_LIMIT)).toBe(left);
      expect(answer.headers['retry-after']).toBeUndefined();
    }
    const refused = await server.sites(apiKey);
    expectError(refused, 429, 'RATE_LIMITED');
    expect(expectRateHeaders(refused, FREE_LIMIT)).toBe(0);
    expect(refused.headers['retry-after']).toBe('40');
    expect(refused.json()).toMatchObject({ code: 'RATE_LIMITED', retry_after: 40 });

    world.clock.advance(40 * SECOND_MS - 1);
    const stillRefused = await server.sites(apiKey);
    expect([stillRefused.status, stillRefused.headers['retry-after']]).toEqual([429, '1']);
    world.clock.advance(1);
    const again = await server.sites(apiKey);
    expect(again.status).toBe(200);
    expect(expectRateHeaders(again, FREE_LIMIT)).toBe(FREE_LIMIT - 1);
  });

  it('depend on the plan and are shared by all keys of an account', async () => {
    const { account, apiKey } = await world.addOwner('pro.example', 'pro');
    const { key: second } = await world.addApiKey(account);
    expect(expectRateHeaders(await server.sites(apiKey), PRO_LIMIT)).toBe(PRO_LIMIT - 1);
    expect(expectRateHeaders(await server.sites(second), PRO_LIMIT)).toBe(PRO_LIMIT - 2);
    expect(expectRateHeaders(await server.sites(owner.apiKey), FREE_LIMIT)).toBe(FREE_LIMIT - 1);
    for (let i = 3; i <= PRO_LIMIT; i++) expect((await server.sites(apiKey)).status).toBe(200);
    expectError(await server.sites(second), 429, 'RATE_LIMITED');
    expect((await server.sites(owner.apiKey)).status).toBe(200);
  });

  it('apply per address without a valid key, and do not affect valid keys', async () => {
    const ask = (more: Partial<Question> = {}) => server.ask({ path: '/api/v1/sites', ...more });
    for (let left = FREE_LIMIT - 1; left >= 0; left--) {
      const answer = await ask(left % 2 === 0 ? {} : { headers: authorized(newApiKey()) });
      expect(answer.status).toBe(401);
      expect(expectRateHeaders(answer, FREE_LIMIT)).toBe(left);
    }
    expectError(await ask(), 429, 'RATE_LIMITED');
    // No more guesses are allowed in this minute, whatever the guess.
    expectError(await ask({ headers: authorized(newApiKey()) }), 429, 'RATE_LIMITED');
    expectError(await ask({ path: '/api/v1/nowhere' }), 429, 'RATE_LIMITED');
    // A forged address is ignored.
    expectError(await ask({ headers: { 'x-forwarded-for': '198.51.100.1' } }), 429, 'RATE_LIMITED');
    expect((await server.sites(owner.apiKey)).status).toBe(200);
  });

  it('distinguish addresses behind a trusted proxy, IPv6 by network', async () => {
    const other = await another();
    const running = await other.serve({ settings: { TRUST_PROXY: 'loopback' } });
    const left = async (address: string) =>
      expectRateHeaders(
        await running.ask({ path: '/api/v1/sites', headers: { 'x-forwarded-for': address } }),
        FREE_LIMIT,
        other.clock.now(),
      );
    expect(await left('203.0.113.1')).toBe(59);
    expect(await left('203.0.113.1')).toBe(58);
    expect(await left('203.0.113.2')).toBe(59);
    // Entries further left are whatever the client wrote.
    expect(await left('198.51.100.7, 203.0.113.2')).toBe(58);
    expect(await left('2001:db8:1:2::1')).toBe(59);
    expect(await left('2001:db8:1:2:ffff::9')).toBe(58);
    expect(await left('2001:db8:1:3::1')).toBe(59);
  });

  it('sends rate limits in the headers of every response', async () => {
    const questions: (Question & { status: number })[] = [
      { status: 200, path: '/api/v1/sites', headers: authorized() },
      { status: 200, method: 'HEAD', path: '/api/v1/sites', headers: authorized() },
      { status: 304, path: '/api/v1/sites', headers: { ...authorized(), 'if-none-match': '*' } },
      { status: 401, path: '/api/v1/sites' },
      { status: 401, path: '/api/v1/sites', headers: authorized('sk_x') },
      { status: 404, path: '/api/v1/nowhere', headers: authorized() },
      { status: 404, path: '/api/v1/nowhere' },
      { status: 404, path: '/api/v2/sites', headers: authorized() },
      { status: 404, path: '/api/', headers: authorized() },
      { status: 404, path: '/api/v1/%zz?a=%', headers: authorized() },
      { status: 403, path: `/api/v1/sites/${'x'.repeat(5000)}/stats`, headers: authorized() },
      { status: 404, path: '/api', headers: authorized() },
      { status: 404, path: '/api/v1/sites/', headers: authorized() },
      { status: 405, method: 'TRACE', path: '/api/v1/sites', headers: authorized() },
      { status: 405, method: 'DELETE', path: '/api/v1/sites', headers: authorized() },
      { status: 204, method: 'OPTIONS', path: '/api/v1/sites' },
    ];
    for (const { status, ...question } of questions) {
      const answer = await server.ask(question);
      expect([question.method, question.path, answer.status]).toEqual([
        question.method,
        question.path,
        status,
      ]);
      expectRateHeaders(answer, FREE_LIMIT);
    }
  });
});

describe('errors', () => {
  it('have one shape, also for unknown paths and methods', async () => {
    expectError(await server.ask({ path: '/api/v1/nowhere', headers: authorized() }), 404, 'NOT_FOUND');
    expectError(await server.ask({ path: '/api', headers: authorized() }), 404, 'NOT_FOUND');
    const put = await server.ask({ method: 'PUT', path: '/api/v1/sites', headers: authorized() });
    expectError(put, 405, 'METHOD_NOT_ALLOWED');
    expect(put.headers.allow).toBe('GET, HEAD, OPTIONS');
  });

  it('answers an error in a request body in our error format', async () => {
    const post = (body: string, type = 'application/json') =>
      server.ask({
        method: 'POST',
        path: '/api/v1/sites',
        headers: { ...authorized(), 'content-type': type },
        body,
      });
    for (const answer of [await post('{'), await post('x'.repeat(100_000)), await post('x', 'text/weird')]) {
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expectError(answer, answer.status, (answer.json() as { code: string }).code);
      expectRateHeaders(answer, FREE_LIMIT);
    }
  });

  /** Returns the store's events with one method that fails. */
  function failing(events: Events, name: keyof Events, error: Error): Events {
    return new Proxy(events, {
      get(target, asked) {
        if (asked === name) return () => Promise.reject(error);
        const value: unknown = Reflect.get(target, asked, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  it('answers errors of the store with 503, Retry-After and all headers', async () => {
    const other = await another();
    const { apiKey } = await other.addOwner();
    const events = failing(other.store.events, 'countBySite', new StoreUnavailable('disk gone'));
    const answer = await (await other.serve({ events })).sites(apiKey);
    expectError(answer, 503, 'UNAVAILABLE');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expectRateHeaders(answer, FREE_LIMIT, other.clock.now());
    expect(answer.text).not.toContain('disk');
  });

  it('says nothing about the key when the registry fails', async () => {
    const other = await another();
    const { apiKey } = await other.addOwner();
    const registry = new Proxy(other.store.registry, {
      get(target, name) {
        if (name === 'apiKeyByHash') return () => Promise.reject(new StoreUnavailable('locked'));
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const running = await other.serve({ registry });
    expectError(await running.sites(apiKey), 503, 'UNAVAILABLE');
    // A malformed key is refused without the registry.
    expectError(await running.sites('nonsense'), 401, 'INVALID_KEY');
  });

  it('answers unexpected errors with 500 without details', async () => {
    const other = await another();
    const { apiKey } = await other.addOwner();
    const events = failing(other.store.events, 'countBySite', new Error('secret detail'));
    const answer = await (await other.serve({ events })).sites(apiKey);
    expectError(answer, 500, 'INTERNAL');
    expect(answer.text).not.toContain('secret');
    expectRateHeaders(answer, FREE_LIMIT, other.clock.now());
  });
});
