import type { FastifyInstance, FastifyReply } from 'fastify';
import { splitRequestUrl } from '../request-url.ts';
import { FAULT, headerValue, outcomeName } from './answers.ts';
import { type Outcome, type Receiver, receive, refuseUnread, senderOf } from './receive.ts';

/**
 * `GET /p.gif?key=…` for pages without script: mails, feeds, `<noscript>`. The page's address is the `Referer`, or `url=`
 * where there is none. An image is always the answer, since a page has nothing to do with anything else; what became of the
 * event is in a header.
 */

/** A transparent GIF of one pixel: 43 bytes, the smallest that every client draws. */
const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==', 'base64');

/** Fields of a beacon that a query can say. */
const FIELDS = ['key', 'id', 'name', 'url', 'ref'] as const;

export async function pixelRoutes(app: FastifyInstance, { receiver }: { receiver: Receiver }): Promise<void> {
  app.setErrorHandler((error, request, reply) => {
    if (error instanceof Error && 'statusCode' in error && Number(error.statusCode) < 500)
      return answer(receiver, reply, refuseUnread(receiver, 'malformed', 'The request could not be read.'));
    request.log.error({ err: error }, 'a pixel could not be handled');
    receiver.answered.add(FAULT);
    return image(reply).code(500).send(GIF);
  });

  app.get('/p.gif', { exposeHeadRoute: false }, async (request, reply) => {
    const sender = senderOf(request, receiver.knowledge);
    const query = new URLSearchParams(splitRequestUrl(request.url).query);
    const beacon: Record<string, string> = {};
    if (sender.referer !== undefined) beacon.url = sender.referer;
    for (const field of FIELDS) {
      const value = query.get(field);
      if (value !== null) beacon[field] = value;
    }
    return answer(
      receiver,
      reply,
      await receive(receiver, { beacon, bytes: Buffer.byteLength(JSON.stringify(beacon)) }, sender),
    );
  });

  // Asking about the image is no view of a page.
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
    'x-content-type-options': 'nosniff',
  });
}

function answer({ answered }: Receiver, reply: FastifyReply, outcome: Outcome): FastifyReply {
  answered.add(outcomeName(outcome));
  return image(reply).header('x-attractos-outcome', headerValue(outcome)).send(GIF);
}
