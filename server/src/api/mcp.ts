import type { TSchema } from 'typebox';
import { ApiError } from '../domain/errors.ts';
import type { Endpoint } from './endpoint.ts';
import { ENDPOINTS } from './endpoints.ts';
import { sites } from './sites.ts';

/**
 * Speaks the Model Context Protocol, with the same API keys and reports as the API. It uses streamable HTTP without streams:
 * each message gets a JSON response, and there are no sessions.
 * https://modelcontextprotocol.io/specification/2025-06-18/basic/transports
 */

export const MCP_PATH = '/v1/mcp';

/**
 * The supported versions, newest first. A client that requests an unknown version is offered the newest. The oldest allows
 * batches, but they are refused: no known client sends them, and later versions forbid them.
 */
const PROTOCOL_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26'];

/** Returns whether the version in a client's `MCP-Protocol-Version` header is supported. Old clients send none. */
export function speaksMcp(version: string | undefined): boolean {
  return version === undefined || PROTOCOL_VERSIONS.includes(version);
}

/** The error for a client that requests an unsupported version. */
export const MCP_VERSIONS_SENTENCE = `MCP-Protocol-Version must be one of ${PROTOCOL_VERSIONS.join(', ')}.`;

const PARSE_ERRORS = { invalidRequest: -32_600, noSuchMethod: -32_601, invalidParams: -32_602 } as const;

interface Tool {
  name: string;
  endpoint: Endpoint;
}

/** One tool for each endpoint, with its name. The first to be called has a name that says so. */
const TOOLS: readonly Tool[] = ENDPOINTS.map((endpoint) => ({
  name: endpoint === sites ? 'list_sites' : endpoint.name,
  endpoint,
}));

/** Runs an endpoint for a tool call. @throws ApiError */
export type AskEndpoint = (endpoint: Endpoint, siteId: string, search: URLSearchParams) => Promise<unknown>;

type Id = string | number;
type Answer =
  | { jsonrpc: '2.0'; id: Id; result: unknown }
  | { jsonrpc: '2.0'; id: Id | null; error: { code: number; message: string } };

/** Answers a message. Returns null for a notification, which gets no answer. */
export async function answerMcp(message: unknown, ask: AskEndpoint): Promise<Answer | null> {
  if (Array.isArray(message))
    return failure(null, 'invalidRequest', 'Batches are not supported: send one message per request.');
  if (!isObject(message) || message.jsonrpc !== '2.0')
    return failure(null, 'invalidRequest', 'The body must be a JSON-RPC 2.0 message.');
  const { id, method, params } = message;
  // Notifications get no answer, nor do responses, because this server sends no requests.
  if (id === undefined || typeof method !== 'string') {
    return typeof method === 'string' || 'result' in message || 'error' in message
      ? null
      : failure(null, 'invalidRequest', 'The message must have a method.');
  }
  if (typeof id !== 'string' && typeof id !== 'number')
    return failure(null, 'invalidRequest', 'The message id must be a string or a number.');
  const given = isObject(params) ? params : {};
  switch (method) {
    case 'initialize':
      return { jsonrpc: '2.0', id, result: initialized(given.protocolVersion) };
    case 'ping':
      return { jsonrpc: '2.0', id, result: {} };
    case 'tools/list':
      return { jsonrpc: '2.0', id, result: { tools: TOOLS.map(describeTool) } };
    case 'tools/call':
      return callTool(id, given, ask);
    default:
      return failure(id, 'noSuchMethod', `Unknown method "${method.slice(0, 80)}".`);
  }
}

function initialized(asked: unknown) {
  return {
    protocolVersion: PROTOCOL_VERSIONS.find((version) => version === asked) ?? PROTOCOL_VERSIONS[0],
    capabilities: { tools: {} },
    serverInfo: { name: 'attractos', title: 'AttractOS', version: '1' },
    instructions:
      'Web analytics reports for the sites of one account. Call list_sites first: the other tools need the id of a site as site_id. Days are in the time_zone of the response. Use ledger to find out which events were not counted, and why.',
  };
}

function describeTool({ name, endpoint }: Tool) {
  const { summary, description, query, answer, about } = endpoint;
  const siteId = { type: 'string', description: 'Site ID, from list_sites.' };
  return {
    name,
    title: summary,
    description,
    inputSchema: {
      type: 'object',
      properties: about === 'site' ? { site_id: siteId, ...query.properties } : { ...query.properties },
      required: about === 'site' ? ['site_id', ...(query.required ?? [])] : (query.required ?? []),
      additionalProperties: false,
    },
    outputSchema: answer as TSchema,
    annotations: { readOnlyHint: true, openWorldHint: false },
  };
}

async function callTool(id: Id, params: Record<string, unknown>, ask: AskEndpoint): Promise<Answer> {
  const tool = TOOLS.find(({ name }) => name === params.name);
  if (tool === undefined)
    return failure(
      id,
      'invalidParams',
      `Unknown tool. Available tools: ${TOOLS.map(({ name }) => name).join(', ')}.`,
    );
  const { site_id: siteId, ...rest } = isObject(params.arguments) ? params.arguments : {};
  try {
    if (tool.endpoint.about === 'site' && siteId === undefined)
      throw new ApiError('MISSING_SITE_ID', {
        detail: 'site_id is required. Call list_sites to get site IDs.',
      });
    const answer = await ask(tool.endpoint, typeof siteId === 'string' ? siteId : '', toSearch(rest));
    return {
      jsonrpc: '2.0',
      id,
      result: { content: [{ type: 'text', text: JSON.stringify(answer) }], structuredContent: answer },
    };
  } catch (error) {
    // API errors go to the model, which can correct its call. Other errors do not.
    if (!(error instanceof ApiError)) throw error;
    const text = JSON.stringify(error.body());
    return { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }], isError: true } };
  }
}

/** Converts tool arguments to query parameters. */
function toSearch(given: Record<string, unknown>): URLSearchParams {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      search.append(name, typeof one === 'object' ? JSON.stringify(one) : String(one));
    }
  }
  return search;
}

function failure(id: Id | null, kind: keyof typeof PARSE_ERRORS, message: string): Answer {
  return { jsonrpc: '2.0', id, error: { code: PARSE_ERRORS[kind], message } };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
