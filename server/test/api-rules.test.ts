import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { REASON_SENTENCES } from '../src/api/ledger.ts';
import { nearest } from '../src/api/query.ts';
import type { SiteList } from '../src/api/sites.ts';
import { MINUTE_MS, SECOND_MS } from '../src/clock.ts';
import type { RefusalReason } from '../src/collect/receive.ts';
import { ERRORS } from '../src/errors.ts';
import { type Account, type Site, StoreUnavailable } from '../src/store/store.ts';
import { ApiWorld, documented, expectRefusal, operations } from './support/api.ts';
import type { Answer } from './support/http.ts';
import { root } from './support/paths.ts';

/** What holds for every endpoint: errors, keys, limits, caching, origins. */

let api: ApiWorld;
let account: Account;
let site: Site;
let apiKey: string;

beforeAll(async () => {
  api = await ApiWorld.open();
  ({ account, site, apiKey } = await api.world.addOwner('example.com', 'pro'));
});

// Each test has a minute of its own, so that none uses up another's requests.
beforeEach(() => api.world.clock.advance(MINUTE_MS - (api.world.clock.now() % MINUTE_MS)));
afterAll(() => api.close());

/** Every question about a site, answerable. */
const questions = () =>
  operations
    .filter(({ method, path }) => method === 'GET' && path.includes('{id}'))
    .map(
      ({ path }) =>
        `${path.replace('/api/v1', '').replace('{id}', site.id)}${path.endsWith('breakdown') ? '?by=page' : ''}`,
    );

async function another(settings: Record<string, string> = {}): Promise<ApiWorld> {
  const other = await ApiWorld.open(settings);
  onTestFinished(() => other.close());
  return other;
}

describe('the table of errors', () => {
  const codes = Object.keys(ERRORS).sort();
  const sources = readdirSync(join(root, 'server/src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && name !== 'errors.ts' && !/api[/\\](operations|docs)/.test(name))
    .map((name) => readFileSync(join(root, 'server/src', name), 'utf8'))
    .join('\n');

  it('is closed: every code is given by some source, and no source gives another', () => {
    const unused = codes.filter((code) => !new RegExp(`'${code}'`).test(sources));
    expect(unused).toEqual([]);
    const given = [...sources.matchAll(/new ApiError\(\s*'([A-Z_]+)'/g)].map(([, code]) => code ?? '');
    expect(given.filter((code) => !codes.includes(code))).toEqual([]);
    expect(given.length).toBeGreaterThan(20);
  });

  it('is in the OpenAPI document and on the reference page, whole and with nothing else', async () => {
    expect([...(documented.components.schemas.ErrorCode as { enum: string[] }).enum].sort()).toEqual(codes);
    const { text } = await api.server.ask({ path: '/docs' });
    const rows = [...text.matchAll(/<tr id="([A-Z_]+)"><td><code>\1<\/code><\/td><td>(\d+)<\/td>/g)];
    expect(rows.map(([, code, status]) => [code, Number(status)]).sort()).toEqual(
      Object.entries(ERRORS)
        .map(([code, { status }]) => [code, status])
        .sort(),
    );
  });

  it('names for every operation only errors of the table, at their statuses', () => {
    for (const { operation } of operations) {
      for (const [status, response] of Object.entries(operation.responses)) {
        if (Number(status) < 400) continue;
        const schema = response.content?.['application/json']?.schema as {
          properties: { code: { enum: (keyof typeof ERRORS)[] } };
        };
        for (const code of schema.properties.code.enum) expect(ERRORS[code].status).toBe(Number(status));
      }
    }
  });

  it('explains every reason of the ledger', () => {
    const reasons: Record<RefusalReason, true> = {
      ...{ malformed: true, 'too-large': true, 'media-type': true, 'unknown-key': true, 'retired-key': true },
      ...{
        'rate-limited': true,
        'wrong-domain': true,
        'local-host': true,
        'excluded-page': true,
        'excluded-country': true,
        busy: true,
        unavailable: true,
      },
    };
    expect(Object.keys(REASON_SENTENCES).sort()).toEqual([...Object.keys(reasons), 'bot'].sort());
  });
});

describe('addresses and methods', () => {
  it('answers METHOD_NOT_ALLOWED with what is allowed, at every address', async () => {
    const methods = new Map<string, string[]>();
    for (const { path, method } of operations) methods.set(path, [...(methods.get(path) ?? []), method]);
    for (const [path, allowed] of methods) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        if (allowed.includes(method)) continue;
        const answer = await api.server.ask({
          ...{ method, path: path.replace('{id}', site.id) },
          headers: { authorization: `Bearer ${apiKey}` },
        });
        expectRefusal(answer, 405, 'METHOD_NOT_ALLOWED');
        const taken = allowed.flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one])).sort();
        expect(String(answer.headers.allow).split(', ').sort()).toEqual(taken);
      }
    }
  });

  it('tells a path without a site id from one that is nowhere', async () => {
    for (const path of questions()) {
      if (path === `/sites/${site.id}`) continue;
      expectRefusal(await api.get(apiKey, path.replace(site.id, '')), 400, 'MISSING_SITE_ID');
    }
    for (const path of ['/sites/', '/nowhere', `/sites/${site.id}/nothing`, ''])
      expectRefusal(await api.get(apiKey, path), 404, 'NOT_FOUND');
  });

  it('does not tell a foreign site from one that does not exist', async () => {
    const other = await api.world.addOwner('other.example', 'pro');
    for (const path of questions()) {
      const foreign = await api.get(apiKey, path.replace(site.id, other.site.id));
      const none = await api.get(apiKey, path.replace(site.id, 'site_00000000000000'));
      expectRefusal(foreign, 403, 'SITE_NOT_FOUND');
      expect(foreign.text).toBe(none.text);
    }
  });

  it('says UNAVAILABLE when the store is away, and INTERNAL without a word of what broke', async () => {
    const { store } = api.world;
    for (const [error, status, code] of [
      [new StoreUnavailable('disk I/O error'), 503, 'UNAVAILABLE'],
      [new Error('secret: SELECT * FROM'), 500, 'INTERNAL'],
    ] as const) {
      const events = new Proxy(store.events, {
        get: (target, name) => {
          if (name === 'countBySite') return () => Promise.reject(error);
          const value: unknown = Reflect.get(target, name);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      const { ask } = await api.world.serve({ events });
      const answer = await ask({ path: '/api/v1/usage', headers: { authorization: `Bearer ${apiKey}` } });
      expectRefusal(answer, status, code);
      expect(answer.text).not.toMatch(/SELECT|disk/);
      if (status === 503) expect(answer.headers['retry-after']).toBe('5');
    }
  });
});

describe('queries', () => {
  it('refuse names that an endpoint does not know, with the nearest that it does', async () => {
    const refusal = async (path: string) => {
      const answer = await api.get(apiKey, path);
      expectRefusal(answer, 400, 'INVALID_QUERY');
      return (answer.json() as { error: string }).error;
    };
    expect(await refusal(`/sites/${site.id}/stats?strat=2026-05-01`)).toContain('Did you mean "start"?');
    expect(await refusal(`/sites/${site.id}/events?Limit=5`)).toContain('Did you mean "limit"?');
    expect(await refusal(`/sites/${site.id}/stats?zzzzzz=1`)).toContain('There are: start, end');
    expect(await refusal('/usage?month=5')).toContain('takes none');
    for (const name of ['__proto__', 'constructor', 'toString', ''])
      await refusal(`/sites/${site.id}/stats?${name}=1`);
  });

  it.each([
    ['events?limit=0', 'limit'],
    ['events?limit=1001', 'limit'],
    ['events?limit=1e2', 'limit'],
    ['events?limit=', 'limit'],
    ['events?limit=5&limit=6', 'limit'],
    ['events?type=click', 'type'],
    ['timeseries?granularity=year', 'granularity'],
    ['stats?compare=last', 'compare'],
    ['breakdown', 'by'],
    ['breakdown?by=colour', 'by'],
    ['breakdown?by=prop:', 'by'],
    [`breakdown?by=page${'&filter=page:/'.repeat(11)}`, 'filter'],
  ])('%s is refused, and says what %s takes', async (path, name) => {
    const answer = await api.get(apiKey, `/sites/${site.id}/${path}`);
    expectRefusal(answer, 400, 'INVALID_QUERY');
    expect((answer.json() as { error: string }).error).toMatch(new RegExp(`^${name} .*\\.$`, 's'));
  });

  it('leave the list of sites alone: it takes none, and ignores any', async () => {
    expect((await api.get(apiKey, '/sites?cache=1')).status).toBe(200);
  });

  it('find the nearest name, and none where all are far', () => {
    expect(nearest('granularty', ['start', 'granularity'])).toBe('granularity');
    expect(nearest('xyzzy', ['start', 'end', 'granularity'])).toBeNull();
  });
});

describe('keys', () => {
  it('do what their scopes say and nothing else', async () => {
    const { key: write } = await api.key(account, { scopes: ['write'] });
    const { key: both } = await api.key(account, { scopes: ['read', 'write'] });
    for (const path of ['/sites', '/usage', ...questions()]) {
      expectRefusal(await api.get(write, path), 403, 'SCOPE_REQUIRED');
      expect((await api.get(both, path)).status).toBe(200);
    }
    const event = { url: 'https://example.com/' };
    expectRefusal(await api.post(apiKey, `/sites/${site.id}/events`, event), 403, 'SCOPE_REQUIRED');
    await expect.poll(async () => (await api.post(both, `/sites/${site.id}/events`, event)).status).toBe(200);
  });

  it('reach the sites they are bound to, and no word of the others', async () => {
    const second = await api.world.addSite(account, 'second.example');
    const { key } = await api.key(account, { siteIds: [second.id] });
    const { sites } = await api.read<SiteList>(key, '/sites');
    expect(sites.map(({ id }) => id)).toEqual([second.id]);
    expect((await api.get(key, `/sites/${second.id}/stats`)).status).toBe(200);
    expectRefusal(await api.get(key, `/sites/${site.id}/stats`), 403, 'SITE_NOT_FOUND');
    expectRefusal(await api.get(key, '/usage'), 403, 'SCOPE_REQUIRED');
  });

  it('show when they were last used, written at most once a minute', async () => {
    const { registry } = api.world.store;
    const [used, other] = [await api.key(account), await api.key(account)];
    const lastUsed = async ({ id: of }: { id: string }) =>
      (await registry.apiKeysOf(account.id)).find(({ id }) => id === of)?.lastUsedAtMs;
    expect(await lastUsed(used)).toBeNull();
    const first = api.world.clock.now();
    await api.get(used.key, '/sites');
    await expect.poll(() => lastUsed(used)).toBe(first);
    api.world.clock.advance(59 * SECOND_MS);
    await api.get(used.key, '/sites');
    await api.get(other.key, '/sites');
    // Written together, or in this order.
    await expect.poll(() => lastUsed(other)).toBe(first + 59 * SECOND_MS);
    expect(await lastUsed(used)).toBe(first);
    api.world.clock.advance(SECOND_MS);
    await api.get(used.key, '/sites');
    await expect.poll(() => lastUsed(used)).toBe(first + MINUTE_MS);
  });

  it('have their last use written before the server ends', async () => {
    const own = await another();
    const { account: owner, apiKey } = await own.world.addOwner();
    await own.get(apiKey, '/sites');
    await own.server.app.close();
    expect((await own.world.store.registry.apiKeysOf(owner.id))[0]?.lastUsedAtMs).toBe(own.world.clock.now());
  });
});

describe('limits', () => {
  const state = ({ headers }: Answer) => [
    headers['x-ratelimit-limit'],
    headers['x-ratelimit-remaining'],
    headers.ratelimit,
    headers['ratelimit-policy'],
  ];

  it('are shared by all keys of an account, and said in both forms on every answer', async () => {
    const other = await another();
    const owner = await other.world.addOwner('example.com', 'free');
    const { key } = await other.key(owner.account, { scopes: ['write'] });
    expect(state(await other.get(owner.apiKey, '/sites'))).toEqual([
      '60',
      '59',
      '"account";r=59;t=60',
      '"account";q=60;w=60',
    ]);
    other.world.clock.advance(15 * SECOND_MS);
    expect(state(await other.get(key, '/sites'))).toEqual([
      '60',
      '58',
      '"account";r=58;t=45',
      '"account";q=60;w=60',
    ]);
    for (let i = 0; i < 58; i++) await other.get(owner.apiKey, '/sites');
    const refused = await other.get(key, '/usage');
    expectRefusal(refused, 429, 'RATE_LIMITED');
    expect(state(refused)).toEqual(['60', '0', '"account";r=0;t=45', '"account";q=60;w=60']);
    expect([refused.headers['retry-after'], refused.json()]).toEqual([
      '45',
      expect.objectContaining({ retry_after: 45 }),
    ]);
    // The other plan, another account: untouched.
    const pro = await other.world.addOwner('example.org', 'pro');
    expect(state(await other.get(pro.apiKey, '/sites'))).toEqual([
      '600',
      '599',
      '"account";r=599;t=45',
      '"account";q=600;w=60',
    ]);
  });

  it('hold failed authentications per address, whatever key is tried', async () => {
    const other = await another();
    const owner = await other.world.addOwner('example.com', 'free');
    for (let i = 0; i < 60; i++) {
      const answer = await other.get(`sk_${i}`, '/sites');
      expect(state(answer)).toEqual([
        '60',
        String(59 - i),
        `"address";r=${59 - i};t=60`,
        '"address";q=60;w=60',
      ]);
    }
    expectRefusal(await other.get('sk_more', '/sites'), 429, 'RATE_LIMITED');
    expectRefusal(await other.ask({ path: '/api/v1/openapi.json' }), 429, 'RATE_LIMITED');
    // Who has a key is not held up by his neighbours.
    expect((await other.get(owner.apiKey, '/sites')).status).toBe(200);
  });
});

describe('caching', () => {
  it('answers 304 to who has the answer already, for JSON and CSV apart', async () => {
    for (const path of ['/sites', '/usage', ...questions()]) {
      for (const accept of ['application/json', 'text/csv']) {
        const { headers } = await api.get(apiKey, path, { accept });
        const again = await api.get(apiKey, path, { accept, 'if-none-match': String(headers.etag) });
        expect([path, again.status, again.text]).toEqual([path, 304, '']);
        expect(again.headers['x-ratelimit-limit']).toBe('600');
      }
    }
    const json = await api.get(apiKey, '/sites');
    const csv = await api.get(apiKey, '/sites', { accept: 'text/csv' });
    expect(json.headers.etag).not.toBe(csv.headers.etag);
  });
});

describe('origins', () => {
  const asking = (origin: string) => ({ origin, authorization: `Bearer ${apiKey}` });

  it('are none at first: nothing of CORS is on any answer', async () => {
    for (const path of ['/api/v1/sites', '/api/v1/openapi.json']) {
      const { headers } = await api.server.ask({ path, headers: asking('https://app.example') });
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
    const preflight = await api.server.ask({
      ...{ method: 'OPTIONS', path: '/api/v1/sites' },
      headers: { origin: 'https://app.example', 'access-control-request-method': 'GET' },
    });
    expectRefusal(preflight, 405, 'METHOD_NOT_ALLOWED');
  });

  it('are those of the setting, and no others', async () => {
    const other = await another({ API_ORIGINS: 'https://app.example,http://localhost:3000' });
    const { apiKey: key } = await other.world.addOwner();
    const ask = (origin: string, more: object = {}) =>
      other.server.ask({
        path: '/api/v1/sites',
        headers: { origin, authorization: `Bearer ${key}` },
        ...more,
      });
    const allowed = await ask('https://app.example');
    expect(allowed.headers['access-control-allow-origin']).toBe('https://app.example');
    expect(allowed.headers['access-control-expose-headers']).toContain('X-RateLimit-Remaining');
    expect(allowed.headers).not.toHaveProperty('access-control-allow-credentials');
    expect(allowed.headers.vary).toBe('Origin, Accept');
    for (const origin of [
      'https://app.example.evil.example',
      'https://evil.example',
      'null',
      'http://app.example',
    ])
      expect((await ask(origin)).headers).not.toHaveProperty('access-control-allow-origin');
    const preflight = await other.server.ask({
      ...{ method: 'OPTIONS', path: '/api/v1/sites' },
      headers: { origin: 'http://localhost:3000', 'access-control-request-method': 'GET' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-headers']).toContain('authorization');
    expect(preflight.headers['access-control-allow-methods']).toBe('GET, HEAD');
  });
});
