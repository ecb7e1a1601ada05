import type { TSchema } from 'typebox';
import { ApiError } from '../errors.ts';
import { breakdown } from './breakdown.ts';
import type { Endpoint } from './endpoint.ts';
import { ledger } from './ledger.ts';
import { sites } from './sites.ts';
import { stats } from './stats.ts';

/**
 * The Model Context Protocol over the same API keys: an assistant asks what an owner's program could. Streamable HTTP without
 * streams: each message is answered by JSON, and there are no sessions.
 * https://modelcontextprotocol.io/specification/2025-06-18/basic/transports
 */

export const MCP_PATH = '/v1/mcp';

/**
 * Newest first: the one offered to a client that asks for another. The oldest lets clients send batches, which none is known to
 * do and the later ones forbid: they are refused.
 */
const PROTOCOL_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26'];

/** Whether a version that a client names in the header `MCP-Protocol-Version` is spoken here. Old clients name none. */
export function speaksMcp(version: string | undefined): boolean {
  return version === undefined || PROTOCOL_VERSIONS.includes(version);
}

/** What a client that names another version is told. */
export const MCP_VERSIONS_SENTENCE = `MCP-Protocol-Version must be one of ${PROTOCOL_VERSIONS.join(', ')}.`;

const PARSE_ERRORS = { invalidRequest: -32_600, noSuchMethod: -32_601, invalidParams: -32_602 } as const;

interface Tool {
  name: string;
  endpoint: Endpoint;
}

const TOOLS: readonly Tool[] = [
  { name: 'list_sites', endpoint: sites },
  { name: 'stats', endpoint: stats },
  { name: 'breakdown', endpoint: breakdown },
  { name: 'ledger', endpoint: ledger },
];

/** Answers a question about a site as its endpoint does. Throws `ApiError`. */
export type AskEndpoint = (endpoint: Endpoint, siteId: string, search: URLSearchParams) => Promise<unknown>;

type Id = string | number;
type Answer =
  | { jsonrpc: '2.0'; id: Id; result: unknown }
  | { jsonrpc: '2.0'; id: Id | null; error: { code: number; message: string } };

/** The answer to a message; null for one that wants none. */
export async function answerMcp(message: unknown, ask: AskEndpoint): Promise<Answer | null> {
  if (Array.isArray(message))
    return failure(null, 'invalidRequest', 'Batches are not taken: send one message a request.');
  if (!isObject(message) || message.jsonrpc !== '2.0')
    return failure(null, 'invalidRequest', 'This is no JSON-RPC 2.0 message.');
  const { id, method, params } = message;
  // Notifications, and answers to questions that we never ask.
  if (id === undefined || typeof method !== 'string') {
    return typeof method === 'string' || 'result' in message || 'error' in message
      ? null
      : failure(null, 'invalidRequest', 'The message has no method.');
  }
  if (typeof id !== 'string' && typeof id !== 'number')
    return failure(null, 'invalidRequest', 'The id of a message is a string or a number.');
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
      return failure(id, 'noSuchMethod', `There is no method "${method.slice(0, 80)}" here.`);
  }
}

function initialized(asked: unknown) {
  return {
    protocolVersion: PROTOCOL_VERSIONS.find((version) => version === asked) ?? PROTOCOL_VERSIONS[0],
    capabilities: { tools: {} },
    serverInfo: { name: 'attractos', title: 'AttractOS', version: '1' },
    instructions:
      'Numbers of the web sites of one account. Begin with list_sites; the id of a site is the site_id of the other tools. Days are in the time zone of the answer. ledger says what was not counted, and why.',
  };
}

function describeTool({ name, endpoint }: Tool) {
  const { summary, description, query, answer, about } = endpoint;
  const siteId = { type: 'string', description: 'The id of a site, as list_sites says it.' };
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
      `There is no such tool. There are: ${TOOLS.map(({ name }) => name).join(', ')}.`,
    );
  const { site_id: siteId, ...rest } = isObject(params.arguments) ? params.arguments : {};
  try {
    if (tool.endpoint.about === 'site' && siteId === undefined)
      throw new ApiError('MISSING_SITE_ID', {
        detail: 'site_id is missing. list_sites says the ids of all sites.',
      });
    const answer = await ask(tool.endpoint, typeof siteId === 'string' ? siteId : '', toSearch(rest));
    return {
      jsonrpc: '2.0',
      id,
      result: { content: [{ type: 'text', text: JSON.stringify(answer) }], structuredContent: answer },
    };
  } catch (error) {
    // An answer that a model can read and do better by; whatever is not in the table is no answer.
    if (!(error instanceof ApiError)) throw error;
    const text = JSON.stringify(error.body());
    return { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }], isError: true } };
  }
}

/** Arguments as the query they would be in an address. */
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
