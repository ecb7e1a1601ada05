import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { negotiate } from '@fastify/accept-negotiator';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** Content codings, the preferred one first. */
export type Encoding = 'br' | 'gzip';

/** The smallest response that is compressed. Compressing a smaller one saves less than a packet. */
const COMPRESS_MIN_BYTES = 1_000;
/** The Brotli quality (0 to 11) for responses compressed per request: about as fast as gzip's default, with smaller output. */
const BROTLI_QUALITY = 4;

const compress: Readonly<Record<Encoding, (body: string | Buffer) => Promise<Buffer>>> = {
  br: (body) => brotli(body, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
  gzip: promisify<string | Buffer, Buffer>(gzip),
};
const brotli = promisify(brotliCompress);

/**
 * Returns the content coding that a client prefers; null for none.
 *
 * @param acceptEncoding https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
 */
export function acceptedEncoding(acceptEncoding: string | undefined): Encoding | null {
  const chosen = negotiate(acceptEncoding ?? '', ['br', 'gzip', 'identity']);
  return chosen === 'identity' ? null : chosen;
}

/**
 * Compresses the responses of a plugin's routes, off the main thread. Streams and responses that already have a content coding
 * are sent unchanged. If the client accepts a coding, the entity tag becomes weak, because the same tag then stands for several
 * bodies: https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3.3
 *
 * It replaces @fastify/compress, which compresses whole bodies on the main thread, leaves their entity tags strong, and sends
 * `Vary` only with responses that it compressed.
 */
export function compressAnswers(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (reply.hasHeader('content-encoding')) return payload;
    addVary(reply, 'Accept-Encoding');
    const encoding = acceptedEncoding(request.headers['accept-encoding']);
    if (encoding === null) return payload;
    const tag = reply.getHeader('etag');
    if (typeof tag === 'string' && !tag.startsWith('W/')) reply.header('etag', `W/${tag}`);
    if (!(typeof payload === 'string' || Buffer.isBuffer(payload))) return payload;
    if (Buffer.byteLength(payload) < COMPRESS_MIN_BYTES) return payload;
    reply.header('content-encoding', encoding);
    return compress[encoding](payload);
  });
}

/** Adds a request header to the response's `Vary`. */
export function addVary(reply: FastifyReply, name: string): void {
  const named = reply.getHeader('vary');
  if (named === undefined) reply.header('vary', name);
  else if (!String(named).split(', ').includes(name)) reply.header('vary', `${named}, ${name}`);
}
