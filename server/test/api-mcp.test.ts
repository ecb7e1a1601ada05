import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MINUTE_MS } from '../src/domain/clock.ts';
import type { Site } from '../src/store/contract/store.ts';
import { ApiWorld, expectRefusal, schemaErrors } from './support/api.ts';
import { bot, event } from './support/entries.ts';
import type { Answer } from './support/http.ts';

/** The Model Context Protocol, in the messages that a client of the official SDK sends. */

let api: ApiWorld;
let site: Site;
let apiKey: string;

beforeAll(async () => {
  api = await ApiWorld.open();
  ({ site, apiKey } = await api.world.addOwner('example.com', 'pro'));
  await api.world.store.events.append(event({ siteId: site.id }));
  await api.world.store.events.append(bot({ siteId: site.id }));
});

beforeEach(() => api.world.clock.advance(MINUTE_MS));
afterAll(() => api.close());

const HEADERS = { accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-06-18' };

const send = (message: unknown, key = apiKey, headers: Record<string, string> = {}): Promise<Answer> =>
  api.post(key, '/mcp', message, { ...HEADERS, ...headers });

interface ToolResult {
  content: { type: string; text: string }[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
}

async function result<Result>(method: string, params: unknown = {}): Promise<Result> {
  const answer = await send({ jsonrpc: '2.0', id: 7, method, params });
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  const body = answer.json() as { jsonrpc: string; id: number; result: Result };
  expect(body).toEqual({ jsonrpc: '2.0', id: 7, result: expect.anything() });
  return body.result;
}

const call = (name: string, given: unknown = {}) =>
  result<ToolResult>('tools/call', { name, arguments: given });

describe('a conversation', () => {
  it('begins with initialize and the version of the client', async () => {
    const initialize = (protocolVersion: string) =>
      result('initialize', {
        protocolVersion,
        capabilities: { roots: { listChanged: true }, sampling: {} },
        clientInfo: { name: 'claude-code', version: '2.0.0' },
      });
    expect(await initialize('2025-06-18')).toMatchObject({
      protocolVersion: '2025-06-18',
      capabilities: { tools: {} },
      serverInfo: { name: 'attractos', version: expect.any(String) },
    });
    expect(await initialize('1999-01-01')).toMatchObject({ protocolVersion: '2025-11-25' });
  });

  it('accepts notifications without a response, and answers a ping', async () => {
    const answer = await send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    expect([answer.status, answer.text]).toEqual([202, '']);
    expect(await result('ping')).toEqual({});
  });

  it('lists read-only tools with the schemas of their endpoints', async () => {
    const { tools } = await result<{ tools: { name: string; inputSchema: Record<string, unknown> }[] }>(
      'tools/list',
    );
    expect(tools.map(({ name }) => name)).toEqual([
      ...['list_sites', 'site', 'stats', 'timeseries', 'events', 'breakdown'],
      ...['vitals', 'goals', 'segments', 'funnel', 'journey', 'ledger', 'exclusions', 'realtime', 'usage'],
    ]);
    expect(tools.find(({ name }) => name === 'breakdown')?.inputSchema).toMatchObject({
      type: 'object',
      required: ['site_id', 'by'],
      additionalProperties: false,
    });
    for (const tool of tools)
      expect(tool).toMatchObject({ annotations: { readOnlyHint: true }, description: expect.any(String) });
  });

  it('returns the responses of the endpoints as text and structured content', async () => {
    const { tools } = await result<{ tools: { name: string; outputSchema: Record<string, unknown> }[] }>(
      'tools/list',
    );
    const asked = {
      list_sites: {},
      site: { site_id: site.id },
      timeseries: { site_id: site.id, granularity: 'hour' },
      events: { site_id: site.id, limit: 5 },
      exclusions: { site_id: site.id },
      realtime: { site_id: site.id },
      usage: {},
      stats: { site_id: site.id, start: '2026-05-01', end: '2026-05-31' },
      breakdown: { site_id: site.id, by: 'page', limit: 5, filter: ['!page:/admin'] },
      vitals: { site_id: site.id, by: 'device', filter: ['country:DE'] },
      goals: { site_id: site.id, start: '2026-05-01' },
      funnel: { site_id: site.id, step: ['page:/*', 'event:signup'], by: 'country' },
      journey: { site_id: site.id, page: '/*', limit: 2 },
      ledger: { site_id: site.id },
      segments: { site_id: site.id },
    };
    expect(Object.keys(asked).sort()).toEqual(tools.map(({ name }) => name).sort());
    for (const [name, given] of Object.entries(asked)) {
      const { content, structuredContent, isError } = await call(name, given);
      expect(isError).toBeUndefined();
      expect(JSON.parse(content[0]?.text ?? '')).toEqual(structuredContent);
      const schema = tools.find((tool) => tool.name === name)?.outputSchema ?? {};
      expect(schemaErrors(schema)(structuredContent)).toEqual([]);
    }
    const { structuredContent } = await call('stats', asked.stats);
    expect(structuredContent?.totals).toMatchObject({ events: 1, bot_visits: 1 });
  });

  it('returns errors that a model can act on', async () => {
    const failing = async (name: string, given: unknown) => {
      const { isError, content } = await call(name, given);
      expect(isError).toBe(true);
      return JSON.parse(content[0]?.text ?? '') as { code: string; error: string };
    };
    expect(await failing('stats', {})).toMatchObject({
      code: 'MISSING_SITE_ID',
      error: expect.stringContaining('list_sites'),
    });
    expect(await failing('stats', { site_id: 'site_x' })).toMatchObject({ code: 'SITE_NOT_FOUND' });
    expect(await failing('stats', { site_id: site.id, strat: '2026-05-01' })).toMatchObject({
      code: 'INVALID_QUERY',
      error: expect.stringContaining('start'),
    });
    expect(await failing('breakdown', { site_id: site.id, by: {} })).toMatchObject({ code: 'INVALID_QUERY' });
  });
});

describe('an invalid conversation', () => {
  it.each([
    [{ jsonrpc: '2.0', id: 1, method: 'resources/list' }, -32_601],
    [{ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'drop_tables' } }, -32_602],
    [{ jsonrpc: '2.0', id: null, method: 'ping' }, -32_600],
    [{ id: 1, method: 'ping' }, -32_600],
    [[], -32_600],
    [[{ jsonrpc: '2.0', id: 1, method: 'ping' }], -32_600],
    ['text', -32_600],
  ])('%j is a JSON-RPC error', async (message, code) => {
    const answer = await send(JSON.stringify(message));
    expect(answer.json()).toMatchObject({
      jsonrpc: '2.0',
      error: { code, message: expect.stringMatching(/\.$/) },
    });
  });

  it('has an unsupported version', async () => {
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
    for (const version of ['1999-01-01', '', '2025-06-18, 2025-06-18'])
      expectRefusal(await send(ping, apiKey, { 'mcp-protocol-version': version }), 400, 'INVALID_REQUEST');
    const { 'mcp-protocol-version': _, ...old } = HEADERS;
    expect((await api.post(apiKey, '/mcp', ping, old)).status).toBe(200);
  });

  it('refuses a batch as such', async () => {
    const answer = await send([{ jsonrpc: '2.0', id: 1, method: 'ping' }]);
    expect(answer.json()).toMatchObject({ error: { message: expect.stringContaining('Batches') } });
  });

  it('needs a read key, no foreign origin, and JSON', async () => {
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
    expectRefusal(await send(ping, 'sk_none'), 401, 'INVALID_KEY');
    const { account } = await api.world.addOwner('write.example', 'pro');
    const { key } = await api.key(account, { scopes: ['write'] });
    expectRefusal(await send(ping, key), 403, 'SCOPE_REQUIRED');
    expectRefusal(await send(ping, apiKey, { origin: 'https://evil.example' }), 403, 'ORIGIN_NOT_ALLOWED');
    expectRefusal(await send('{'), 400, 'INVALID_JSON');
    // There is no event stream.
    const stream = await api.get(apiKey, '/mcp', { accept: 'text/event-stream' });
    expectRefusal(stream, 405, 'METHOD_NOT_ALLOWED');
    expect(stream.headers.allow).toBe('POST, OPTIONS');
  });
});
