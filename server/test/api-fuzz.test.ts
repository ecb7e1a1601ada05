import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MINUTE_MS } from '../src/domain/clock.ts';
import { ERRORS } from '../src/domain/errors.ts';
import type { Site } from '../src/store/contract/store.ts';
import { ApiWorld, documented, operations } from './support/api.ts';
import { bot, event } from './support/entries.ts';
import type { Answer, Question } from './support/http.ts';

/**
 * Requests generated from the OpenAPI document: valid, nearly valid and nonsense. Every response is documented for the
 * operation, and is never a server error.
 */

type Schema = Record<string, unknown>;

const RUNS = 120;
/** The seed, so that each run sends the same requests. Set `SEED` to send others. */
const SEED = Number(process.env.SEED ?? 20_260_514);

let api: ApiWorld;
let site: Site;
let keys: string[];

beforeAll(async () => {
  api = await ApiWorld.open();
  const owner = await api.world.addOwner('example.com', 'pro');
  ({ site } = owner);
  const now = api.world.clock.now();
  for (let i = 0; i < 30; i++) {
    await api.world.store.events.append(
      event({ siteId: site.id, receivedAtMs: now - i * MINUTE_MS, path: `/${i % 4}` }),
    );
    await api.world.store.events.append(bot({ siteId: site.id, receivedAtMs: now - i * MINUTE_MS }));
  }
  const both = await api.key(owner.account, { scopes: ['read', 'write', 'configure'] });
  keys = [both.key, both.key, both.key, owner.apiKey, (await api.world.addOwner()).apiKey, 'sk_none', ''];
});

afterAll(() => api.close());

/** Generates text that tends to break parsers. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1e9',
    'null',
    '2026-02-30',
    '9999-12-31',
    '0000-01-01',
    '../..',
    '%00',
    "' OR 1=1--",
  ),
  fc.constantFrom('page:/', 'country:DE|AT', '!prop:a:b', 'prop:\\:x:y', '__proto__', 'a'.repeat(3_000)),
);

/** Generates a value that usually matches a schema. */
function valueBy(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 4, arbitrary: fitting(schema) },
    { weight: 1, arbitrary: fc.oneof(text, fc.jsonValue()) },
  );
}

function fitting(schema: Schema): fc.Arbitrary<unknown> {
  if (typeof schema.$ref === 'string')
    return fitting(documented.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {});
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]));
  if (Array.isArray(schema.anyOf)) return fc.oneof(...(schema.anyOf as Schema[]).map(valueBy));
  switch (schema.type) {
    case 'integer':
      return fc.integer({ min: Number(schema.minimum ?? -5), max: Number(schema.maximum ?? 5_000) });
    case 'number':
      return fc.double();
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(valueBy(schema.items as Schema), { maxLength: 4 });
    case 'object':
      return fc.record(
        Object.fromEntries(
          Object.entries((schema.properties ?? {}) as Record<string, Schema>).map(([name, one]) => [
            name,
            valueBy(one),
          ]),
        ),
        { requiredKeys: [] },
      );
    default:
      return stringOf(schema);
  }
}

function stringOf({ format, examples, pattern }: Schema): fc.Arbitrary<unknown> {
  if (format === 'date')
    return fc.oneof(
      fc.constantFrom('2026-05-01', '2026-05-14', '2024-02-29'),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString().slice(0, 10)),
    );
  if (format === 'date-time')
    return fc.constantFrom('2026-05-14T11:00:00Z', '2026-05-14T11:00:00', '2026-05-13T11:00:00.5+14:00');
  if (pattern !== undefined)
    return fc.constantFrom('page', 'entry', 'exit', 'source', 'bot', 'prop:plan', 'prop:', 'event');
  return Array.isArray(examples) ? fc.oneof(fc.constantFrom(...(examples as unknown[]).flat()), text) : text;
}

function questionOf({ path, method, operation }: (typeof operations)[number]): fc.Arbitrary<Question> {
  const named = operation.parameters.filter((parameter) => parameter.in === 'query');
  const query = fc.record(Object.fromEntries(named.map(({ name, schema }) => [name, valueBy(schema)])), {
    requiredKeys: named.filter(({ required }) => required).map(({ name }) => name),
  });
  const extra = fc.option(fc.tuple(text, text), { freq: 9 });
  const id = fc.oneof(
    { weight: 8, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: text.map((some) => encodeURIComponent(some.toWellFormed())) },
    { weight: 1, arbitrary: fc.constantFrom('%', '%zz', '..', 'x'.repeat(300), '') },
  );
  const content = operation.requestBody?.content['application/json']?.schema;
  const body =
    content === undefined
      ? fc.constant(undefined)
      : fc.oneof(
          { weight: 6, arbitrary: valueBy(content).map((value) => JSON.stringify(value) ?? '') },
          { weight: 1, arbitrary: fc.constantFrom('', '{', '{"__proto__":1}', '[[[[]]]]', '\u0000', '"') },
        );
  const headers = fc.record({
    key: fc.nat(),
    accept: fc.constantFrom('*/*', 'text/csv', 'application/json', 'text/csv;q=nonsense', ';;,'),
    type: fc.constantFrom(
      'application/json',
      'application/json',
      'application/json; charset=utf-8',
      'text/plain',
      'x',
    ),
    etag: fc.option(fc.constantFrom('*', '"x"', 'W/"x"'), { freq: 5 }),
  });
  return fc
    .tuple(query, extra, id, body, headers)
    .map(([asked, more, some, said, { key, accept, type, etag }]) => {
      const search = new URLSearchParams();
      for (const [name, value] of Object.entries(asked)) {
        for (const one of Array.isArray(value) ? value : [value])
          search.append(name, (typeof one === 'object' ? JSON.stringify(one) : String(one)).toWellFormed());
      }
      if (more !== null) search.append(more[0].toWellFormed(), more[1].toWellFormed());
      const apiKey = keys[key % keys.length] ?? '';
      return {
        method,
        path: `${path.replace('{id}', some ?? site.id).replace('{segment}', some ?? 'segment_abc123')}${search.size === 0 ? '' : `?${search}`}`,
        headers: {
          accept,
          ...(apiKey === '' ? {} : { authorization: `Bearer ${apiKey}` }),
          ...(said === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(said) }),
          ...(etag === null ? {} : { 'if-none-match': etag }),
        },
        ...(said === undefined ? {} : { body: said }),
      };
    });
}

/** Asserts what holds for every response, whatever path the request matched. */
function expectOurs(answer: Answer): void {
  expect(answer.status).toBeLessThan(500);
  if (answer.status < 400) return;
  const { code, error } = answer.json() as { code: keyof typeof ERRORS; error: string };
  expect(ERRORS[code]?.status).toBe(answer.status);
  expect(error).toEqual(expect.any(String));
  expect(answer.text).not.toMatch(/FST_|SQLITE|node_modules|\bat \w+ \(/);
}

describe('requests generated from the document', () => {
  it.each(operations)(
    '$method $path always gets a documented response',
    async (asked) => {
      const answered = fc.asyncProperty(questionOf(asked), async (question) => {
        api.world.clock.advance(MINUTE_MS - (api.world.clock.now() % MINUTE_MS));
        const answer = await api.ask(question);
        expectOurs(answer);
      });
      await fc.assert(answered, { numRuns: RUNS, seed: SEED });
    },
    60_000,
  );

  it('any method on any path gets a response of the documented shape', async () => {
    const anywhere = fc.asyncProperty(
      fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
      fc.array(
        fc.oneof(
          fc.constantFrom('v1', 'sites', 'events', 'mcp', 'stats', '..', '%2e', '', '%'),
          text.map((some) => encodeURIComponent(some.toWellFormed())),
        ),
        { maxLength: 5 },
      ),
      async (method, parts) => {
        api.world.clock.advance(MINUTE_MS - (api.world.clock.now() % MINUTE_MS));
        const answer = await api.server.ask({ method, path: `/api/${parts.join('/')}` });
        expect(answer.status).toBeLessThan(500);
        if (method !== 'HEAD' && answer.status >= 400 && answer.status !== 431) expectOurs(answer);
      },
    );
    await fc.assert(anywhere, { numRuns: 200, seed: SEED });
  }, 60_000);
});
