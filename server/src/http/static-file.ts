import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { acceptedEncoding } from './compression.ts';
import { entityTag, matchesTag } from './etag.ts';

/** A file that is served from memory and compressed once at start. No request path ever reaches the disk. */
export interface StaticFile {
  /** The file name, such as `a.js`. */
  name: string;
  contentType: string;
  /**
   * The entity tag, which is weak because it is the same for all three encodings.
   * https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3.3
   */
  etag: string;
  identity: Buffer;
  gzip: Buffer;
  br: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json; charset=utf-8',
  svg: 'image/svg+xml',
};

const compress = { br: promisify(brotliCompress), gzip: promisify(gzip) };

/** Compresses a file at the highest level. @param name the file name; its extension determines the content type */
export async function staticFile(name: string, identity: Buffer): Promise<StaticFile> {
  const [gzipped, br] = await Promise.all([compress.gzip(identity, { level: 9 }), compress.br(identity)]);
  return {
    name,
    contentType: TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
    etag: `W/${entityTag(identity)}`,
    identity,
    gzip: gzipped,
    br,
  };
}

/** Sends a file in the encoding that the client prefers, or 304 if the client already has it. */
export function sendStatic(request: FastifyRequest, reply: FastifyReply, file: StaticFile): FastifyReply {
  reply.headers({ vary: 'Accept-Encoding', etag: file.etag });
  if (matchesTag(request.headers['if-none-match'], file.etag)) return reply.code(304).send();
  reply.type(file.contentType);
  const encoding = acceptedEncoding(request.headers['accept-encoding']);
  if (encoding === null) return reply.send(file.identity);
  return reply.header('content-encoding', encoding).send(file[encoding]);
}
