import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Attempt, RateLimiter } from '../app/rate-limiter.ts';
import type { Intake } from '../app/reported-event.ts';
import { clientNetwork } from '../domain/addresses.ts';
import { zoneOf } from '../domain/calendar.ts';
import type { Clock } from '../domain/clock.ts';
import { ApiError } from '../domain/errors.ts';
import { ownValue } from '../domain/own-value.ts';
import { PLANS } from '../domain/plans.ts';
import { basePathOf, withBasePath } from '../http/base-path.ts';
import type { ClientAddresses } from '../http/client-addresses.ts';
import { CLIENT_GONE_STATUS, ClientGone, clientGone } from '../http/client-gone.ts';
import { addVary, compressAnswers } from '../http/compression.ts';
import { prefersCsv, writeCsv } from '../http/csv.ts';
import { requestOrigin } from '../http/request-origin.ts';
import { splitRequestUrl } from '../http/request-url.ts';
import { transportSecurity } from '../http/security-headers.ts';
import type { Registry, Store } from '../store/contract/store.ts';
import { authenticate, type Principal, requireScope, siteFor, sitesOf } from './auth.ts';
import type { Endpoint } from './endpoint.ts';
import { ENDPOINTS } from './endpoints.ts';
import { changeExclusions, takeExclusions } from './exclusions.ts';
import {
  allowOrigin,
  applyRateLimit,
  RATE_WINDOW_MS,
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
import { REPORT_MAX_BYTES, report, takeReport } from './report.ts';
import { ApiRouter } from './router.ts';
import {
  changeSegment,
  createSegment,
  deleteSegment,
  SEGMENT_CHANGES,
  SEGMENT_MAX_BYTES,
} from './segments.ts';

export interface ApiParts {
  store: Store;
  clock: Clock;
  overloaded: () => boolean;
  intake: Intake;
  /** Finds the client addresses of requests. */
  clients: ClientAddresses;
  /** Origins whose pages may read responses; usually none. */
  origins: readonly string[];
  /** This server's URL for the OpenAPI document; null to use the request's. */
  publicUrl: string | null;
}

const MCP_MAX_BYTES = 64 * 1024;

/** Adds the API's routes, below `/api`. Every response has rate limit headers, and all errors have the same shape. */
export async function apiRoutes(app: FastifyInstance, parts: ApiParts): Promise<void> {
  // Only JSON is accepted: a body sent as text gets 415 instead of being read as a string.
  app.removeContentTypeParser('text/plain');
  compressAnswers(app);
  const router = new ApiRouter(app, parts.origins);
  authenticateRequests(app, router, parts);
  answerErrors(app);
  declareEndpoints(router, parts);
  declareReport(router, parts);
  declareExclusions(router, parts);
  declareSegments(router, parts);
  declareMcp(router, parts);
  declareOpenApi(router, parts);
  router.refuseOtherMethods();
}

/**
 * Authenticates requests and applies the rate limit before anything else, so that every response has rate limit headers, even
 * for unknown paths and unreadable bodies. The route then decides whether the principal is authorized.
 */
function authenticateRequests(
  app: FastifyInstance,
  router: ApiRouter,
  { store, clock, overloaded, origins, clients, publicUrl }: ApiParts,
): void {
  const rateLimiter = new RateLimiter(clock, store.sharedCounters);
  const countRequest = (attempt: Attempt, limit: number) =>
    rateLimiter.tryConsume(attempt, { limit, windowMs: RATE_WINDOW_MS, alignedToClock: true });
  const uses = new KeyUses(store.registry);
  const transport = transportSecurity(publicUrl);
  app.addHook('onClose', () => uses.write());
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...transport, 'cache-control': 'private, no-cache' });
    allowOrigin(request, reply, origins);
    const principal = await identify(store.registry, request);
    router.setPrincipal(request, principal);
    if (principal instanceof ApiError) {
      const client = { kind: 'api address', of: clientNetwork(clients.of(request).address) };
      applyRateLimit(reply, 'address', await countRequest(client, PLANS.free.apiRequestsPerMinute));
    } else {
      const { id, plan } = principal.account;
      applyRateLimit(
        reply,
        'account',
        await countRequest({ kind: 'api account', of: id }, PLANS[plan].apiRequestsPerMinute),
      );
      uses.note(principal.key, clock.now());
    }
    // Under overload, API requests are refused first, because beacons must not be lost.
    if (overloaded()) throw new ApiError('UNAVAILABLE', { retryAfterSeconds: RETRY_AFTER_SECONDS });
  });
}

function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    if (error instanceof ClientGone) return reply.code(CLIENT_GONE_STATUS).send();
    const known = toApiError(error);
    if (known.code === 'INTERNAL') request.log.error({ err: error }, 'API request failed');
    return sendError(reply, known);
  });
  app.setNotFoundHandler(async () => {
    throw new ApiError('NOT_FOUND');
  });
}

function declareEndpoints(router: ApiRouter, parts: ApiParts): void {
  const basePath = basePathOf(parts.publicUrl);
  for (const endpoint of ENDPOINTS) {
    router.get(endpoint.path, async (request, reply, principal) => {
      // An empty ID means the list's path with an extra slash, which is an unknown path, not an unknown site.
      const { pathname, query } = splitRequestUrl(request.url);
      if (pathname.endsWith('/v1/sites/')) throw new ApiError('NOT_FOUND');
      requireScope(principal.key, 'read');
      const search = () => new URLSearchParams(query);
      const asked = { principal, signal: clientGone(request, reply) };
      const answer = await run(endpoint, parts, asked, siteIdOf(request), search);
      // An endpoint's schema says that it returns an object.
      return sendAnswer(request, reply, { endpoint, answer: answer as object, basePath });
    });
  }
}

function declareReport(router: ApiRouter, { store, intake }: ApiParts): void {
  const authorize = ({ key }: Principal) => requireScope(key, 'write');
  router.post(report.path, { bodyLimit: REPORT_MAX_BYTES, authorize }, async (request, reply, principal) => {
    const site = await siteFor(store.registry, principal, siteIdOf(request));
    return reply.send(await takeReport(intake, site.key, request.body));
  });
}

function declareExclusions(
  router: ApiRouter,
  { store: { registry, events, reports }, clock }: ApiParts,
): void {
  const { path, bodyLimit } = changeExclusions;
  const authorize = ({ key }: Principal) => requireScope(key, 'configure');
  router.put(path, { bodyLimit, authorize }, async (request, reply, principal) => {
    const site = await siteFor(registry, principal, siteIdOf(request));
    const asked = reports.askedBy({ asker: principal.account.id, signal: clientGone(request, reply) });
    const store = { registry, events, reports: asked };
    return reply.send(await takeExclusions({ store, clock, site }, request.body));
  });
}

function declareSegments(router: ApiRouter, { store: { registry, events, reports }, clock }: ApiParts): void {
  const { create, change, remove } = SEGMENT_CHANGES;
  const authorize = ({ key }: Principal) => requireScope(key, 'configure');
  const contextOf = async (request: FastifyRequest, reply: FastifyReply, principal: Principal) => {
    const site = await siteFor(registry, principal, siteIdOf(request));
    const asked = reports.askedBy({ asker: principal.account.id, signal: clientGone(request, reply) });
    return { store: { registry, events, reports: asked }, clock, site };
  };
  const options = { bodyLimit: SEGMENT_MAX_BYTES, authorize };
  router.post(create.path, options, async (request, reply, principal) =>
    reply.send(await createSegment(await contextOf(request, reply, principal), request.body)),
  );
  router.put(change.path, options, async (request, reply, principal) => {
    const context = await contextOf(request, reply, principal);
    return reply.send(await changeSegment(context, pathPart(request, 'segment'), request.body));
  });
  router.delete(remove.path, options, async (request, reply, principal) => {
    const context = await contextOf(request, reply, principal);
    return reply.send(await deleteSegment(context, pathPart(request, 'segment')));
  });
}

function declareMcp(router: ApiRouter, parts: ApiParts): void {
  const authorize = ({ key }: Principal) => requireScope(key, 'read');
  router.post(MCP_PATH, { bodyLimit: MCP_MAX_BYTES, authorize }, async (request, reply, principal) => {
    const { origin, 'mcp-protocol-version': version } = request.headers;
    // Protects against DNS rebinding: a foreign page must not call this server through a visitor's browser.
    if (origin !== undefined && !parts.origins.includes(origin)) throw new ApiError('ORIGIN_NOT_ALLOWED');
    if (!speaksMcp(version === undefined ? undefined : String(version)))
      throw new ApiError('INVALID_REQUEST', { detail: MCP_VERSIONS_SENTENCE });
    const asked = { principal, signal: clientGone(request, reply) };
    const answer = await answerMcp(request.body, (endpoint, siteId, search) =>
      run(endpoint, parts, asked, siteId, () => search),
    );
    return answer === null ? reply.code(202).send() : reply.send(answer);
  });
}

function declareOpenApi(router: ApiRouter, { publicUrl }: ApiParts): void {
  router.getPublic(OPENAPI_PATH, async (request, reply) =>
    sendJson(request, reply, openApiDocument(publicUrl ?? requestOrigin(request))),
  );
}

function siteIdOf(request: FastifyRequest): string {
  return pathPart(request, 'id');
}

/** Returns a parameter of the path; empty if it has none of that name. */
function pathPart({ params }: FastifyRequest, name: string): string {
  return typeof params === 'object' && params !== null
    ? String(ownValue(params as Record<string, unknown>, name) ?? '')
    : '';
}

/** Authenticates a request. @returns the principal, or the error that the client gets */
async function identify(registry: Registry, request: FastifyRequest): Promise<Principal | ApiError> {
  try {
    return await authenticate(registry, request.headers.authorization);
  } catch (error) {
    const known = toApiError(error);
    if (known.code === 'INTERNAL') throw error;
    return known;
  }
}

async function run(
  endpoint: Endpoint,
  { store: { registry, events, reports }, clock }: Pick<ApiParts, 'store' | 'clock'>,
  { principal, signal }: { principal: Principal; signal: AbortSignal },
  siteId: string,
  search: () => URLSearchParams,
): Promise<unknown> {
  const read = () => (endpoint.ignoresQuery ? {} : readQuery(endpoint.query, search()));
  const store = {
    ...{ registry, events },
    reports: reports.askedBy({ asker: principal.account.id, signal }),
  };
  const asking = { store, clock, ...principal, sites: () => sitesOf(registry, principal) };
  if (endpoint.about === 'account') return endpoint.run(asking, read());
  const site = await siteFor(registry, principal, siteId);
  const timeZone = zoneOf(site, principal.account);
  return endpoint.run({ ...asking, site, timeZone }, read());
}

/** Sends a response as JSON, or its list as CSV with a link to the next page. */
function sendAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  { endpoint, answer, basePath }: { endpoint: Endpoint; answer: object; basePath: string },
): FastifyReply {
  const sendAsJson = () => sendJson(request, reply, answer);
  if (endpoint.rows === undefined) return sendAsJson();
  addVary(reply, 'Accept');
  if (!prefersCsv(request.headers.accept)) return sendAsJson();
  const list = answer as Record<string, unknown>; // `rows` names a list in it
  if (typeof list.next_cursor === 'string') {
    const next = new URL(request.url, 'http://here');
    next.searchParams.set('cursor', list.next_cursor);
    reply.header('link', `<${withBasePath(next.pathname, basePath)}${next.search}>; rel="next"`);
  }
  const rows = list[endpoint.rows] as Record<string, unknown>[];
  const text = writeCsv(columnsOf(endpoint.answer, endpoint.rows), rows);
  return sendText(request, reply, 'text/csv; charset=utf-8', text);
}
