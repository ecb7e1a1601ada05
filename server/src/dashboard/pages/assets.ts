import type { FastifyInstance } from 'fastify';
import type { Assets } from '../assets.ts';

/** The style sheet and the script, under names that change with their content. */
export function assetRoutes(app: FastifyInstance, assets: Assets): void {
  for (const file of assets.files) {
    app.get(`/assets/${file.name}`, async (request, reply) => {
      reply.headers({ 'cache-control': 'public, max-age=31536000, immutable', vary: 'accept-encoding' });
      reply.type(file.contentType);
      const accepted = request.headers['accept-encoding'] ?? '';
      const encoding = (['br', 'gzip'] as const).find((name) => new RegExp(`\\b${name}\\b`).test(accepted));
      if (encoding === undefined) return reply.send(file.identity);
      return reply.header('content-encoding', encoding).send(file[encoding]);
    });
  }
}
