import type { FastifyInstance, FastifyReply } from 'fastify';
import { FAULT, headerValue, type Outcome, outcomeName } from '../domain/outcomes.ts';
import { errorStatus } from '../http/error-status.ts';
import { splitRequestUrl } from '../http/request-url.ts';
import { clientOf } from './raw-beacon.ts';
import { evidenceOf, MALFORMED_REQUEST, type Receiver, receive, refuseUnread } from './receive.ts';

/**
 * The tracking pixel `GET /p.gif?key=…` for emails, feeds and `<noscript>`. The page's URL is the parameter `url`, or else the
 * `Referer`. The response is always an image, because a page cannot show anything else; a header has the outcome.
 */

/** A transparent one-pixel GIF of 43 bytes, the smallest that every client can display. */
const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==', 'base64');

/** The fields of a beacon that the query can set. */
const FIELDS = ['key', 'id', 'name', 'url', 'ref'] as const;

export async function pixelRoutes(app: FastifyInstance, { receiver }: { receiver: Receiver }): Promise<void> {
  app.setErrorHandler((error, request, reply) => {
    if (errorStatus(error) < 500)
      return answer(
        receiver,
        reply,
        refuseUnread(receiver, 'malformed', MALFORMED_REQUEST, evidenceOf(receiver, request)),
      );
    request.log.error({ err: error }, 'failed to handle a pixel request');
    receiver.answered(FAULT);
    return image(reply).code(500).send(GIF);
  });

  app.get('/p.gif', { exposeHeadRoute: false }, async (request, reply) => {
    const client = clientOf(receiver.clients.of(request), request.headers, receiver.enricher.countryHeader);
    const query = new URLSearchParams(splitRequestUrl(request.url).query);
    const beacon: Record<string, string> = {};
    if (client.referer !== undefined) beacon.url = client.referer;
    for (const field of FIELDS) {
      const value = query.get(field);
      if (value !== null) beacon[field] = value;
    }
    return answer(
      receiver,
      reply,
      await receive(receiver, { payload: beacon, bytes: Buffer.byteLength(JSON.stringify(beacon)) }, client),
    );
  });

  // HEAD is not a page view.
  app.head('/p.gif', async (_request, reply) => image(reply).send());
}

function image(reply: FastifyReply): FastifyReply {
  return reply.headers({
    'content-type': 'image/gif',
    'content-length': GIF.length,
    'cache-control': 'no-store',
    'access-control-allow-origin': '*',
    'access-control-expose-headers': 'X-Attractos-Outcome',
    'cross-origin-resource-policy': 'cross-origin',
  });
}

function answer({ answered }: Receiver, reply: FastifyReply, outcome: Outcome): FastifyReply {
  answered(outcomeName(outcome));
  return image(reply).header('x-attractos-outcome', headerValue(outcome)).send(GIF);
}
