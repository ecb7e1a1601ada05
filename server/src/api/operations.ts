import { type TSchema, Type } from 'typebox';
import { ERRORS, type ErrorCode } from '../domain/errors.ts';
import type { KeyScope } from '../store/contract/store.ts';
import { ENDPOINTS } from './endpoints.ts';
import { changeExclusions } from './exclusions.ts';
import { MCP_PATH } from './mcp.ts';
import { report } from './report.ts';
import { SEGMENT_CHANGES } from './segments.ts';

/** All operations of the API, for the OpenAPI document and the reference page. */

export const OPENAPI_PATH = '/v1/openapi.json';

export interface Operation {
  name: string;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** The path from the root, with `{id}` for the site, and `{segment}` for one of its segments. */
  path: string;
  summary: string;
  description: string;
  /** The required scope; null if no API key is required. */
  scope: KeyScope | null;
  parameters: Readonly<Record<string, TSchema>>;
  required: readonly string[];
  body: TSchema | null;
  /** The schema of the response; null if it has none. */
  answer: TSchema | null;
  /** The response's list property that is also available as CSV, with its columns; null if there is none. */
  csv: { rows: string; columns: readonly string[] } | null;
  errors: readonly ErrorCode[];
}

/** The errors that every operation can return. */
const ALWAYS: readonly ErrorCode[] = [
  'INVALID_REQUEST',
  'NOT_FOUND',
  'RATE_LIMITED',
  'INTERNAL',
  'UNAVAILABLE',
];
const WITH_KEY: readonly ErrorCode[] = ['MISSING_KEY', 'INVALID_KEY', 'USER_NOT_FOUND', 'SCOPE_REQUIRED'];
const WITH_SITE: readonly ErrorCode[] = ['MISSING_SITE_ID', 'SITE_NOT_FOUND'];

const McpMessage = Type.Object(
  {
    jsonrpc: Type.Literal('2.0'),
    id: Type.Optional(
      Type.Union([Type.String(), Type.Number()], {
        description: 'Request ID. A message without it is a notification and gets a 202 response.',
        examples: [1],
      }),
    ),
    method: Type.Optional(
      Type.String({
        description: 'Method: initialize, ping, tools/list or tools/call.',
        examples: ['tools/list'],
      }),
    ),
    params: Type.Optional(
      Type.Object(
        {},
        { description: 'Parameters of the method; for tools/call, the name of the tool and its arguments.' },
      ),
    ),
  },
  { description: 'One JSON-RPC 2.0 message. Batches are not supported.' },
);

const McpAnswer = Type.Object(
  {
    jsonrpc: Type.Literal('2.0'),
    id: Type.Union([Type.String(), Type.Number(), Type.Null()], {
      description: 'ID of the request; null if it could not be parsed.',
      examples: [1],
    }),
    result: Type.Optional(
      Type.Object({}, { description: 'Result of the method. A failed tool call sets isError.' }),
    ),
    error: Type.Optional(
      Type.Object(
        { code: Type.Integer({ description: 'JSON-RPC error code.' }), message: Type.String() },
        {
          description:
            'Present instead of result if the message is invalid or names an unknown method or tool.',
        },
      ),
    ),
  },
  { description: 'A JSON-RPC 2.0 response.' },
);

const questions: readonly Operation[] = ENDPOINTS.map((endpoint) => ({
  name: endpoint.name,
  method: 'GET',
  path: `/api${endpoint.path}`,
  summary: endpoint.summary,
  description: endpoint.description,
  scope: 'read',
  parameters: endpoint.query.properties,
  required: endpoint.query.required ?? [],
  body: null,
  answer: endpoint.answer,
  csv:
    endpoint.rows === undefined
      ? null
      : { rows: endpoint.rows, columns: columnsOf(endpoint.answer, endpoint.rows) },
  errors: [
    ...WITH_KEY,
    ...(endpoint.about === 'site' ? WITH_SITE : []),
    ...(endpoint.ignoresQuery ? [] : (['INVALID_QUERY'] as const)),
    ...endpoint.errors,
    ...ALWAYS,
  ],
}));

const others: readonly Operation[] = [
  {
    name: report.name,
    method: 'POST',
    path: `/api${report.path}`,
    summary: report.summary,
    description: report.description,
    scope: 'write',
    parameters: {},
    required: [],
    body: report.body,
    answer: report.answer,
    csv: null,
    errors: [...WITH_KEY, ...WITH_SITE, ...report.errors, ...ALWAYS],
  },
  {
    name: changeExclusions.name,
    method: 'PUT',
    path: `/api${changeExclusions.path}`,
    summary: changeExclusions.summary,
    description: changeExclusions.description,
    scope: 'configure',
    parameters: {},
    required: [],
    body: changeExclusions.body,
    answer: changeExclusions.answer,
    csv: null,
    errors: [...WITH_KEY, ...WITH_SITE, ...changeExclusions.errors, ...ALWAYS],
  },
  ...Object.values(SEGMENT_CHANGES).map(
    (change): Operation => ({
      ...change,
      path: `/api${change.path}`,
      scope: 'configure',
      ...{ parameters: {}, required: [], csv: null },
      errors: [...WITH_KEY, ...WITH_SITE, ...change.errors, ...ALWAYS],
    }),
  ),
  {
    name: 'mcp',
    method: 'POST',
    path: `/api${MCP_PATH}`,
    summary: 'MCP server',
    description:
      'The same questions for AI assistants: MCP over streamable HTTP, with JSON responses and without sessions. Each GET operation about sites is a tool of the same name; the list of sites is list_sites.',
    scope: 'read',
    parameters: {},
    required: [],
    body: McpMessage,
    answer: McpAnswer,
    csv: null,
    errors: [
      ...WITH_KEY,
      'ORIGIN_NOT_ALLOWED',
      'INVALID_JSON',
      'BODY_TOO_LARGE',
      'UNSUPPORTED_MEDIA_TYPE',
      ...ALWAYS,
    ],
  },
  {
    name: 'openapi',
    method: 'GET',
    path: `/api${OPENAPI_PATH}`,
    summary: 'OpenAPI document',
    description: 'This API as an OpenAPI 3.1 document. No API key required.',
    scope: null,
    parameters: {},
    required: [],
    body: null,
    answer: null,
    csv: null,
    errors: ALWAYS,
  },
];

export const OPERATIONS: readonly Operation[] = [...questions, ...others];

/** Lists the columns of a list: the properties of its items. */
export function columnsOf(answer: TSchema, rows: string): string[] {
  const { properties = {} } = answer as { properties?: Record<string, { items?: { properties?: object } }> };
  return Object.keys(properties[rows]?.items?.properties ?? {});
}

/** Groups errors by status, in ascending order. */
export function errorsByStatus(codes: readonly ErrorCode[]): [number, ErrorCode[]][] {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    const { status } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return [...byStatus].sort(([a], [b]) => a - b);
}
