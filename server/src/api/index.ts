import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../clock.ts';
import { ApiError } from '../errors.ts';
import { PLANS } from '../plans.ts';
import { type Account, type Registry, type Store, StoreUnavailable } from '../store/store.ts';
import { authenticate } from './auth.ts';
import { entityTag, matchesTag } from './etag.ts';
import { type Allowance, addressClient, MinuteWindows } from './rate-limit.ts';
import { listSites } from './sites.ts';

/** Seconds after which trying again makes sense when the store is away. */
const RETRY_AFTER_SECONDS = 5;

/** The API's room over HTTP, below `/api`. Every answer has the rate-limit headers, and every error the same shape. */
export async function apiRoutes(
  app: FastifyInstance,
  { store, clock, overloaded }: { store: Store; clock: Clock; overloaded: () => boolean },
): Promise<void> {
  const windows = new MinuteWindows(clock);
  const callers = new WeakMap<FastifyRequest, Account | ApiError>();

  // First of all, so that every answer says how the caller stands: of addresses that do not exist and bodies that cannot be
  // read, too. Whether the caller may do what he asks is decided by the route.
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'private, no-cache', 'x-content-type-options': 'nosniff' });
    const caller = await identify(store.registry, request);
    callers.set(request, caller);
    const allowance =
      caller instanceof ApiError
        ? windows.take(addressClient(request.ip), PLANS.free.apiRequestsPerMinute)
        : windows.take(caller.id, PLANS[caller.plan].apiRequestsPerMinute);
    admit(reply, allowance);
    // Asking can wait; beacons cannot.
    if (overloaded()) throw new ApiError('UNAVAILABLE', { retryAfterSeconds: RETRY_AFTER_SECONDS });
  });

  const accountOf = (request: FastifyRequest): Account => {
    const caller = callers.get(request) ?? new ApiError('MISSING_KEY');
    if (caller instanceof ApiError) throw caller;
    return caller;
  };

  app.setErrorHandler((error, request, reply) => {
    const known = toApiError(error);
    if (known.code === 'INTERNAL') request.log.error({ err: error }, 'an API request could not be answered');
    if (known.retryAfterSeconds !== undefined) reply.header('retry-after', known.retryAfterSeconds);
    if (known.status === 401) reply.header('www-authenticate', 'Bearer');
    return reply.code(known.status).send(known.body());
  });

  app.setNotFoundHandler(async () => {
    throw new ApiError('NOT_FOUND');
  });

  app.get('/v1/sites', async (request, reply) =>
    sendJson(request, reply, await listSites(store, accountOf(request), clock)),
  );

  app.route({
    method: ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: '/v1/sites',
    handler: async (_request, reply) => {
      reply.header('allow', 'GET, HEAD');
      throw new ApiError('METHOD_NOT_ALLOWED', {
        detail: 'Sites are listed here by GET. They are added in the dashboard.',
      });
    },
  });
}

/** Who asks: an account, or why it is none. A store that is away is no answer about the key. */
async function identify(registry: Registry, request: FastifyRequest): Promise<Account | ApiError> {
  try {
    return await authenticate(registry, request.headers.authorization);
  } catch (error) {
    const known = toApiError(error);
    if (known.code === 'INTERNAL') throw error;
    return known;
  }
}

/** Puts the state of the caller's window into the headers. @throws ApiError RATE_LIMITED when it is used up */
function admit(reply: FastifyReply, allowance: Allowance): void {
  reply.headers({
    'x-ratelimit-limit': allowance.limit,
    'x-ratelimit-remaining': allowance.remaining,
    'x-ratelimit-reset': allowance.resetSeconds,
  });
  if (!allowance.allowed) {
    throw new ApiError('RATE_LIMITED', {
      detail: `Too many requests: ${allowance.limit} a minute are allowed. Try again in ${allowance.retryAfterSeconds} seconds.`,
      retryAfterSeconds: allowance.retryAfterSeconds,
    });
  }
}

/** Serialises once, tags the bytes, and answers 304 where the client has them already. */
function sendJson(request: FastifyRequest, reply: FastifyReply, body: unknown): FastifyReply {
  const text = JSON.stringify(body);
  const tag = entityTag(text);
  reply.header('etag', tag);
  if (matchesTag(request.headers['if-none-match'], tag)) return reply.code(304).send();
  return reply.type('application/json; charset=utf-8').send(text);
}

function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof StoreUnavailable)
    return new ApiError('UNAVAILABLE', { retryAfterSeconds: RETRY_AFTER_SECONDS });
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new ApiError('BODY_TOO_LARGE');
  if (code === 'FST_ERR_CTP_INVALID_JSON_BODY' || code === 'FST_ERR_CTP_EMPTY_JSON_BODY')
    return new ApiError('INVALID_JSON');
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  return new ApiError(status >= 400 && status < 500 ? 'INVALID_REQUEST' : 'INTERNAL');
}
