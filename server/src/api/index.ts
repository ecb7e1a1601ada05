import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Attempts } from '../attempts.ts';
import { zoneOf } from '../calendar.ts';
import type { Clock } from '../clock.ts';
import { ApiError } from '../errors.ts';
import { PLANS } from '../plans.ts';
import type { Intake } from '../reported-event.ts';
import { splitRequestUrl } from '../request-url.ts';
import type { Store } from '../store/store.ts';
import { type Caller, requireScope, siteFor } from './auth.ts';
import { Callers } from './callers.ts';
import { prefersCsv, writeCsv } from './csv.ts';
import type { Endpoint } from './endpoint.ts';
import { ENDPOINTS } from './endpoints.ts';
import {
  admit,
  allowOrigin,
  answerPreflight,
  RETRY_AFTER_SECONDS,
  sendError,
  sendJson,
  sendText,
  toApiError,
} from './http.ts';
import { KeyUses } from './key-uses.ts';
import { answerMcp, MCP_PATH, MCP_VERSIONS_SENTENCE, speaksMcp } from './mcp.ts';
import { openApiDocument } from './openapi.ts';
import { columnsOf, OPENAPI_PATH } from './operations.ts';
import { readQuery } from './query.ts';
import { addressClient, MinuteWindows } from './rate-limit.ts';
import { REPORT_MAX_BYTES, report, takeReport } from './report.ts';

export interface ApiParts {
  store: Store;
  clock: Clock;
  overloaded: () => boolean;
  intake: Intake;
  /** Origins whose pages may read answers; mostly none. */
  origins: readonly string[];
  /** Address of this server, for the document that describes it; null: as the request says. */
  publicUrl: string | null;
}

/** Under which a request carries who asks, or why nobody does. */
const CALLER = 'caller';

type Ask = (request: FastifyRequest, reply: FastifyReply, caller: Caller) => Promise<FastifyReply>;

/** The API's room over HTTP, below `/api`. Every answer has the rate-limit headers, and every error the same shape. */
export async function apiRoutes(app: FastifyInstance, parts: ApiParts): Promise<void> {
  const { store, clock, overloaded, intake, origins, publicUrl } = parts;
  // JSON is all that is read here: a body sent as text is 415, not an odd text.
  app.removeContentTypeParser('text/plain');
  const windows = new MinuteWindows(clock, new Attempts(store.tally));
  const uses = new KeyUses(store.registry);
  app.addHook('onClose', () => uses.write());
  const callers = new Callers(store.registry);
  const asked = { store, clock, callers };
  app.decorateRequest(CALLER, null);
  /** What each address takes besides OPTIONS. */
  const methods = new Map<string, string[]>();

  const callerOf = (request: FastifyRequest): Caller => {
    const caller = request.getDecorator<Caller | ApiError>(CALLER);
    if (caller instanceof ApiError) throw caller;
    return caller;
  };

  // First of all, so that every answer says how the caller stands: of addresses that do not exist and bodies that cannot be
  // read, too. Whether the caller may do what he asks is decided by the route.
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'private, no-cache', 'x-content-type-options': 'nosniff' });
    allowOrigin(request, reply, origins);
    const caller = await identify(callers, request);
    request.setDecorator(CALLER, caller);
    if (caller instanceof ApiError) {
      admit(reply, 'address', await windows.take(addressClient(request.ip), PLANS.free.apiRequestsPerMinute));
    } else {
      const { id, plan } = caller.account;
      admit(reply, 'account', await windows.take(id, PLANS[plan].apiRequestsPerMinute));
      uses.note(caller.key, clock.now());
    }
    // Asking can wait; beacons cannot.
    if (overloaded()) throw new ApiError('UNAVAILABLE', { retryAfterSeconds: RETRY_AFTER_SECONDS });
  });

  app.setErrorHandler((error, request, reply) => {
    const known = toApiError(error);
    if (known.code === 'INTERNAL') request.log.error({ err: error }, 'an API request could not be answered');
    return sendError(reply, known);
  });

  app.setNotFoundHandler(async () => {
    throw new ApiError('NOT_FOUND');
  });

  const take = (path: string, method: string) => {
    const taken = methods.get(path) ?? [];
    methods.set(path, [...taken, ...(method === 'GET' ? ['GET', 'HEAD'] : [method])]);
  };

  const get = (path: string, ask: Ask) => {
    take(path, 'GET');
    app.get(routeOf(path), async (request, reply) => ask(request, reply, callerOf(request)));
  };

  /** A body is read of nobody who may not send one. */
  const post = (path: string, bodyLimit: number, may: (caller: Caller) => void, ask: Ask) => {
    take(path, 'POST');
    const onRequest = async (request: FastifyRequest) => may(callerOf(request));
    app.post(routeOf(path), { bodyLimit, onRequest }, async (request, reply) =>
      ask(request, reply, callerOf(request)),
    );
  };

  for (const endpoint of ENDPOINTS) {
    get(endpoint.path, async (request, reply, caller) => {
      // A slash too many after the list, not a question about a site.
      const { pathname, query } = splitRequestUrl(request.url);
      if (pathname.endsWith('/v1/sites/')) throw new ApiError('NOT_FOUND');
      requireScope(caller.key, 'read');
      return sendAnswer(
        request,
        reply,
        endpoint,
        (await run(endpoint, asked, caller, siteIdOf(request), () => new URLSearchParams(query))) as object, // as its schema says
      );
    });
  }

  post(
    report.path,
    REPORT_MAX_BYTES,
    ({ key }) => requireScope(key, 'write'),
    async (request, reply, caller) => {
      const site = await siteFor(store.registry, caller, siteIdOf(request));
      return reply.send(await takeReport(intake, site.key, request.body));
    },
  );

  post(
    MCP_PATH,
    MCP_MAX_BYTES,
    ({ key }) => requireScope(key, 'read'),
    async (request, reply, caller) => {
      const { origin } = request.headers;
      // A page must not talk through somebody's browser to a server that trusts that browser.
      if (origin !== undefined && !origins.includes(origin)) throw new ApiError('ORIGIN_NOT_ALLOWED');
      const { 'mcp-protocol-version': version } = request.headers;
      if (!speaksMcp(version === undefined ? undefined : String(version)))
        throw new ApiError('INVALID_REQUEST', { detail: MCP_VERSIONS_SENTENCE });
      const answer = await answerMcp(request.body, (endpoint, siteId, search) =>
        run(endpoint, asked, caller, siteId, () => search),
      );
      return answer === null ? reply.code(202).send() : reply.send(answer);
    },
  );

  take(OPENAPI_PATH, 'GET');
  app.get(OPENAPI_PATH, async (request, reply) =>
    sendJson(request, reply, openApiDocument(publicUrl ?? `${request.protocol}://${request.host}`)),
  );

  for (const [path, taken] of methods) {
    const refusal = new ApiError('METHOD_NOT_ALLOWED', {
      detail: METHOD_SENTENCES[path] ?? `Send ${taken.join(' or ')}.`,
    });
    app.route({
      method: app.supportedMethods.filter((method) => !taken.includes(method)),
      url: routeOf(path),
      // Before a body is read: what is wrong with it does not matter.
      onRequest: async (request, reply) => {
        const isPreflight = request.headers['access-control-request-method'] !== undefined;
        if (request.method === 'OPTIONS' && isPreflight && allowOrigin(request, reply, origins)) {
          return answerPreflight(reply, taken.join(', '));
        }
        reply.header('allow', taken.join(', '));
        throw refusal;
      },
      handler: async () => {
        throw refusal;
      },
    });
  }
}

const MCP_MAX_BYTES = 64 * 1024;
const METHOD_SENTENCES: Readonly<Record<string, string>> = {
  '/v1/sites': 'Sites are listed here by GET. They are added in the dashboard.',
};

/** `/v1/sites/{id}` as the router writes it. */
function routeOf(path: string): string {
  return path.replace('{id}', ':id');
}

function siteIdOf(request: FastifyRequest): string {
  const { params } = request;
  return typeof params === 'object' && params !== null && 'id' in params ? String(params.id) : '';
}

/** Who asks, or why nobody does. A store that is away is no answer about the key. */
async function identify(callers: Callers, request: FastifyRequest): Promise<Caller | ApiError> {
  try {
    return await callers.of(request.headers.authorization);
  } catch (error) {
    const known = toApiError(error);
    if (known.code === 'INTERNAL') throw error;
    return known;
  }
}

async function run(
  endpoint: Endpoint,
  { store, clock, callers }: Pick<ApiParts, 'store' | 'clock'> & { callers: Callers },
  caller: Caller,
  siteId: string,
  search: () => URLSearchParams,
): Promise<unknown> {
  const read = () => (endpoint.ignoresQuery ? {} : readQuery(endpoint.query, search()));
  const asking = { store, clock, ...caller, sites: () => callers.sitesOf(caller) };
  if (endpoint.about === 'account') return endpoint.run(asking, read());
  const site = await siteFor(store.registry, caller, siteId);
  const timeZone = zoneOf(site, caller.account);
  return endpoint.run({ ...asking, site, timeZone }, read());
}

/** As JSON, or the list of it as CSV; a page that is not the last links to the next. */
function sendAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  endpoint: Endpoint,
  answer: object,
): FastifyReply {
  const sendAsJson = () => sendJson(request, reply, answer, endpoint.write);
  if (endpoint.rows === undefined) return sendAsJson();
  const vary = reply.getHeader('vary');
  reply.header('vary', vary === undefined ? 'Accept' : `${vary}, Accept`);
  if (!prefersCsv(request.headers.accept)) return sendAsJson();
  const list = answer as Record<string, unknown>; // `rows` names a list in it
  if (typeof list.next_cursor === 'string') {
    const next = new URL(request.url, 'http://here');
    next.searchParams.set('cursor', list.next_cursor);
    reply.header('link', `<${next.pathname}${next.search}>; rel="next"`);
  }
  const rows = list[endpoint.rows] as Record<string, unknown>[];
  const text = writeCsv(columnsOf(endpoint.answer, endpoint.rows), rows);
  return sendText(request, reply, 'text/csv; charset=utf-8', text);
}
