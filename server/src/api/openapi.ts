import type { TSchema } from 'typebox';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { PLANS } from '../plans.ts';
import { type Json, PARTS, plain, referring } from './openapi-schemas.ts';
import { errorsByStatus, OPERATIONS, type Operation } from './operations.ts';
import { exampleOf } from './schema-parts.ts';

/** The API as an OpenAPI document: https://spec.openapis.org/oas/v3.1.0 */

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

/** What somebody needs to know who has nothing but the document. */
const INTRODUCTION = `Web analytics, by program.

**Keys.** Send \`Authorization: Bearer <API key>\`; keys are made in the dashboard under Settings → API Keys. A key has scopes (\`read\` asks for numbers, \`write\` reports events) and may be bound to single sites. Begin with \`GET /api/v1/sites\`: the \`id\` of a site stands in the path of everything else. The site key (\`ak_…\`) is public and no API key.

**Days.** \`start\` and \`end\` are YYYY-MM-DD, both included; by default from 7 days ago to today, so that an \`end\` further back needs a \`start\`. Days begin in the time zone that the answer names, the site's or else the account's; the ledger and billing months are UTC.

**Errors** are \`{"error": "a sentence for a person", "code": "A_CODE"}\`, with \`retry_after\` in seconds where trying again makes sense; act on \`code\`. Every operation lists its own by status. Besides, an address answers 405 METHOD_NOT_ALLOWED for a method it does not take. A query parameter that an operation does not know is refused as INVALID_QUERY, with the nearest one that it does; so is one that is given twice, but for \`filter\`.

**Limits.** ${PLANS.free.apiRequestsPerMinute} requests a minute on the plan Free and ${PLANS.pro.apiRequestsPerMinute} on Pro, shared by all keys of an account; without a valid key those of Free, per address. Every answer says how the caller stands; a 429 says in \`Retry-After\` when to come back.

**Lists** come in pages: ask again with \`cursor\` set to \`next_cursor\`, and all else the same, until that is null. With \`Accept: text/csv\` a list comes as CSV (RFC 4180, with a header line), and the address of its next page is in the header \`Link\`.

**Caching.** Answers have an \`ETag\`; send it as \`If-None-Match\` and get a 304 while nothing changed.

**Change.** Fields and error codes may be added; within v1 none is renamed or removed. Ignore what you do not know.`;

/** @param server address of the installation, without a trailing slash */
export function openApiDocument(server: string): Json {
  described ??= { paths: describePaths(), components: describeComponents() };
  return {
    openapi: '3.1.0',
    info: {
      title: 'AttractOS',
      version: '1',
      description: INTRODUCTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    externalDocs: { url: `${server}/docs`, description: 'The same for people, with samples.' },
    servers: [{ url: server, description: 'This installation.' }],
    security: [{ apiKey: [] }],
    ...described,
  };
}

/** What is the same for every installation, put together once. */
let described: { paths: Json; components: Json } | undefined;

function describePaths(): Json {
  const paths: Record<string, Json> = {};
  for (const operation of OPERATIONS) {
    const path = paths[operation.path] ?? {};
    path[operation.method.toLowerCase()] = describe(operation);
    paths[operation.path] = path;
  }
  return paths;
}

function describeComponents(): Json {
  const answers = OPERATIONS.flatMap(({ name, answer }) =>
    answer === null ? [] : [[schemaName(name), referring(answer)]],
  );
  return {
    securitySchemes: {
      apiKey: { type: 'http', scheme: 'bearer', description: 'A secret API key: Settings → API Keys.' },
    },
    headers: RATE_LIMIT_HEADERS,
    schemas: {
      ...Object.fromEntries(answers),
      ...Object.fromEntries(Object.entries(PARTS).map(([name, part]) => [name, plain(part)])),
      ErrorCode: {
        type: 'string',
        enum: Object.keys(ERRORS),
        description: 'What went wrong, for a program. Codes may be added.',
      },
      Error: errorSchema({ $ref: '#/components/schemas/ErrorCode' }),
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
      : { requestBody: { required: true, content: { 'application/json': { schema: referring(body) } } } }),
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
      schema: plain(rest),
      ...('items' in schema ? { style: 'form', explode: true } : {}),
    };
  });
}

function success({ name, answer, csv, method }: Operation): Json {
  const schema = answer === null ? { type: 'object' } : { $ref: `#/components/schemas/${schemaName(name)}` };
  const example = answer === null ? {} : { example: exampleOf(answer) };
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
    content: { 'application/json': { schema, ...example }, ...(csv === null ? {} : asCsv) },
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
      retry_after: {
        type: 'integer',
        minimum: 0,
        description: 'Seconds after which trying again makes sense; there where it does.',
      },
    },
  };
}

function headers(): Json {
  return Object.fromEntries(
    Object.keys(RATE_LIMIT_HEADERS).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}
