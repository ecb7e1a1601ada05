import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RateLimitResult } from '../app/rate-limiter.ts';
import { MINUTE_MS, SECOND_MS } from '../domain/clock.ts';
import { ApiError } from '../domain/errors.ts';
import { addVary } from '../http/compression.ts';
import { refusedByFramework } from '../http/error-status.ts';
import { entityTag, matchesTag } from '../http/etag.ts';
import { StoreUnavailable } from '../store/contract/store.ts';

/** The HTTP behavior that all API responses share. */

/** Seconds to wait before a retry if the store is unavailable. */
export const RETRY_AFTER_SECONDS = 5;

/** How long a browser may cache a preflight response: one day. */
const PREFLIGHT_SECONDS = 86_400;
/** The window of rate limits: one minute, aligned to the clock. */
export const RATE_WINDOW_MS = MINUTE_MS;

/** The response headers that a page of an allowed origin may read. */
const EXPOSED =
  'ETag, Link, Retry-After, RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset';

/**
 * Sets the rate limit headers: the `X-RateLimit-*` family, and the fields of
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
 *
 * @param policy the name of the rate limit: whether it belongs to the account or to the address
 * @throws ApiError RATE_LIMITED if it is exceeded
 */
export function applyRateLimit(
  reply: FastifyReply,
  policy: 'account' | 'address',
  { allowed, limit, remaining, resetMs, retryAfterSeconds }: RateLimitResult,
): void {
  reply.headers({
    'x-ratelimit-limit': limit,
    'x-ratelimit-remaining': remaining,
    'x-ratelimit-reset': resetMs / SECOND_MS,
    'ratelimit-policy': `"${policy}";q=${limit};w=${RATE_WINDOW_MS / SECOND_MS}`,
    ratelimit: `"${policy}";r=${remaining};t=${retryAfterSeconds}`,
  });
  if (!allowed) {
    throw new ApiError('RATE_LIMITED', {
      detail: `Rate limit exceeded: ${limit} requests per minute. Try again in ${retryAfterSeconds} seconds.`,
      retryAfterSeconds,
    });
  }
}

/** Sets CORS headers for an allowed origin. Browser credentials are never allowed. @returns whether the origin is allowed */
export function allowOrigin(
  request: FastifyRequest,
  reply: FastifyReply,
  allowed: readonly string[],
): boolean {
  if (allowed.length === 0) return false;
  addVary(reply, 'Origin');
  const { origin } = request.headers;
  if (origin === undefined || !allowed.includes(origin)) return false;
  reply.headers({ 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED });
  return true;
}

/** Adds to the answer of a preflight which requests a page of an allowed origin may send. */
export function allowRequests(reply: FastifyReply, methods: string): void {
  reply.headers({
    'access-control-allow-methods': methods,
    'access-control-allow-headers': 'authorization, content-type, if-none-match, mcp-protocol-version',
    'access-control-max-age': PREFLIGHT_SECONDS,
  });
}

/** Sends a text with its entity tag, or 304 if the client already has it. */
export function sendText(
  request: FastifyRequest,
  reply: FastifyReply,
  type: string,
  text: string,
): FastifyReply {
  const tag = entityTag(text);
  reply.header('etag', tag);
  if (matchesTag(request.headers['if-none-match'], tag)) return reply.code(304).send();
  return reply.type(type).send(text);
}

/** Sends a body as JSON, with `sendText`. */
export function sendJson(request: FastifyRequest, reply: FastifyReply, body: object): FastifyReply {
  return sendText(request, reply, 'application/json; charset=utf-8', JSON.stringify(body));
}

/** Converts any error to an API error. An unknown error becomes INTERNAL. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof StoreUnavailable)
    return new ApiError('UNAVAILABLE', { retryAfterSeconds: RETRY_AFTER_SECONDS });
  return refusedByFramework(error) ?? new ApiError('INTERNAL');
}

/** Sends an error response. */
export function sendError(reply: FastifyReply, error: ApiError): FastifyReply {
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', error.retryAfterSeconds);
  if (error.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply.code(error.status).send(error.body());
}
