import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { AttractosClient, AttractosError } from '../src/api/client.ts';
import type { SiteItem } from '../src/api/sites.ts';
import { MINUTE_MS } from '../src/clock.ts';
import type { Site } from '../src/store/store.ts';
import { ApiWorld, documented, operations, schemaErrors } from './support/api.ts';
import { bot, event } from './support/entries.ts';

/** The document that describes the API, and the client whose types come from the same schemas. */

let api: ApiWorld;
let site: Site;
let client: AttractosClient;

beforeAll(async () => {
  api = await ApiWorld.open();
  const owner = await api.world.addOwner('example.com', 'pro');
  ({ site } = owner);
  const { key } = await api.key(owner.account, { scopes: ['read', 'write'] });
  client = new AttractosClient({ url: `${api.server.url}/`, apiKey: key });
});

beforeEach(() => api.world.clock.advance(MINUTE_MS));
afterAll(() => api.close());

describe('GET /api/v1/openapi.json', () => {
  it('is valid OpenAPI 3.1, by the schema of its specification', async () => {
    const answer = await api.ask({ path: '/api/v1/openapi.json' });
    expect(answer.status).toBe(200);
    expect(answer.headers['x-ratelimit-limit']).toBe('60');
    const document = answer.json() as Record<string, unknown>;
    const validator = new Validator();
    expect(await validator.validate(document)).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    // Every reference leads somewhere.
    for (const [, pointer] of answer.text.matchAll(/"\$ref":"#([^"]+)"/g)) {
      const found = (pointer ?? '')
        .split('/')
        .slice(1)
        .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document);
      expect(found, pointer).toBeDefined();
    }
  });

  it('names the address it was asked at, or the public one', async () => {
    const server = async (world: ApiWorld) =>
      ((await world.ask({ path: '/api/v1/openapi.json' })).json() as { servers: { url: string }[] })
        .servers[0]?.url;
    expect(await server(api)).toBe(api.server.url);
    const other = await ApiWorld.open({ PUBLIC_URL: 'https://stats.example/' });
    expect(await server(other)).toBe('https://stats.example');
    await other.close();
  });

  it('has every route of the API, and no other', () => {
    // The router's own list, a tree drawn with four characters a level. Which methods are taken is the rules' test.
    const above: string[] = [];
    const routes = api.server.app
      .printRoutes({ commonPrefix: false })
      .split('\n')
      .filter((line) => line.includes('── '))
      .map((line) => {
        const [, drawn = '', part = ''] = /^(.*── )(.*?)(?: \([A-Z, ]+\))?$/.exec(line) ?? [];
        above.length = drawn.length / 4 - 1;
        above.push(part);
        return above.join('');
      })
      .filter((path) => path.startsWith('/api/'));
    const described = operations.map(({ path }) => path.replace('{id}', ':id'));
    expect([...new Set(routes)].sort()).toEqual([...new Set(described)].sort());
  });

  it('has a description and a schema for every parameter', () => {
    for (const { operation, path } of operations) {
      for (const parameter of operation.parameters) {
        expect([path, parameter]).toEqual([
          path,
          expect.objectContaining({ description: expect.stringMatching(/\.$/), schema: expect.any(Object) }),
        ]);
      }
    }
  });

  it('describes schemas that are schemas: what fits them is told from what does not', () => {
    const totals = schemaErrors({ $ref: '#/components/schemas/StatsAnswer' });
    expect(totals({})).not.toEqual([]);
    expect(Object.keys(documented.components.schemas)).toContain('TimeseriesAnswer');
  });
});

describe('the client', () => {
  it('asks everything, typed', async () => {
    await api.world.store.events.append(event({ siteId: site.id, receivedAtMs: api.world.clock.now() }));
    await api.world.store.events.append(bot({ siteId: site.id, receivedAtMs: api.world.clock.now() }));
    const { sites } = await client.sites();
    expectTypeOf(sites).toEqualTypeOf<SiteItem[]>();
    expect(sites).toMatchObject([{ id: site.id, events_this_month: 1 }]);
    expect(await client.site(site.id)).toMatchObject({ domain: 'example.com' });
    const stats = await client.stats(site.id, { compare: 'previous', filter: ['country:DE', '!page:/x'] });
    expectTypeOf(stats.totals.bounce_rate).toEqualTypeOf<number | null>();
    expect(stats.comparison?.totals.events).toBe(0);
    const { timeseries } = await client.timeseries(site.id, { granularity: 'hour' });
    expect(timeseries.at(-1)?.start).toMatch(/Z$/);
    expect((await client.breakdown(site.id, { by: 'page' })).breakdown[0]?.value).toBe('/');
    expect((await client.ledger(site.id)).accepted).toBe(1);
    expect((await client.realtime(site.id)).visitors).toBe(1);
    expect((await client.usage()).events_this_month).toBe(1);
    // @ts-expect-error a granularity that there is not
    await expect(client.timeseries(site.id, { granularity: 'year' })).rejects.toThrow();
  });

  it('reports, and reads lists to their end', async () => {
    const outcomes = await client.report(site.id, [
      { id: 'one', url: 'https://example.com/one' },
      { id: 'two', url: 'https://example.com/two' },
    ]);
    expect(outcomes.outcomes.map(({ outcome }) => outcome)).toEqual(['stored', 'stored']);
    const paths: string[] = [];
    for await (const { path } of client.eachEvent(site.id, { type: 'event', limit: 1 })) paths.push(path);
    expect(paths.toSorted()).toEqual(['/', '/one', '/two']);
    const rows: (string | null)[] = [];
    for await (const { value } of client.eachRow(site.id, { by: 'page', limit: 2 })) rows.push(value);
    expect(rows.toSorted()).toEqual(['/', '/one', '/two']);
    let lines = 0;
    for await (const { count } of client.eachLine(site.id, { limit: 1 })) lines += count;
    expect(lines).toBe((await client.ledger(site.id)).received);
  });

  it('throws errors of the table', async () => {
    const failing = client.stats('site_nobody');
    await expect(failing).rejects.toBeInstanceOf(AttractosError);
    await expect(failing).rejects.toMatchObject({
      code: 'SITE_NOT_FOUND',
      status: 403,
      retryAfterSeconds: undefined,
    });
  });
});
