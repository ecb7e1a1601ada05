import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NO_EXAMPLE } from '../src/api/schema-parts.ts';
import { MINUTE_MS } from '../src/domain/clock.ts';
import { ERRORS } from '../src/domain/errors.ts';
import type { Account, Site } from '../src/store/contract/store.ts';
import { ApiWorld, documented, expectRefusal, operations, schemaErrors } from './support/api.ts';
import { event } from './support/entries.ts';
import { askRaw } from './support/http.ts';

/** Unusual requests, written by hand: dates, paths, queries, bodies and methods. */

let api: ApiWorld;
let site: Site;
let account: Account;
let apiKey: string;

beforeAll(async () => {
  api = await ApiWorld.open();
  ({ site, account } = await api.world.addOwner('example.com', 'pro'));
  ({ key: apiKey } = await api.key(account, { scopes: ['read', 'write'] }));
  await api.world.store.events.append(event({ siteId: site.id, receivedAtMs: api.world.clock.now() }));
});

beforeEach(() => api.world.clock.advance(MINUTE_MS));
afterAll(() => api.close());

const get = (rest: string, headers: Record<string, string> = {}) =>
  api.get(apiKey, `/sites/${site.id}${rest}`, headers);

describe('dates', () => {
  it.each([
    '',
    ' ',
    '2026-02-30',
    '2025-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-1-1',
    '26-01-01',
    '20260101',
    '2026-01-01T00:00:00Z',
    '2026-01-01%00',
    '2026-01-01%0A',
    '+2026-01-01',
    '-2026-01-01',
    '12026-01-01',
    '٢٠٢٦-٠١-٠١',
    '２０２６-01-01',
    'today',
    'NaN',
    '1e3-01-01',
  ])('%j is invalid', async (date) => {
    for (const name of ['start', 'end']) {
      const encoded = date.includes('%') ? date : encodeURIComponent(date);
      const answer = await get(`/stats?${name}=${encoded}`);
      expectRefusal(answer, 400, 'INVALID_DATE_RANGE');
    }
  });

  it('accepts dates of the first and the last year', async () => {
    for (const [start, end] of [
      ['0000-01-01', '0000-01-01'],
      ['0000-02-29', '0001-01-01'],
      ['9999-12-31', '9999-12-31'],
      ['0000-01-01', '9999-12-31'],
    ]) {
      for (const path of ['stats', 'breakdown?by=page', 'events']) {
        const answer = await get(`/${path}${path.includes('?') ? '&' : '?'}start=${start}&end=${end}`);
        expect([path, answer.status]).toEqual([path, 200]);
        expect(answer.json()).toMatchObject({ period: { start, end } });
      }
    }
  });

  it('refuses a comparison period that begins before the first date', async () => {
    const first = 'start=0000-01-01&end=0000-12-31';
    for (const path of ['stats', 'timeseries'])
      for (const compare of ['previous', 'year'])
        expectRefusal(await get(`/${path}?${first}&compare=${compare}`), 400, 'INVALID_DATE_RANGE');
    const leap = await get('/stats?start=2024-02-29&end=2024-02-29&compare=year');
    expect(leap.json()).toMatchObject({ comparison: { period: { start: '2023-02-28', end: '2023-02-28' } } });
  });

  it('the error says which date is a default', async () => {
    const answer = await get('/stats?end=2020-01-01');
    expectRefusal(answer, 400, 'INVALID_DATE_RANGE');
    expect(answer.json()).toMatchObject({ error: expect.stringContaining('7 days ago') });
  });
});

describe('addresses', () => {
  it.each([
    ['/api/v1/sites/', 404, 'NOT_FOUND'],
    ['/api/v1/sites//', 404, 'NOT_FOUND'],
    ['/api/v1/sites//stats', 400, 'MISSING_SITE_ID'],
    ['/api/v1//sites', 404, 'NOT_FOUND'],
    ['/api/v1/sites/%2e%2e', 403, 'SITE_NOT_FOUND'],
    ['/api/v1/sites/..%2f..%2fsites/stats', 403, 'SITE_NOT_FOUND'],
    ['/api/v1/sites/%00/stats', 403, 'SITE_NOT_FOUND'],
    ['/api/v1/sites/%E0%A4%A/stats', 403, 'SITE_NOT_FOUND'],
    ['/api/v1/sites/%/stats', 403, 'SITE_NOT_FOUND'],
    ['/api/v1/sites/%F0%9F%A6%8A/stats', 403, 'SITE_NOT_FOUND'],
    ['/api/v1/sites/__proto__/stats', 403, 'SITE_NOT_FOUND'],
    [`/api/v1/sites/${'x'.repeat(200)}/stats`, 403, 'SITE_NOT_FOUND'],
    ['/api/v1/sites%2F', 404, 'NOT_FOUND'],
    ['/api/v1/usage/', 404, 'NOT_FOUND'],
    ['/api/v1/sites/../sites', 404, 'NOT_FOUND'],
    ['/api/v1/;/sites', 404, 'NOT_FOUND'],
    ['/api/', 404, 'NOT_FOUND'],
    ['/api', 404, 'NOT_FOUND'],
  ])('%s gets an error of the documented shape', async (path, status, code) => {
    const answer = await api.server.ask({ path, headers: { authorization: `Bearer ${apiKey}` } });
    expectRefusal(answer, status, code);
    expect(answer.headers['x-ratelimit-limit']).toBe('600');
  });

  it('does not find addresses with extra slashes', async () => {
    for (const rest of ['/', '/stats/', '//stats'])
      expect([400, 403, 404]).toContain((await get(rest)).status);
    expectRefusal(await get('%2Fstats'), 403, 'SITE_NOT_FOUND');
  });
});

describe('methods', () => {
  it('refuses a method that is not allowed before reading the body', async () => {
    for (const method of ['DELETE', 'PUT', 'PATCH', 'TRACE']) {
      for (const type of ['application/json', 'text/x', 'text/plain']) {
        const answer = await api.server.ask({
          method,
          path: `/api/v1/sites/${site.id}/stats`,
          headers: { authorization: `Bearer ${apiKey}`, 'content-type': type },
          ...(method === 'TRACE' ? {} : { body: '{' }),
        });
        expectRefusal(answer, 405, 'METHOD_NOT_ALLOWED');
        expect(answer.headers.allow).toBe('GET, HEAD, OPTIONS');
      }
    }
  });

  it.each([
    ['/api/v1/sites', 'GET, HEAD, OPTIONS'],
    ['/api/v1/openapi.json', 'GET, HEAD, OPTIONS'],
    ['/api/v1/mcp', 'POST, OPTIONS'],
  ])('tells anyone the methods of %s', async (path, allow) => {
    const answer = await api.server.ask({ method: 'OPTIONS', path });
    expect([answer.status, answer.text, answer.headers.allow]).toEqual([204, '', allow]);
  });

  it('HEAD is GET without the body, including errors', async () => {
    for (const path of ['/v1/sites', `/v1/sites/${site.id}/events`, '/v1/sites/none/stats', '/v1/none']) {
      const [head, whole] = await Promise.all(
        ['HEAD', 'GET'].map((method) =>
          api.server.ask({ method, path: `/api${path}`, headers: { authorization: `Bearer ${apiKey}` } }),
        ),
      );
      expect([path, head?.status, head?.text]).toEqual([path, whole?.status, '']);
      expect(head?.headers.etag).toBe(whole?.headers.etag);
    }
  });

  it('unknown methods are malformed requests', async () => {
    const raw = await askRaw(api.server.url, 'FOO /api/v1/sites HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(raw).toMatch(/^HTTP\/1\.1 400 /);
    expect(raw).toContain('"code":"INVALID_REQUEST"');
  });
});

describe('queries', () => {
  it.each([
    ['limit=1&limit=1', 'limit'],
    ['limit=', 'limit'],
    ['limit=0', 'limit'],
    ['limit=01e1', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=９', 'limit'],
    ['limit=99999999999999999999', 'limit'],
    ['cursor=', 'cursor'],
    ['cursor=AAAA', 'cursor'],
    [`cursor=${'A'.repeat(5_000)}`, 'cursor'],
    ['cursor=%00', 'cursor'],
    ['LIMIT=1', 'LIMIT'],
    ['limit%00=1', 'limit'],
    ['limit[]=1', 'limit[]'],
    ['__proto__=1', '__proto__'],
    ['constructor=1', 'constructor'],
    ['=1', 'query parameter ""'],
    ['%zz=1', '%zz'],
    ['type=nothing', 'type'],
    ['type=events', 'did you mean event?'],
    ['type=event&type=bot', 'type'],
  ])('?%s is refused by name', async (query, named) => {
    const answer = await get(
      `/events?${encodeURI(decodeURI(query.replaceAll('%', '%25'))).replaceAll('%2525', '%')}`,
    );
    expectRefusal(answer, 400, 'INVALID_QUERY');
    expect(answer.json()).toMatchObject({ error: expect.stringContaining(named) });
  });

  it('suggests the right name for a misspelled one in a query', async () => {
    for (const [query, near] of [
      ['breakdown?by=pages', 'did you mean page?'],
      ['breakdown?by=Country', 'did you mean country?'],
      ['timeseries?granularity=days', 'did you mean day?'],
      ['stats?compare=last-year', 'compare'],
    ]) {
      const answer = await get(`/${query}`);
      expectRefusal(answer, 400, 'INVALID_QUERY');
      expect(answer.json()).toMatchObject({ error: expect.stringContaining(near ?? '') });
    }
  });

  it('reads empty parts and a second question mark of a query as URLSearchParams does', async () => {
    expect((await get('/stats?&&')).status).toBe(200);
    expect((await get('/stats?')).status).toBe(200);
    expectRefusal(await get('/stats?start=2026-01-01?end=2026-01-02'), 400, 'INVALID_DATE_RANGE');
  });

  it('may have ten filters of a hundred values, and get an error for more', async () => {
    const filters = (count: number, filter: string) =>
      Array.from({ length: count }, () => `filter=${encodeURIComponent(filter)}`).join('&');
    const values = (count: number) => Array.from({ length: count }, (_, i) => i).join('|');
    expect((await get(`/stats?${filters(10, `page:${values(100)}`)}`)).status).toBe(200);
    expectRefusal(await get(`/stats?${filters(11, 'page:/')}`), 400, 'INVALID_QUERY');
    expectRefusal(await get(`/stats?${filters(1, `page:${values(101)}`)}`), 400, 'INVALID_QUERY');
    for (const odd of [
      '\\',
      ':',
      '!',
      '!:',
      'prop:',
      'prop::',
      'page',
      '|',
      '\\:x',
      'page\\:/',
      'bot:GPTBot',
    ])
      expectRefusal(await get(`/stats?${filters(1, odd)}`), 400, 'INVALID_QUERY');
    for (const fine of [
      'page:',
      'page:\\',
      'page:|',
      '!page:%',
      'prop:a:',
      'prop:😀:x',
      'page:\u0000',
      "page:'--",
    ])
      expect([fine, (await get(`/stats?${filters(1, fine)}`)).status]).toEqual([fine, 200]);
  });
});

describe('long and odd values', () => {
  it('page through a list like short ones', async () => {
    const { site: large, apiKey: key } = await api.world.addOwner('long.example', 'pro');
    // They share a prefix that is longer than a cursor, in characters that take nine bytes each in a URL.
    const paths = Array.from({ length: 7 }, (_, i) => `/${'%E8%AA%9E'.repeat(1_500)}${i}`);
    for (const path of [...paths, '/', '/\u{1F98A}', '/\ud800']) {
      const receivedAtMs = api.world.clock.now();
      await api.world.store.events.append(event({ siteId: large.id, receivedAtMs, path }));
    }
    const seen: (string | null)[] = [];
    for (let cursor = ''; ; ) {
      const page = await api.read<{ breakdown: { value: string | null }[]; next_cursor: string | null }>(
        key,
        `/sites/${large.id}/breakdown?by=page&limit=1${cursor}`,
      );
      seen.push(...page.breakdown.map(({ value }) => value));
      if (page.next_cursor === null) break;
      expect(page.next_cursor.length).toBeLessThan(4_096);
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect(seen).toHaveLength(10);
    expect(new Set(seen).size).toBe(10);
    expect(seen).toEqual(expect.arrayContaining(paths));
  });
});

describe('bodies', () => {
  it('answers a body that is not JSON with 415', async () => {
    for (const path of [`/sites/${site.id}/events`, '/mcp']) {
      for (const type of [
        'text/plain',
        'text/plain;charset=UTF-8',
        'application/x-www-form-urlencoded',
        '',
        'x',
      ])
        expectRefusal(
          await api.post(apiKey, path, '{"url":"https://example.com/"}', { 'content-type': type }),
          415,
          'UNSUPPORTED_MEDIA_TYPE',
        );
    }
  });

  it('answers a body that is too large with 413, with or without a length', async () => {
    const large = 'x'.repeat(70_000);
    expectRefusal(await api.post(apiKey, '/mcp', JSON.stringify({ large })), 413, 'BODY_TOO_LARGE');
    const answer = await api.ask({
      method: 'POST',
      path: '/api/v1/mcp',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      chunks: [`{"large":"${large}`, '"}'],
    });
    expectRefusal(answer, 413, 'BODY_TOO_LARGE');
  });

  it.each(['', '{', 'nul', '{"a":1}}', '\u0000', '"\\ud800', '{"__proto__":{"a":1}', 'NaN', "{'a':1}"])(
    '%j is not JSON',
    async (body) => {
      expectRefusal(await api.post(apiKey, `/sites/${site.id}/events`, body), 400, 'INVALID_JSON');
    },
  );

  it('may have properties of any name, which are returned', async () => {
    const props = '{"__proto__":"kept","constructor":true,"toString":1}';
    const odd = `{"url":"https://example.com/","name":"odd","props":${props}}`;
    const later = '{"url":"https://example.com/","constructor":{"prototype":{}},"__proto__":{"url":7}}';
    const answer = await api.post(apiKey, `/sites/${site.id}/events`, `[${odd},${later}]`);
    expect(answer.json()).toEqual({ outcomes: [odd, later].map(() => ({ id: null, outcome: 'stored' })) });
    const listed = await get('/events?type=conversion&limit=1');
    expect(listed.text).toContain(`"props":${props}`);
    expect((await get('/breakdown?by=prop:__proto__')).json()).toMatchObject({
      breakdown: [{ value: 'kept', events: 1 }],
    });
  });

  it.each([
    'null',
    '7',
    '"x"',
    '[]',
    '[[]]',
    '{}',
    '{"url":7}',
    '{"url":"javascript:1"}',
    '{"url":"//example.com"}',
  ])('%s is not an event', async (body) => {
    const answer = await api.post(apiKey, `/sites/${site.id}/events`, body);
    if (answer.status === 200)
      expect(answer.json()).toMatchObject({ outcomes: [{ outcome: 'refused', code: 'INVALID_EVENT' }] });
    else expectRefusal(answer, 400, 'INVALID_EVENT');
  });
});

describe('the OpenAPI document', () => {
  it('describes every field of every schema', () => {
    const without: string[] = [];
    const walk = (schema: Record<string, unknown>, at: string) => {
      const parts = [...((schema.anyOf ?? []) as Record<string, unknown>[]), schema.items as typeof schema];
      for (const part of parts) if (part !== undefined) walk(part, at);
      for (const [name, field] of Object.entries(
        (schema.properties ?? {}) as Record<string, typeof schema>,
      )) {
        const named = field.$ref === undefined ? field : documented.components.schemas[nameOf(field.$ref)];
        if (named?.description === undefined) without.push(`${at}.${name}`);
        walk(field, `${at}.${name}`);
      }
    };
    for (const [name, schema] of Object.entries(documented.components.schemas)) walk(schema, name);
    // Fields of standards, which need no descriptions of ours.
    expect(without.filter((path) => !/jsonrpc|\.vitals\.|McpAnswer\.error\.message/.test(path))).toEqual([]);
  });

  it('has an example response for every operation, which matches its schema', () => {
    for (const { path, method, operation } of operations) {
      const content = operation.responses['200']?.content?.['application/json'] as
        | { schema: Record<string, unknown>; example?: unknown }
        | undefined;
      if (content?.schema.$ref === undefined) continue;
      expect([method, path, content.example]).toEqual([method, path, expect.any(Object)]);
      expect([path, schemaErrors(content.schema)(content.example)]).toEqual([path, []]);
      expect(JSON.stringify(content.example), path).not.toContain(NO_EXAMPLE);
    }
  });

  it('names shared schemas and refers to them', () => {
    const text = JSON.stringify(documented);
    for (const name of [
      'Site',
      'Period',
      'Totals',
      'Point',
      'BreakdownRow',
      'Event',
      'LedgerLine',
      'ReportedEvent',
    ])
      expect([name, text.includes(`"$ref":"#/components/schemas/${name}"`)]).toEqual([name, true]);
  });

  it('lists every error of each operation under its status', async () => {
    const codes = new Set(
      operations.flatMap(({ operation }) =>
        Object.values(operation.responses).flatMap(({ content }) => {
          const properties = content?.['application/json']?.schema.properties as
            | { code?: { enum?: string[] } }
            | undefined;
          return properties?.code?.enum ?? [];
        }),
      ),
    );
    const ofPages = ['UNKNOWN_SITE_KEY', 'RETIRED_SITE_KEY', 'METHOD_NOT_ALLOWED'];
    expect(Object.keys(ERRORS).filter((code) => !codes.has(code))).toEqual(expect.arrayContaining(ofPages));
    expect(Object.keys(ERRORS).filter((code) => !codes.has(code))).toHaveLength(ofPages.length);
  });
});

function nameOf(reference: unknown): string {
  return String(reference).split('/').at(-1) ?? '';
}
