import type { FastifyInstance } from 'fastify';
import { sendStatic } from '../../http/static-file.ts';
import type { Assets } from './assets.ts';

/** Serves the style sheet, the script and the marks, under names that change with their content. */
export function assetRoutes(app: FastifyInstance, assets: Assets): void {
  for (const file of assets.files) {
    app.get(`/assets/${file.name}`, async (request, reply) => {
      reply.header('cache-control', 'public, max-age=31536000, immutable');
      return sendStatic(request, reply, file);
    });
  }
}
