import { Compile } from 'typebox/compile';
import { expect } from 'vitest';
import { openApiDocument } from '../../src/api/openapi.ts';
import { digestApiKey, newApiKey, newApiKeyId } from '../../src/domain/keys.ts';
import type { Account, KeyScope } from '../../src/store/contract/store.ts';
import type { Answer, Question } from './http.ts';
import { type RunningServer, World } from './world.ts';

/** The API under test, over real sockets. Every response is checked against the OpenAPI document. */

type Json = Record<string, unknown>;

export interface Operation {
  operationId: string;
  parameters: { name: string; in: string; required: boolean; schema: Json }[];
  requestBody?: { content: Record<string, { schema: Json }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: Json }> }>;
}

export interface Documented {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Json> };
}

/** The OpenAPI document as a client reads it, parsed from JSON. */
export const documented = JSON.parse(JSON.stringify(openApiDocument('https://stats.example'))) as Documented;

export const operations = Object.entries(documented.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);

const validators = new Map<string, { Check(value: unknown): boolean; Errors(value: unknown): object[] }>();

/** Returns a function that lists a value's errors against a schema of the document; the list is empty if the value is valid. */
export function schemaErrors(schema: Json): (value: unknown) => object[] {
  const text = JSON.stringify({ ...schema, components: documented.components });
  const validator = validators.get(text) ?? Compile(JSON.parse(text) as Json);
  validators.set(text, validator);
  return (value) => (validator.Check(value) ? [] : validator.Errors(value));
}

/** Finds the documented operation that a request belongs to. */
function operationOf(method: string, path: string): Operation | undefined {
  const [asked = ''] = path.split('?');
  return operations.find(
    (one) =>
      one.method === method &&
      new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, '[^/]*').replace('.', '\\.')}$`).test(asked),
  )?.operation;
}

/** Asserts that the document lists the status of a response, and that its body matches the schema. */
export function expectDocumented({ method = 'GET', path }: Question, answer: Answer): void {
  const operation = operationOf(method, path);
  if (operation === undefined) return;
  const response = operation.responses[String(answer.status)];
  expect([method, path, answer.status, Object.keys(operation.responses)], answer.text).toEqual([
    method,
    path,
    response === undefined ? 'a status of the document' : answer.status,
    Object.keys(operation.responses),
  ]);
  const type = String(answer.headers['content-type'] ?? '').split(';')[0] ?? '';
  if (answer.text === '') return;
  if (type === 'text/csv') {
    const [, columns = ''] = /as CSV, with the columns (.+)\.$/.exec(response?.description ?? '') ?? [];
    expect(answer.text.split('\r\n')[0], `${method} ${path}`).toBe(columns.replaceAll(', ', ','));
    return;
  }
  const schema = response?.content?.[type]?.schema;
  expect(schema, `${method} ${path}: ${answer.status} as ${type}`).toBeDefined();
  if (schema !== undefined && type === 'application/json') {
    expect(schemaErrors(schema)(answer.json()), `${method} ${path}: ${answer.text.slice(0, 500)}`).toEqual(
      [],
    );
  }
}

/** A `World` with a running server, and helpers that send requests to it. */
export class ApiWorld {
  readonly world: World;
  readonly server: RunningServer;

  private constructor(world: World, server: RunningServer) {
    this.world = world;
    this.server = server;
  }

  static async open(settings: Record<string, string> = {}): Promise<ApiWorld> {
    const world = await World.open();
    return new ApiWorld(world, await world.serve({ settings }));
  }

  close(): Promise<void> {
    return this.world.close();
  }

  /** Sends a request, and checks the response against the document. */
  async ask(question: Question): Promise<Answer> {
    const answer = await this.server.ask(question);
    expectDocumented(question, answer);
    return answer;
  }

  /** Sends a `GET` with an API key. */
  get(apiKey: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask({ path: `/api/v1${path}`, headers: { authorization: `Bearer ${apiKey}`, ...headers } });
  }

  /** Sends a `GET` that must succeed. @returns the parsed JSON body */
  async read<Body>(apiKey: string, path: string): Promise<Body> {
    const answer = await this.get(apiKey, path);
    expect(answer.status, answer.text).toBe(200);
    return answer.json() as Body;
  }

  /** Sends a `POST` of JSON with an API key. */
  post(apiKey: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask({
      method: 'POST',
      path: `/api/v1${path}`,
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  async key(
    account: Account,
    more: { scopes?: readonly KeyScope[]; siteIds?: readonly string[] } = {},
  ): Promise<{ id: string; key: string }> {
    const key = newApiKey();
    const digest = digestApiKey(key);
    if (digest === null) throw new Error('a new API key has no digest');
    const { id } = await this.world.store.registry.createApiKey({
      id: newApiKeyId(),
      accountId: account.id,
      name: 'test',
      ...digest,
      ...more,
      createdAtMs: this.world.clock.now(),
    });
    return { id, key };
  }
}

/** Asserts that a response is an error in the documented format. */
export function expectRefusal(answer: Answer, status: number, code: string): void {
  expect([answer.status, answer.json()], answer.text).toEqual([
    status,
    expect.objectContaining({ error: expect.stringMatching(/^\S.*[.)?]$/s), code }),
  ]);
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
}
