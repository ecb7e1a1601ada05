import type { TSchema } from 'typebox';
import { ERRORS, type ErrorCode } from '../domain/errors.ts';
import { PLANS } from '../domain/plans.ts';
import { type Json, PARTS, plain, referring } from './openapi-schemas.ts';
import { errorsByStatus, OPERATIONS, type Operation } from './operations.ts';
import { exampleOf } from './schema-parts.ts';

/** The API as an OpenAPI document: https://spec.openapis.org/oas/v3.1.0 */

const RATE_LIMIT_HEADERS: Json = {
  'X-RateLimit-Limit': { description: 'Request limit per minute.', schema: { type: 'integer' } },
  'X-RateLimit-Remaining': {
    description: 'Requests left in the current minute.',
    schema: { type: 'integer' },
  },
  'X-RateLimit-Reset': {
    description: 'Unix time in seconds at which the current minute ends.',
    schema: { type: 'integer' },
  },
  'RateLimit-Policy': { description: 'Quota (q) and window in seconds (w).', schema: { type: 'string' } },
  RateLimit: {
    description: 'Requests left (r) and seconds until the window ends (t).',
    schema: { type: 'string' },
  },
};

/** The introduction, for readers who have only this document. */
const INTRODUCTION = `Web analytics reports and server-side tracking.

**API keys.** Send \`Authorization: Bearer <API key>\`. Create keys in the dashboard under Settings → API keys. The scope \`read\` allows reading reports, \`write\` sending events. A key can be limited to specific sites. Start with \`GET /api/v1/sites\`: all other paths need the \`id\` of a site. The site key (\`ak_…\`) is public and is not an API key.

**Dates.** \`start\` and \`end\` are YYYY-MM-DD dates, both inclusive. The default is from 7 days ago to today; an earlier \`end\` requires a \`start\`. Days use the time zone of the site, or of the account if the site has none; reports contain it as \`time_zone\`. The ledger and billing months use UTC.

**Errors** have the form \`{"error": "human-readable message", "code": "A_CODE"}\`, with \`retry_after\` in seconds if a retry can succeed. Handle errors by \`code\`. Every operation lists its errors by status. In addition, a path returns 405 METHOD_NOT_ALLOWED for methods that it does not support. Unknown query parameters are refused as INVALID_QUERY with a suggestion, and so are repeated ones, except \`filter\` and \`step\`.

**Rate limits.** ${PLANS.free.apiRequestsPerMinute} requests per minute on the Free plan and ${PLANS.pro.apiRequestsPerMinute} on Pro, shared by all keys of an account. Without a valid key, the Free limit applies per address. Every response has rate limit headers; a 429 says in \`Retry-After\` how many seconds to wait.

**Pagination and CSV.** Lists are paginated: pass \`next_cursor\` as \`cursor\`, with the same other parameters, until it is null. With \`Accept: text/csv\`, a list is returned as CSV (RFC 4180, with a header line); the \`Link\` header has the URL of the next page.

**Caching.** Responses have an \`ETag\`: send it as \`If-None-Match\` to get a 304 if nothing has changed.

**Versioning.** Within v1, fields and error codes may be added but are never renamed or removed. Ignore fields that you do not know.`;

/** The groups of operations, by the last part of their paths; the rest are reports. */
const TAGS: Json[] = [
  { name: 'Sites', description: 'Sites, their exclusions, segments and ledgers.' },
  { name: 'Reports', description: 'What was counted.' },
  { name: 'Events', description: 'Single events: list and send them.' },
  { name: 'Account', description: 'The usage of the plan.' },
  { name: 'Tools', description: 'This document, and the same reports for AI assistants.' },
];
const TAG_BY_LAST_PART: Readonly<Record<string, string>> = {
  ...{ sites: 'Sites', '{id}': 'Sites', exclusions: 'Sites', ledger: 'Sites' },
  ...{ segments: 'Sites', '{segment}': 'Sites' },
  ...{ events: 'Events', usage: 'Account', mcp: 'Tools', 'openapi.json': 'Tools' },
};

function tagOf(path: string): string {
  return TAG_BY_LAST_PART[path.split('/').at(-1) ?? ''] ?? 'Reports';
}

/** Creates the OpenAPI document. @param server the URL of this server, without a trailing slash */
export function openApiDocument(server: string): Json {
  described ??= { paths: describePaths(), components: describeComponents() };
  return {
    openapi: '3.1.0',
    info: {
      title: 'AttractOS',
      version: '1',
      description: INTRODUCTION,
      contact: { name: 'The operator of this server', url: server },
      license: { name: 'MIT', identifier: 'MIT' },
    },
    externalDocs: { url: `${server}/docs`, description: 'API reference with code samples.' },
    servers: [{ url: server, description: 'This server.' }],
    security: [{ apiKey: [] }],
    tags: TAGS,
    ...described,
  };
}

/** The parts that are the same for every server. They are built once, on first use. */
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
      apiKey: {
        type: 'http',
        scheme: 'bearer',
        description: 'Secret API key, created in the dashboard under Settings → API keys.',
      },
    },
    headers: RATE_LIMIT_HEADERS,
    schemas: {
      ...Object.fromEntries(answers),
      ...Object.fromEntries(Object.entries(PARTS).map(([name, part]) => [name, plain(part)])),
      ErrorCode: {
        type: 'string',
        enum: Object.keys(ERRORS),
        description: 'Stable error code. Later versions may add more.',
      },
      Error: errorSchema({ $ref: '#/components/schemas/ErrorCode' }),
    },
  };
}

function schemaName(operation: string): string {
  return `${operation[0]?.toUpperCase()}${operation.slice(1)}Answer`;
}

function describe(operation: Operation): Json {
  const { name, summary, description, scope, path, body } = operation;
  return {
    operationId: name,
    tags: [tagOf(path)],
    summary,
    description: scope === null ? description : `${description} Requires an API key with the scope ${scope}.`,
    ...(scope === null ? { security: [] } : {}),
    parameters: [
      ...PATH_PARTS.filter(({ name: part }) => path.includes(`{${part}}`)),
      ...parametersOf(operation),
    ],
    ...(body === null
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: referring(body) } } } }),
    responses: {
      '200': success(operation),
      ...(operation.method === 'GET'
        ? {
            '304': {
              description: 'Not modified: the response still matches If-None-Match.',
              headers: headers(),
            },
          }
        : {}),
      ...(name === 'mcp'
        ? { '202': { description: 'The notification was accepted; it has no response.', headers: headers() } }
        : {}),
      ...Object.fromEntries(
        errorsByStatus(operation.errors).map(([status, codes]) => [String(status), failure(codes)]),
      ),
    },
  };
}

/** The parameters of paths. */
const PATH_PARTS: readonly Json[] = [
  { name: 'id', description: 'Site ID, from the list of sites.', example: 'site_abc123' },
  { name: 'segment', description: 'Segment ID, from the list of segments.', example: 'segment_abc123' },
].map((part) => ({ ...part, in: 'path', required: true, schema: { type: 'string', minLength: 1 } }));

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
  return {
    // Not a media type of `content`, of which typed clients would make "an object or a string".
    description:
      csv === null
        ? 'Success.'
        : `Success. With Accept: text/csv, \`${csv.rows}\` as CSV, with the columns ${csv.columns.join(', ')}.`,
    headers: {
      ...headers(),
      ...(method === 'GET' ? { ETag: { schema: { type: 'string' } } } : {}),
      ...(csv === null
        ? {}
        : {
            Link: {
              description: 'For CSV: URL of the next page, with rel="next".',
              schema: { type: 'string' },
            },
          }),
    },
    content: { 'application/json': { schema, ...example } },
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
      error: { type: 'string', description: 'Human-readable message.' },
      code,
      retry_after: {
        type: 'integer',
        minimum: 0,
        description: 'Seconds to wait before retrying; present only if a retry can succeed.',
      },
    },
  };
}

function headers(): Json {
  return Object.fromEntries(
    Object.keys(RATE_LIMIT_HEADERS).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}
