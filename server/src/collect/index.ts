import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BATCH_MAX_BEACONS, BATCH_MAX_BYTES, BEACON_MAX_BYTES } from '../../../tracker/wire/limits.ts';
import { ApiError, ERRORS } from '../domain/errors.ts';
import { errorOf, FAULT, headerValue, type Outcome, outcomeName } from '../domain/outcomes.ts';
import { errorStatus } from '../http/error-status.ts';
import { COMMON_HEADERS } from '../http/security-headers.ts';
import { clientOf } from './raw-beacon.ts';
import {
  type Evidence,
  evidenceOf,
  MALFORMED_REQUEST,
  type Receiver,
  receive,
  refuseBatch,
  refuseUnread,
} from './receive.ts';

/** The collector's routes, which limit the body's size, parse it, receive its beacons and respond. Open to every origin. */

const TOO_LARGE = `The event exceeds the size limit: ${BEACON_MAX_BYTES} bytes per event, ${BATCH_MAX_BYTES} bytes per batch.`;

/** How long a browser may cache a preflight response: one day. https://fetch.spec.whatwg.org/#http-access-control-max-age */
const PREFLIGHT_SECONDS = 86_400;

/** The headers of every response. */
const HEADERS = {
  ...COMMON_HEADERS,
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'X-Attractos-Outcome, Retry-After',
  'cross-origin-resource-policy': 'cross-origin',
  'cache-control': 'no-store',
};

/** Adds the routes. @param options.path a path in addition to `/e`; null if there is none */
export async function collectRoutes(
  app: FastifyInstance,
  { receiver, path }: { receiver: Receiver; path: string | null },
): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    ['text/plain', 'application/json'],
    { parseAs: 'string', bodyLimit: BATCH_MAX_BYTES },
    (_request, text, done) => done(null, text),
  );
  app.setErrorHandler((error, request, reply) => {
    const outcome = unread(receiver, error, evidenceOf(receiver, request));
    if (outcome !== null) return answer(receiver, reply, outcome);
    if (error instanceof ApiError) return sendError(reply, error);
    request.log.error({ err: error }, 'failed to handle a beacon');
    receiver.answered(FAULT);
    return sendError(reply, new ApiError('INTERNAL'));
  });

  acceptBeacons(app, receiver, '/e');
  if (path !== null) acceptBeacons(app, receiver, path);
}

function acceptBeacons(app: FastifyInstance, receiver: Receiver, path: string): void {
  app.post(path, async (request, reply) => {
    const text = typeof request.body === 'string' ? request.body : '';
    const payload = parse(text);
    const client = clientOf(receiver.clients.of(request), request.headers, receiver.enricher.countryHeader);
    if (!Array.isArray(payload)) {
      const bytes = Buffer.byteLength(text);
      return answer(receiver, reply, await receive(receiver, { payload, bytes }, client));
    }
    checkBatch(payload);
    // Received concurrently, so that they share a commit.
    const outcomes = payload.map((beacon) =>
      receive(receiver, { payload: beacon, bytes: bytesOf(beacon, text) }, client),
    );
    return answerBatch(receiver, reply, await Promise.all(outcomes));
  });

  app.options(path, async (_request, reply) =>
    reply
      .code(204)
      .headers({
        ...HEADERS,
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'content-type',
        'access-control-max-age': PREFLIGHT_SECONDS,
      })
      .send(),
  );

  const refuse = async (_request: FastifyRequest, reply: FastifyReply) => {
    reply.header('allow', 'POST, OPTIONS');
    throw new ApiError('METHOD_NOT_ALLOWED', { detail: 'Method not allowed. Use POST to send events.' });
  };
  app.route({
    method: app.supportedMethods.filter((method) => method !== 'POST' && method !== 'OPTIONS'),
    url: path,
    // Refused before the body is read, so that errors in the body do not matter.
    onRequest: refuse,
    handler: refuse,
  });
}

/** A request that could not be read as beacons. */
class Unreadable extends Error {
  override readonly name = 'Unreadable';
  /** The beacons that could be parsed; empty if there are none. */
  readonly batch: readonly unknown[];

  constructor(message: string, batch: readonly unknown[] = []) {
    super(message);
    this.batch = batch;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Unreadable(ERRORS.INVALID_JSON.sentence);
  }
}

function checkBatch(batch: readonly unknown[]): void {
  if (batch.length === 0) throw new Unreadable('The batch is empty; send at least one event.');
  if (batch.length > BATCH_MAX_BEACONS)
    throw new Unreadable(
      `A batch must have at most ${BATCH_MAX_BEACONS} events; got ${batch.length}.`,
      batch,
    );
  if (batch.some(Array.isArray))
    throw new Unreadable('A batch must contain events, not nested batches.', batch);
}

/** Returns the size of a beacon in a batch, or an upper bound if even the whole batch is below the limit of one beacon. */
function bytesOf(beacon: unknown, batch: string): number {
  const all = Buffer.byteLength(batch);
  if (all <= BEACON_MAX_BYTES) return all;
  try {
    return Buffer.byteLength(JSON.stringify(beacon));
  } catch {
    return Number.POSITIVE_INFINITY; // nested too deeply for the stack, so it is larger than a beacon may be
  }
}

function answer({ answered }: Receiver, reply: FastifyReply, outcome: Outcome): FastifyReply {
  answered(outcomeName(outcome));
  if (outcome.kind !== 'refused') return accept(reply, outcome.kind);
  reply.header('x-attractos-outcome', headerValue(outcome));
  return sendError(reply, errorOf(outcome));
}

/** The headers of accepted beacons. Nearly every response is one of these, so they are built once and bypass the framework. */
const ACCEPTED = {
  stored: acceptedHeaders('stored'),
  duplicate: acceptedHeaders('duplicate'),
  bot: acceptedHeaders('bot'),
};

/** Returns the headers of an outcome as a flat list of names and values, which `writeHead` accepts. */
function acceptedHeaders(outcome: string): string[] {
  return Object.entries({ ...HEADERS, 'x-attractos-outcome': outcome, 'content-length': '0' }).flat();
}

function accept(reply: FastifyReply, outcome: keyof typeof ACCEPTED): FastifyReply {
  reply.hijack();
  reply.raw.writeHead(202, ACCEPTED[outcome]).end();
  return reply;
}

/**
 * Responds to a batch with all outcomes, in order, and with the error of each refused beacon by its index. The status is 202 if at
 * least one beacon was kept, else that of the first refusal.
 */
function answerBatch(
  { answered }: Receiver,
  reply: FastifyReply,
  outcomes: readonly Outcome[],
): FastifyReply {
  for (const outcome of outcomes) answered(outcomeName(outcome));
  reply.header('x-attractos-outcome', outcomes.map(headerValue).join(', '));
  const refused = outcomes.flatMap((outcome, index) =>
    outcome.kind === 'refused' ? [{ index, outcome, error: errorOf(outcome) }] : [],
  );
  const errors = refused.map(({ index, outcome: { field }, error }) => ({
    index,
    ...(field === undefined ? {} : { field }),
    ...error.body(),
  }));
  const answers = {
    outcomes: outcomes.map((outcome) =>
      outcome.kind === 'refused' ? `refused: ${outcome.reason}` : outcome.kind,
    ),
    ...(errors.length === 0 ? {} : { errors }),
  };
  const [first] = refused;
  return first !== undefined && refused.length === outcomes.length
    ? sendError(reply, first.error, answers)
    : reply.code(202).headers(HEADERS).send(answers);
}

/** Sends an error. @param more what the body says in addition to it */
function sendError(reply: FastifyReply, error: ApiError, more: object = {}): FastifyReply {
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', error.retryAfterSeconds);
  return reply
    .code(error.status)
    .headers(HEADERS)
    .send({ ...error.body(), ...more });
}

/** Returns the outcome of an unreadable request, refused here or by the framework; null for any other error. */
function unread(receiver: Receiver, error: unknown, evidence: Evidence): Outcome | null {
  if (error instanceof Unreadable) return refuseBatch(receiver, error.batch, error.message, evidence);
  if (!(error instanceof Error) || !('code' in error)) return null;
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return refuseUnread(receiver, 'too-large', TOO_LARGE, evidence);
  const status = errorStatus(error);
  if (status === 415)
    return refuseUnread(receiver, 'media-type', ERRORS.UNSUPPORTED_MEDIA_TYPE.sentence, evidence);
  return status >= 400 && status < 500
    ? refuseUnread(receiver, 'malformed', MALFORMED_REQUEST, evidence)
    : null;
}
