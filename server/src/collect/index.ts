import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BATCH_MAX_BEACONS, BATCH_MAX_BYTES, BEACON_MAX_BYTES } from '../../../tracker/wire/limits.ts';
import { ApiError, ERRORS } from '../errors.ts';
import { errorOf, FAULT, headerValue, outcomeName } from './answers.ts';
import { type Outcome, type Receiver, receive, refuseBatch, refuseUnread, senderOf } from './receive.ts';

/** The beacons' room over HTTP: size limit, parse, hand over, answer. Open to every origin, and never with credentials. */

const TOO_LARGE = `The event is too large: at most ${BEACON_MAX_BYTES} bytes, and ${BATCH_MAX_BYTES} for a batch.`;

/** A day: how long a browser may remember that it may ask. https://fetch.spec.whatwg.org/#http-access-control-max-age */
const PREFLIGHT_SECONDS = 86_400;

/** Of every answer. */
const HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'X-Attractos-Outcome, Retry-After',
  'cross-origin-resource-policy': 'cross-origin',
  'cache-control': 'no-store',
};

/** @param options.path where beacons arrive besides `/e`; null: nowhere */
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
    const outcome = unread(receiver, error);
    if (outcome !== null) return answer(receiver, reply, outcome);
    if (error instanceof ApiError) return sendError(reply, error);
    request.log.error({ err: error }, 'a beacon could not be handled');
    receiver.answered.add(FAULT);
    return sendError(reply, new ApiError('INTERNAL'));
  });

  acceptBeacons(app, receiver, '/e');
  if (path !== null) acceptBeacons(app, receiver, path);
}

function acceptBeacons(app: FastifyInstance, receiver: Receiver, path: string): void {
  app.post(path, async (request, reply) => {
    const text = typeof request.body === 'string' ? request.body : '';
    const said = parse(text);
    const sender = senderOf(request, receiver.knowledge);
    if (!Array.isArray(said)) {
      const bytes = Buffer.byteLength(text);
      return answer(receiver, reply, await receive(receiver, { beacon: said, bytes }, sender));
    }
    checkBatch(said);
    // Together, so that they share a commit.
    const outcomes = said.map((beacon) =>
      receive(receiver, { beacon, bytes: bytesOf(beacon, text) }, sender),
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
    throw new ApiError('METHOD_NOT_ALLOWED', { detail: 'Send events by POST.' });
  };
  app.route({
    method: app.supportedMethods.filter((method) => method !== 'POST' && method !== 'OPTIONS'),
    url: path,
    // Before a body is read: it is no beacon, whatever is wrong with it.
    onRequest: refuse,
    handler: refuse,
  });
}

/** A request that could not be read as beacons. */
class Unreadable extends Error {
  override readonly name = 'Unreadable';
  /** What was read of it. */
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
    throw new Unreadable('The body is not JSON.');
  }
}

function checkBatch(batch: readonly unknown[]): void {
  if (batch.length === 0) throw new Unreadable('The batch is empty.');
  if (batch.length > BATCH_MAX_BEACONS)
    throw new Unreadable(`A batch holds at most ${BATCH_MAX_BEACONS} events.`, batch);
  if (batch.some(Array.isArray)) throw new Unreadable('A batch holds events, not batches.', batch);
}

/** Size of one beacon of a batch; no more than the whole where the whole is small. */
function bytesOf(beacon: unknown, batch: string): number {
  const all = Buffer.byteLength(batch);
  if (all <= BEACON_MAX_BYTES) return all;
  try {
    return Buffer.byteLength(JSON.stringify(beacon));
  } catch {
    return Number.POSITIVE_INFINITY; // nested deeper than the stack goes, which takes more than a beacon's size
  }
}

function answer({ answered }: Receiver, reply: FastifyReply, outcome: Outcome): FastifyReply {
  answered.add(outcomeName(outcome));
  if (outcome.kind !== 'refused') return accept(reply, outcome.kind);
  reply.header('x-attractos-outcome', headerValue(outcome));
  return sendError(reply, errorOf(outcome));
}

/** Nearly every answer, and always one of these: past the framework, which would put each together anew. */
const ACCEPTED = {
  stored: acceptedHeaders('stored'),
  duplicate: acceptedHeaders('duplicate'),
  bot: acceptedHeaders('bot'),
};

/** Names and values in turn, as Node takes them. */
function acceptedHeaders(outcome: string): string[] {
  return Object.entries({ ...HEADERS, 'x-attractos-outcome': outcome, 'content-length': '0' }).flat();
}

function accept(reply: FastifyReply, outcome: keyof typeof ACCEPTED): FastifyReply {
  reply.hijack();
  reply.raw.writeHead(202, ACCEPTED[outcome]).end();
  return reply;
}

function answerBatch(
  { answered }: Receiver,
  reply: FastifyReply,
  outcomes: readonly Outcome[],
): FastifyReply {
  for (const outcome of outcomes) answered.add(outcomeName(outcome));
  reply.header('x-attractos-outcome', outcomes.map(headerValue).join(', '));
  const firstRefusal = outcomes.find((outcome) => outcome.kind === 'refused');
  const kept = outcomes.some((outcome) => outcome.kind !== 'refused');
  if (firstRefusal !== undefined && !kept) return sendError(reply, errorOf(firstRefusal));
  return reply
    .code(202)
    .headers(HEADERS)
    .send({
      outcomes: outcomes.map((outcome) =>
        outcome.kind === 'refused' ? `refused: ${outcome.reason}` : outcome.kind,
      ),
    });
}

function sendError(reply: FastifyReply, error: ApiError): FastifyReply {
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', error.retryAfterSeconds);
  return reply.code(error.status).headers(HEADERS).send(error.body());
}

/** What could not be read, by our own or the framework's word, as an outcome; null for any other error. */
function unread(receiver: Receiver, error: unknown): Outcome | null {
  if (error instanceof Unreadable) return refuseBatch(receiver, error.batch, error.message);
  if (!(error instanceof Error) || !('code' in error)) return null;
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return refuseUnread(receiver, 'too-large', TOO_LARGE);
  const status = 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status === 415) return refuseUnread(receiver, 'media-type', ERRORS.UNSUPPORTED_MEDIA_TYPE.sentence);
  return status >= 400 && status < 500
    ? refuseUnread(receiver, 'malformed', 'The request could not be read.')
    : null;
}
