import { Compile } from 'typebox/compile';
import { expect } from 'vitest';
import { openApiDocument } from '../../src/api/openapi.ts';
import { digestApiKey, newApiKey, newApiKeyId } from '../../src/keys.ts';
import type { Account, KeyScope } from '../../src/store/store.ts';
import type { Answer, Question } from './http.ts';
import { type RunningServer, World } from './world.ts';

/** The API under test: asked over real sockets, and every answer held to the document that describes it. */

type Json = Record<string, unknown>;

export interface Operation {
  operationId: string;
  parameters: { name: string; in: string; required: boolean; schema: Json }[];
  requestBody?: { content: Record<string, { schema: Json }> };
  responses: Record<string, { content?: Record<string, { schema: Json }> }>;
}

export interface Documented {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Json> };
}

/** The document as a client reads it: through JSON. */
export const documented = JSON.parse(JSON.stringify(openApiDocument('https://stats.example'))) as Documented;

export const operations = Object.entries(documented.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);

const validators = new Map<string, { Check(value: unknown): boolean; Errors(value: unknown): object[] }>();

/** What is wrong with a value by a schema of the document; empty where nothing is. */
export function schemaErrors(schema: Json): (value: unknown) => object[] {
  const text = JSON.stringify({ ...schema, components: documented.components });
  const validator = validators.get(text) ?? Compile(JSON.parse(text) as Json);
  validators.set(text, validator);
  return (value) => (validator.Check(value) ? [] : validator.Errors(value));
}

/** The operation that a request is one of. */
function operationOf(method: string, path: string): Operation | undefined {
  const [asked = ''] = path.split('?');
  return operations.find(
    (one) =>
      one.method === method &&
      new RegExp(`^${one.path.replace('{id}', '[^/]*').replace('.', '\\.')}$`).test(asked),
  )?.operation;
}

/** Holds an answer to the document: its status is listed, and its body fits the schema for it. */
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
  const schema = response?.content?.[type]?.schema;
  expect(schema, `${method} ${path}: ${answer.status} as ${type}`).toBeDefined();
  if (schema !== undefined && type === 'application/json') {
    expect(schemaErrors(schema)(answer.json()), `${method} ${path}: ${answer.text.slice(0, 500)}`).toEqual(
      [],
    );
  }
}

/** A world with its server, and ways to ask it. */
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

  /** A question, its answer held to the document. */
  async ask(question: Question): Promise<Answer> {
    const answer = await this.server.ask(question);
    expectDocumented(question, answer);
    return answer;
  }

  /** `GET` with an API key. */
  get(apiKey: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask({ path: `/api/v1${path}`, headers: { authorization: `Bearer ${apiKey}`, ...headers } });
  }

  /** A `GET` that succeeds, as JSON. */
  async read<Body>(apiKey: string, path: string): Promise<Body> {
    const answer = await this.get(apiKey, path);
    expect(answer.status, answer.text).toBe(200);
    return answer.json() as Body;
  }

  /** `POST` of JSON with an API key. */
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

/** Holds an answer to the one shape of errors. */
export function expectRefusal(answer: Answer, status: number, code: string): void {
  expect([answer.status, answer.json()], answer.text).toEqual([
    status,
    expect.objectContaining({ error: expect.stringMatching(/^\S.*[.)?]$/s), code }),
  ]);
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
}
