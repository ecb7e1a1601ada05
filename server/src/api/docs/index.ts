import { hash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { entityTag, matchesTag } from '../etag.ts';
import { referencePageFor } from './page.tsx';
import { STYLE } from './style.ts';

/** The reference page over HTTP. */

/** Nothing from anywhere but the one style sheet in the page, by its hash. https://www.w3.org/TR/CSP3/ */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`,
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** @param options.publicUrl address of this server for the samples; null: as the request says */
export async function docsRoutes(
  app: FastifyInstance,
  { publicUrl }: { publicUrl: string | null },
): Promise<void> {
  const pageFor = referencePageFor();
  app.get('/docs', async (request, reply) => {
    const html = pageFor(publicUrl ?? `${request.protocol}://${request.host}`);
    const tag = entityTag(html);
    reply.headers({
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cache-control': 'no-cache',
      etag: tag,
    });
    if (matchesTag(request.headers['if-none-match'], tag)) return reply.code(304).send();
    return reply.type('text/html; charset=utf-8').send(html);
  });
}
