import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { SiteList } from '../src/api/sites.ts';
import { MINUTE_MS, SECOND_MS } from '../src/domain/clock.ts';
import { ERRORS } from '../src/domain/errors.ts';
import { nearest } from '../src/domain/nearest.ts';
import { LEDGER_REASONS, meaningOf, type RefusalReason } from '../src/domain/outcomes.ts';
import { type Account, type Site, StoreUnavailable } from '../src/store/contract/store.ts';
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

// Each test has its own minute, so that none uses up another's rate limit.
beforeEach(() => api.world.clock.advance(MINUTE_MS - (api.world.clock.now() % MINUTE_MS)));
afterAll(() => api.close());

/** The required parameters of operations, by the last part of their path. */
const REQUIRED: Readonly<Record<string, string>> = {
  breakdown: '?by=page',
  funnel: '?step=page:/&step=event:signup',
  journey: '?page=/',
};
/** Returns a valid request for every GET operation on a site. */
const questions = () =>
  operations
    .filter(({ method, path }) => method === 'GET' && path.includes('{id}'))
    .map(
      ({ path }) =>
        `${path.replace('/api/v1', '').replace('{id}', site.id)}${REQUIRED[path.split('/').at(-1) ?? ''] ?? ''}`,
    );

async function another(settings: Record<string, string> = {}): Promise<ApiWorld> {
  const other = await ApiWorld.open(settings);
  onTestFinished(() => other.close());
  return other;
}

describe('the table of errors', () => {
  const codes = Object.keys(ERRORS).sort();
  const sources = readdirSync(join(root, 'server/src'), { recursive: true, encoding: 'utf8' })
    .filter(
      (name) =>
        /\.tsx?$/.test(name) && name !== 'domain/errors.ts' && !/api[/\\](operations|docs)/.test(name),
    )
    .map((name) => readFileSync(join(root, 'server/src', name), 'utf8'))
    .join('\n');

  it('contains exactly the codes in the sources', () => {
    const unused = codes.filter((code) => !new RegExp(`'${code}'`).test(sources));
    expect(unused).toEqual([]);
    const given = [...sources.matchAll(/new ApiError\(\s*'([A-Z_]+)'/g)].map(([, code]) => code ?? '');
    expect(given.filter((code) => !codes.includes(code))).toEqual([]);
    expect(given.length).toBeGreaterThan(20);
  });

  it('lists every error in the OpenAPI document and on the reference page', async () => {
    expect([...(documented.components.schemas.ErrorCode as { enum: string[] }).enum].sort()).toEqual(codes);
    const { text } = await api.server.ask({ path: '/docs' });
    const rows = [...text.matchAll(/<tr id="([A-Z_]+)"><td><code>\1<\/code><\/td><td>(\d+)<\/td>/g)];
    expect(rows.map(([, code, status]) => [code, Number(status)]).sort()).toEqual(
      Object.entries(ERRORS)
        .map(([code, { status }]) => [code, status])
        .sort(),
    );
  });

  it('has every error of each operation with its status', () => {
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
        'missing-key': true,
        'wrong-domain': true,
        'local-host': true,
        'excluded-page': true,
        'excluded-country': true,
        'excluded-address': true,
        'excluded-referrer': true,
        'excluded-host': true,
        'excluded-agent': true,
        'referrer-spam': true,
        'data-center': true,
        busy: true,
        unavailable: true,
      },
    };
    expect([...LEDGER_REASONS].sort()).toEqual([...Object.keys(reasons), 'bot'].sort());
    for (const reason of LEDGER_REASONS) expect(meaningOf(reason)).toMatch(/^[A-Z].+\.$/);
    expect(meaningOf('constructor')).toBeNull();
  });
});

describe('paths and methods', () => {
  it('answers METHOD_NOT_ALLOWED with the allowed methods, on every path', async () => {
    const methods = new Map<string, string[]>();
    for (const { path, method } of operations) methods.set(path, [...(methods.get(path) ?? []), method]);
    for (const [path, allowed] of methods) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
        if (allowed.includes(method)) continue;
        const answer = await api.server.ask({
          ...{ method, path: path.replace('{id}', site.id) },
          headers: { authorization: `Bearer ${apiKey}` },
        });
        expectRefusal(answer, 405, 'METHOD_NOT_ALLOWED');
        const taken = allowed.flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one]));
        expect(String(answer.headers.allow).split(', ').sort()).toEqual([...taken, 'OPTIONS'].sort());
      }
    }
  });

  it('distinguishes a missing site id from an unknown path', async () => {
    for (const path of questions()) {
      if (path === `/sites/${site.id}`) continue;
      expectRefusal(await api.get(apiKey, path.replace(site.id, '')), 400, 'MISSING_SITE_ID');
    }
    for (const path of ['/sites/', '/nowhere', `/sites/${site.id}/nothing`, ''])
      expectRefusal(await api.get(apiKey, path), 404, 'NOT_FOUND');
  });

  it('does not distinguish a foreign site from a missing one', async () => {
    const other = await api.world.addOwner('other.example', 'pro');
    for (const path of questions()) {
      const foreign = await api.get(apiKey, path.replace(site.id, other.site.id));
      const none = await api.get(apiKey, path.replace(site.id, 'site_00000000000000'));
      expectRefusal(foreign, 403, 'SITE_NOT_FOUND');
      expect(foreign.text).toBe(none.text);
    }
  });

  it('answers UNAVAILABLE if the store is down, and INTERNAL without details', async () => {
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
  it('refuse unknown parameters, and suggest the nearest', async () => {
    const refusal = async (path: string) => {
      const answer = await api.get(apiKey, path);
      expectRefusal(answer, 400, 'INVALID_QUERY');
      return (answer.json() as { error: string }).error;
    };
    expect(await refusal(`/sites/${site.id}/stats?strat=2026-05-01`)).toContain('Did you mean "start"?');
    expect(await refusal(`/sites/${site.id}/events?Limit=5`)).toContain('Did you mean "limit"?');
    expect(await refusal(`/sites/${site.id}/stats?zzzzzz=1`)).toContain('Valid parameters: start, end');
    expect(await refusal('/usage?month=5')).toContain('takes no parameters');
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
  ])('%s is refused with the allowed values of %s', async (path, name) => {
    const answer = await api.get(apiKey, `/sites/${site.id}/${path}`);
    expectRefusal(answer, 400, 'INVALID_QUERY');
    expect((answer.json() as { error: string }).error).toMatch(new RegExp(`^${name} .*\\.$`, 's'));
  });

  it('ignores queries to the list of sites', async () => {
    expect((await api.get(apiKey, '/sites?cache=1')).status).toBe(200);
  });

  it('find the nearest name, or none if all are far', () => {
    expect(nearest('granularty', ['start', 'granularity'])).toBe('granularity');
    expect(nearest('xyzzy', ['start', 'end', 'granularity'])).toBeNull();
  });
});

describe('keys', () => {
  it('do only what their scopes allow', async () => {
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

  it('reach only the sites they are bound to', async () => {
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
    // They are written together, or in this order.
    await expect.poll(() => lastUsed(other)).toBe(first + 59 * SECOND_MS);
    expect(await lastUsed(used)).toBe(first);
    api.world.clock.advance(SECOND_MS);
    await api.get(used.key, '/sites');
    await expect.poll(() => lastUsed(used)).toBe(first + MINUTE_MS);
  });

  it('have their last use written before the server stops', async () => {
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

  it('shares limits among all keys of an account, with both kinds of headers on every response', async () => {
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
    // An account on the other plan still has its full limit.
    const pro = await other.world.addOwner('example.org', 'pro');
    expect(state(await other.get(pro.apiKey, '/sites'))).toEqual([
      '600',
      '599',
      '"account";r=599;t=45',
      '"account";q=600;w=60',
    ]);
  });

  it('apply to failed authentication per address, for any key', async () => {
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
    // A valid key is not affected by other clients at the same address.
    expect((await other.get(owner.apiKey, '/sites')).status).toBe(200);
  });
});

describe('caching', () => {
  it('answers 304 to a matching ETag, separately for JSON and CSV', async () => {
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

  it('allows no origins by default: no response has CORS headers', async () => {
    for (const path of ['/api/v1/sites', '/api/v1/openapi.json']) {
      const { headers } = await api.server.ask({ path, headers: asking('https://app.example') });
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
    const preflight = await api.server.ask({
      ...{ method: 'OPTIONS', path: '/api/v1/sites' },
      headers: { origin: 'https://app.example', 'access-control-request-method': 'GET' },
    });
    expect(preflight.status).toBe(204);
    expect(Object.keys(preflight.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  it('allows only the origins of the setting', async () => {
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
    expect(allowed.headers.vary).toBe('Origin, Accept, Accept-Encoding');
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
