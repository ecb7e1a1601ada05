import type { TSchema } from 'typebox';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { errorsByStatus, OPERATIONS, type Operation } from './operations.ts';

/** The API as an OpenAPI document: https://spec.openapis.org/oas/v3.1.0 */

type Json = Record<string, unknown>;

const RATE_LIMIT_HEADERS: Json = {
  'X-RateLimit-Limit': { description: 'Requests a minute.', schema: { type: 'integer' } },
  'X-RateLimit-Remaining': { description: 'Requests left in this minute.', schema: { type: 'integer' } },
  'X-RateLimit-Reset': {
    description: 'When the minute ends: Unix time, seconds.',
    schema: { type: 'integer' },
  },
  'RateLimit-Policy': { description: 'Quota (q) and window in seconds (w).', schema: { type: 'string' } },
  RateLimit: {
    description: 'Requests left (r) and seconds until the window ends (t).',
    schema: { type: 'string' },
  },
};

/** @param server address of the installation, without a trailing slash */
export function openApiDocument(server: string): Json {
  const paths: Record<string, Json> = {};
  for (const operation of OPERATIONS) {
    const path = paths[operation.path] ?? {};
    path[operation.method.toLowerCase()] = describe(operation);
    paths[operation.path] = path;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'AttractOS',
      version: '1',
      description:
        'Web analytics, by program. Every error is {error, code}. Fields may be added to any answer; within v1 none is renamed or removed. Answers have an ETag. A method that an address does not take is METHOD_NOT_ALLOWED.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: server }],
    security: [{ apiKey: [] }],
    paths,
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'A secret API key: Settings → API Keys.' },
      },
      headers: RATE_LIMIT_HEADERS,
      schemas: {
        ...Object.fromEntries(
          OPERATIONS.flatMap(({ name, answer }) => (answer === null ? [] : [[schemaName(name), answer]])),
        ),
        ErrorCode: { type: 'string', enum: Object.keys(ERRORS) },
        Error: errorSchema({ $ref: '#/components/schemas/ErrorCode' }),
      },
    },
  };
}

export function schemaName(operation: string): string {
  return `${operation[0]?.toUpperCase()}${operation.slice(1)}Answer`;
}

function describe(operation: Operation): Json {
  const { name, summary, description, scope, path, body } = operation;
  return {
    operationId: name,
    summary,
    description: scope === null ? description : `${description} Scope of the API key: ${scope}.`,
    ...(scope === null ? { security: [] } : {}),
    parameters: [...(path.includes('{id}') ? [SITE_ID] : []), ...parametersOf(operation)],
    ...(body === null
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: {
      '200': success(operation),
      ...(operation.method === 'GET'
        ? { '304': { description: 'What If-None-Match names is still true.', headers: headers() } }
        : {}),
      ...(name === 'mcp'
        ? { '202': { description: 'A message that wants no answer.', headers: headers() } }
        : {}),
      ...Object.fromEntries(
        errorsByStatus(operation.errors).map(([status, codes]) => [String(status), failure(codes)]),
      ),
    },
  };
}

const SITE_ID: Json = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'The id of a site, as the list of sites says it.',
  schema: { type: 'string', minLength: 1 },
  example: 'site_abc123',
};

function parametersOf({ parameters, required }: Operation): Json[] {
  return Object.entries(parameters).map(([name, schema]) => {
    const { description, ...rest } = schema as TSchema & { description?: string };
    return {
      name,
      in: 'query',
      required: required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
      ...('items' in schema ? { style: 'form', explode: true } : {}),
    };
  });
}

function success({ name, answer, csv, method }: Operation): Json {
  const schema = answer === null ? { type: 'object' } : { $ref: `#/components/schemas/${schemaName(name)}` };
  const asCsv = {
    'text/csv': {
      schema: { type: 'string', description: `${csv?.rows}, with the columns ${csv?.columns.join(', ')}.` },
    },
  };
  return {
    description: 'The answer.',
    headers: {
      ...headers(),
      ...(method === 'GET' ? { ETag: { schema: { type: 'string' } } } : {}),
      ...(csv === null
        ? {}
        : { Link: { description: 'Of CSV: the next page, rel="next".', schema: { type: 'string' } } }),
    },
    content: { 'application/json': { schema }, ...(csv === null ? {} : asCsv) },
  };
}

function failure(codes: readonly ErrorCode[]): Json {
  return {
    description: codes.map((code) => `${code}: ${ERRORS[code].sentence}`).join(' '),
    headers: headers(),
    content: { 'application/json': { schema: errorSchema({ type: 'string', enum: codes }) } },
  };
}

function errorSchema(code: Json): Json {
  return {
    type: 'object',
    required: ['error', 'code'],
    properties: {
      error: { type: 'string', description: 'A sentence for a person.' },
      code,
      retry_after: { type: 'integer', description: 'Seconds after which trying again makes sense.' },
    },
  };
}

function headers(): Json {
  return Object.fromEntries(
    Object.keys(RATE_LIMIT_HEADERS).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}
