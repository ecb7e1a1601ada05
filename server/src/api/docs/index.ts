import { hash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { basePathOf, linksWithBasePath } from '../../http/base-path.ts';
import { compressAnswers } from '../../http/compression.ts';
import { entityTag, matchesTag } from '../../http/etag.ts';
import { requestOrigin } from '../../http/request-origin.ts';
import { pageHeaders } from '../../http/security-headers.ts';
import { referencePageFor } from './page.tsx';
import { STYLE } from './style.ts';

/** The route of the reference page. */

/** A policy that allows nothing but the page's style sheet, by its hash. https://www.w3.org/TR/CSP3/ */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`,
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** Adds the route. @param options.publicUrl this server's URL for the samples; null to use the request's */
export async function docsRoutes(
  app: FastifyInstance,
  { publicUrl }: { publicUrl: string | null },
): Promise<void> {
  compressAnswers(app);
  const pageFor = referencePageFor();
  const basePath = basePathOf(publicUrl);
  app.get('/docs', async (request, reply) => {
    const html = linksWithBasePath(pageFor(publicUrl ?? requestOrigin(request)), basePath);
    const tag = entityTag(html);
    reply.headers({
      ...pageHeaders(publicUrl),
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'cache-control': 'no-cache',
      etag: tag,
    });
    if (matchesTag(request.headers['if-none-match'], tag)) return reply.code(304).send();
    return reply.type('text/html; charset=utf-8').send(html);
  });
}
