import { type TSchema, Type } from 'typebox';
import { ERRORS, type ErrorCode } from '../errors.ts';
import type { KeyScope } from '../store/store.ts';
import { ENDPOINTS } from './endpoints.ts';
import { MCP_PATH } from './mcp.ts';
import { report } from './report.ts';

/** Everything that can be asked of the API, as its document and its reference page describe it. */

export const OPENAPI_PATH = '/v1/openapi.json';

export interface Operation {
  name: string;
  method: 'GET' | 'POST';
  /** From the root, with `{id}` for the site. */
  path: string;
  summary: string;
  description: string;
  /** The scope that the API key needs; null where no key is needed. */
  scope: KeyScope | null;
  parameters: Readonly<Record<string, TSchema>>;
  required: readonly string[];
  body: TSchema | null;
  /** What it answers; null for a document without a schema of ours. */
  answer: TSchema | null;
  /** The property of the answer that can be had as CSV, and its columns. */
  csv: { rows: string; columns: readonly string[] } | null;
  errors: readonly ErrorCode[];
}

/** What can go wrong anywhere. */
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
        description: 'Makes a question of the message; without it a notification, answered by 202.',
        examples: [1],
      }),
    ),
    method: Type.Optional(
      Type.String({
        description: 'initialize, ping, tools/list or tools/call.',
        examples: ['tools/list'],
      }),
    ),
    params: Type.Optional(
      Type.Object(
        {},
        { description: 'As the method says; of tools/call the name of the tool and arguments.' },
      ),
    ),
  },
  { description: 'One JSON-RPC 2.0 message. Batches are not taken.' },
);

const McpAnswer = Type.Object(
  {
    jsonrpc: Type.Literal('2.0'),
    id: Type.Union([Type.String(), Type.Number(), Type.Null()], {
      description: 'That of the message; null where it could not be read.',
      examples: [1],
    }),
    result: Type.Optional(
      Type.Object({}, { description: 'What was asked for. A tool that failed says isError in here.' }),
    ),
    error: Type.Optional(
      Type.Object(
        { code: Type.Integer({ description: 'A code of JSON-RPC.' }), message: Type.String() },
        { description: 'In place of result: the message was none, or asked for what there is not.' },
      ),
    ),
  },
  { description: 'A JSON-RPC 2.0 answer.' },
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
    name: 'mcp',
    method: 'POST',
    path: `/api${MCP_PATH}`,
    summary: 'Model Context Protocol',
    description:
      'The same numbers for an assistant: JSON-RPC in the streamable HTTP form, answered by JSON, without sessions. Tools: list_sites, stats, breakdown, ledger.',
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
    summary: 'This API as an OpenAPI document',
    description: 'OpenAPI 3.1. No API key needed.',
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

/** The columns of a list in an answer: the properties of its items. */
export function columnsOf(answer: TSchema, rows: string): string[] {
  const { properties = {} } = answer as { properties?: Record<string, { items?: { properties?: object } }> };
  return Object.keys(properties[rows]?.items?.properties ?? {});
}

/** Errors by status, in the order of the statuses. */
export function errorsByStatus(codes: readonly ErrorCode[]): [number, ErrorCode[]][] {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    const { status } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return [...byStatus].sort(([a], [b]) => a - b);
}
