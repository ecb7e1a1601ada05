import type { FastifyInstance } from 'fastify';
import type { SiteDirectory } from './collect/site-by-key.ts';
import type { Store } from './store/store.ts';

/** For those who run the server: is the process alive, and can it accept events? */
export async function healthRoutes(
  app: FastifyInstance,
  { store, sites }: { store: Pick<Store, 'events'>; sites: Pick<SiteDirectory, 'ageMs' | 'size'> },
): Promise<void> {
  app.get('/healthz', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'alive' }),
  );

  app.get('/readyz', async (_request, reply) => {
    const health = await store.events.health();
    return reply
      .code(health.ok ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({
        status: health.ok ? 'ready' : 'not ready',
        ...(health.ok ? {} : { reason: health.reason }),
        site_keys: sites.size,
        site_keys_age_ms: sites.ageMs(),
        queue_fill: store.events.fill(),
      });
  });
}
