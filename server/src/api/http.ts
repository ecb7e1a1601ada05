import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../errors.ts';
import { StoreUnavailable } from '../store/store.ts';
import { matchesTag, type Tagged, tagged } from './etag.ts';
import type { Allowance } from './rate-limit.ts';

/** What every answer of the API has in common, in the words of HTTP. */

/** Seconds after which trying again makes sense when the store is away. */
export const RETRY_AFTER_SECONDS = 5;

/** A day: how long a browser may remember that it may ask. */
const PREFLIGHT_SECONDS = 86_400;
const WINDOW_SECONDS = 60;

/** Headers of ours that a page of an allowed origin may read. */
const EXPOSED =
  'ETag, Link, Retry-After, RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset';

/**
 * Puts the state of the caller's window into the headers: those of the API's family, and the fields of
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
 *
 * @param policy whose window it is
 * @throws ApiError RATE_LIMITED when it is used up
 */
export function admit(reply: FastifyReply, policy: 'account' | 'address', allowance: Allowance): void {
  const { limit, remaining, resetSeconds, retryAfterSeconds } = allowance;
  reply.headers({
    'x-ratelimit-limit': limit,
    'x-ratelimit-remaining': remaining,
    'x-ratelimit-reset': resetSeconds,
    'ratelimit-policy': `"${policy}";q=${limit};w=${WINDOW_SECONDS}`,
    ratelimit: `"${policy}";r=${remaining};t=${retryAfterSeconds}`,
  });
  if (!allowance.allowed) {
    throw new ApiError('RATE_LIMITED', {
      detail: `Too many requests: ${limit} a minute are allowed. Try again in ${retryAfterSeconds} seconds.`,
      retryAfterSeconds,
    });
  }
}

/** Lets pages of an allowed origin read the answer; says nothing to any other. Credentials of the browser never play a part. */
export function allowOrigin(
  request: FastifyRequest,
  reply: FastifyReply,
  allowed: readonly string[],
): boolean {
  if (allowed.length === 0) return false;
  reply.header('vary', 'Origin');
  const { origin } = request.headers;
  if (origin === undefined || !allowed.includes(origin)) return false;
  reply.headers({ 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED });
  return true;
}

export function answerPreflight(reply: FastifyReply, methods: string): FastifyReply {
  return reply
    .code(204)
    .headers({
      'access-control-allow-methods': methods,
      'access-control-allow-headers': 'authorization, content-type, if-none-match, mcp-protocol-version',
      'access-control-max-age': PREFLIGHT_SECONDS,
    })
    .send();
}

/** Sends a text with its entity tag, or 304 where the client has it already. */
export function sendText(
  request: FastifyRequest,
  reply: FastifyReply,
  type: string,
  text: string,
): FastifyReply {
  return sendTagged(request, reply, type, tagged(text));
}

/** Bodies as they were sent last: an endpoint that answers with the very same object spares writing and tagging it. */
const sent = new WeakMap<object, Tagged>();

/** Sends a body, which nobody changes after this, as JSON; as `sendText` does. */
export function sendJson<Body extends object>(
  request: FastifyRequest,
  reply: FastifyReply,
  body: Body,
  write: (body: Body) => Tagged = (written) => tagged(JSON.stringify(written)),
): FastifyReply {
  let written = sent.get(body);
  if (written === undefined) {
    written = write(body);
    sent.set(body, written);
  }
  return sendTagged(request, reply, 'application/json; charset=utf-8', written);
}

function sendTagged(
  request: FastifyRequest,
  reply: FastifyReply,
  type: string,
  { body, tag }: Tagged,
): FastifyReply {
  reply.header('etag', tag);
  if (matchesTag(request.headers['if-none-match'], tag)) return reply.code(304).send();
  return reply.type(type).send(body);
}

/** Any error as one of the table. What is not foreseen there is INTERNAL. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof StoreUnavailable)
    return new ApiError('UNAVAILABLE', { retryAfterSeconds: RETRY_AFTER_SECONDS });
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new ApiError('BODY_TOO_LARGE');
  if (code === 'FST_ERR_CTP_INVALID_JSON_BODY' || code === 'FST_ERR_CTP_EMPTY_JSON_BODY')
    return new ApiError('INVALID_JSON');
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status === 415) {
    return new ApiError('UNSUPPORTED_MEDIA_TYPE', { detail: 'Send JSON as application/json.' });
  }
  return new ApiError(status >= 400 && status < 500 ? 'INVALID_REQUEST' : 'INTERNAL');
}

/** Refuses in the one shape that errors have. */
export function sendError(reply: FastifyReply, error: ApiError): FastifyReply {
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', error.retryAfterSeconds);
  if (error.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply.code(error.status).send(error.body());
}
