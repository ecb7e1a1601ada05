import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MINUTE_MS } from '../src/domain/clock.ts';
import { ApiWorld, documented, operations, schemaErrors } from './support/api.ts';
import { registeredRoutes } from './support/registered-routes.ts';

/** The document that describes the API. */

let api: ApiWorld;

beforeAll(async () => {
  api = await ApiWorld.open();
});

beforeEach(() => api.world.clock.advance(MINUTE_MS));
afterAll(() => api.close());

describe('GET /api/v1/openapi.json', () => {
  it('serves valid OpenAPI 3.1', async () => {
    const answer = await api.ask({ path: '/api/v1/openapi.json' });
    expect(answer.status).toBe(200);
    expect(answer.headers['x-ratelimit-limit']).toBe('60');
    const document = answer.json() as Record<string, unknown>;
    const validator = new Validator();
    expect(await validator.validate(document)).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    // Every reference resolves.
    for (const [, pointer] of answer.text.matchAll(/"\$ref":"#([^"]+)"/g)) {
      const found = (pointer ?? '')
        .split('/')
        .slice(1)
        .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document);
      expect(found, pointer).toBeDefined();
    }
  });

  it('contains the public address or that of the request', async () => {
    const server = async (world: ApiWorld) =>
      ((await world.ask({ path: '/api/v1/openapi.json' })).json() as { servers: { url: string }[] })
        .servers[0]?.url;
    expect(await server(api)).toBe(api.server.url);
    const other = await ApiWorld.open({ PUBLIC_URL: 'https://stats.example/' });
    expect(await server(other)).toBe('https://stats.example');
    await other.close();
  });

  it('lists exactly the routes of the API', () => {
    // `api-rules.test.ts` covers the methods.
    const routes = registeredRoutes(api.server.app)
      .map(({ path }) => path)
      .filter((path) => path.startsWith('/api/'));
    const described = operations.map(({ path }) => path.replaceAll(/\{(\w+)\}/g, ':$1'));
    expect([...new Set(routes)].sort()).toEqual([...new Set(described)].sort());
  });

  it('has one type for each success, so that typed clients know its fields', () => {
    for (const { operation, path } of operations)
      expect(Object.keys(operation.responses['200']?.content ?? {}), path).toEqual(['application/json']);
    expect(
      operations.find(({ path }) => path === '/api/v1/sites')?.operation.responses['200']?.description,
    ).toBe(
      'Success. With Accept: text/csv, `sites` as CSV, with the columns id, domain, key, events_this_month, created_at.',
    );
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

  it('has schemas that accept valid and refuse invalid responses', () => {
    const totals = schemaErrors({ $ref: '#/components/schemas/StatsAnswer' });
    expect(totals({})).not.toEqual([]);
    expect(Object.keys(documented.components.schemas)).toContain('TimeseriesAnswer');
  });
});
