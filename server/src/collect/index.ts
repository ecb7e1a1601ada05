import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BATCH_MAX_BEACONS, BATCH_MAX_BYTES, BEACON_MAX_BYTES } from '../../../tracker/wire/limits.ts';
import { ApiError, type ErrorCode } from '../errors.ts';
import { type Outcome, type Receiver, type RefusalReason, receive, senderOf } from './receive.ts';

/** The beacons' room over HTTP: size limit, parse, hand over, answer. Open to every origin, and never with credentials. */

const CODES: Readonly<Record<RefusalReason, ErrorCode>> = {
  malformed: 'INVALID_EVENT',
  'too-large': 'EVENT_TOO_LARGE',
  'unknown-key': 'UNKNOWN_SITE_KEY',
  'retired-key': 'RETIRED_SITE_KEY',
  'rate-limited': 'RATE_LIMITED',
  'wrong-domain': 'DOMAIN_MISMATCH',
  'local-host': 'LOCAL_HOST',
  busy: 'UNAVAILABLE',
  unavailable: 'UNAVAILABLE',
};

/** A day: how long a browser may remember that it may ask. https://fetch.spec.whatwg.org/#http-access-control-max-age */
const PREFLIGHT_SECONDS = 86_400;

export async function collectRoutes(
  app: FastifyInstance,
  { receiver }: { receiver: Receiver },
): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    ['text/plain', 'application/json'],
    { parseAs: 'string', bodyLimit: BATCH_MAX_BYTES },
    (_request, text, done) => done(null, text),
  );
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'X-Attractos-Outcome, Retry-After',
      'cross-origin-resource-policy': 'cross-origin',
      'cache-control': 'no-store',
    });
  });
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));

  app.post('/e', async (request, reply) => {
    const text = typeof request.body === 'string' ? request.body : '';
    const said = parse(text);
    const sender = senderOf(request.ip, request.headers);
    if (Array.isArray(said)) {
      checkBatch(said);
      // Together, so that they share a commit.
      const outcomes = await Promise.all(said.map((each) => receiveOne(receiver, each, sender)));
      return answerBatch(reply, outcomes);
    }
    if (Buffer.byteLength(text) > BEACON_MAX_BYTES) throw tooLarge();
    return answer(reply, await receive(receiver, said, sender));
  });

  app.options('/e', async (_request, reply) =>
    reply
      .code(204)
      .headers({
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'content-type',
        'access-control-max-age': PREFLIGHT_SECONDS,
      })
      .send(),
  );

  app.route({
    method: ['GET', 'PUT', 'PATCH', 'DELETE'],
    url: '/e',
    handler: async (_request, reply) => {
      reply.header('allow', 'POST, OPTIONS');
      throw new ApiError('METHOD_NOT_ALLOWED', { detail: 'Send events by POST.' });
    },
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed('The body is not JSON.');
  }
}

function malformed(detail: string): ApiError {
  return new ApiError('INVALID_EVENT', { detail });
}

function tooLarge(): ApiError {
  return new ApiError('EVENT_TOO_LARGE', {
    detail: `The event is too large: at most ${BEACON_MAX_BYTES} bytes, and ${BATCH_MAX_BYTES} for a batch.`,
  });
}

function checkBatch(batch: readonly unknown[]): void {
  if (batch.length === 0) throw malformed('The batch is empty.');
  if (batch.length > BATCH_MAX_BEACONS) throw malformed(`A batch holds at most ${BATCH_MAX_BEACONS} events.`);
  if (batch.some(Array.isArray)) throw malformed('A batch holds events, not batches.');
}

async function receiveOne(
  receiver: Receiver,
  said: unknown,
  sender: Parameters<typeof receive>[2],
): Promise<Outcome> {
  const tooBig = Buffer.byteLength(JSON.stringify(said) ?? '') > BEACON_MAX_BYTES;
  return tooBig ? { kind: 'refused', reason: 'too-large' } : receive(receiver, said, sender);
}

function errorOf({ reason, detail, retryAfterSeconds }: Extract<Outcome, { kind: 'refused' }>): ApiError {
  return new ApiError(CODES[reason], {
    ...(detail === undefined ? {} : { detail }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** `stored`, `duplicate`, `bot`, `refused; reason=wrong-domain`: what a page's own debug mode reads. */
function headerValue(outcome: Outcome): string {
  return outcome.kind === 'refused' ? `refused; reason=${outcome.reason}` : outcome.kind;
}

function answer(reply: FastifyReply, outcome: Outcome): FastifyReply {
  reply.header('x-attractos-outcome', headerValue(outcome));
  return outcome.kind === 'refused' ? sendError(reply, errorOf(outcome)) : reply.code(202).send();
}

function answerBatch(reply: FastifyReply, outcomes: readonly Outcome[]): FastifyReply {
  reply.header('x-attractos-outcome', outcomes.map(headerValue).join(', '));
  const firstRefusal = outcomes.find((outcome) => outcome.kind === 'refused');
  const kept = outcomes.some((outcome) => outcome.kind !== 'refused');
  if (firstRefusal !== undefined && !kept) return sendError(reply, errorOf(firstRefusal));
  return reply.code(202).send({
    outcomes: outcomes.map((outcome) =>
      outcome.kind === 'refused' ? `refused: ${outcome.reason}` : outcome.kind,
    ),
  });
}

function sendError(reply: FastifyReply, error: ApiError): FastifyReply {
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', error.retryAfterSeconds);
  return reply.code(error.status).send(error.body());
}

/** What the framework found wrong before any of ours ran, in our words; anything unforeseen is ours and says nothing. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = error instanceof ApiError ? error : frameworkError(error);
  if (known === null) {
    request.log.error({ err: error }, 'a beacon could not be handled');
    return sendError(reply, new ApiError('INTERNAL'));
  }
  if (known.code === 'INVALID_EVENT') reply.header('x-attractos-outcome', 'refused; reason=malformed');
  if (known.code === 'UNSUPPORTED_MEDIA_TYPE')
    reply.header('x-attractos-outcome', 'refused; reason=malformed');
  if (known.code === 'EVENT_TOO_LARGE') reply.header('x-attractos-outcome', 'refused; reason=too-large');
  return sendError(reply, known);
}

function frameworkError(error: unknown): ApiError | null {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return tooLarge();
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new ApiError('UNSUPPORTED_MEDIA_TYPE');
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  return status >= 400 && status < 500 ? malformed('The request could not be read.') : null;
}
