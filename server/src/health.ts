import type { FastifyInstance } from 'fastify';
import { MINUTE_MS, SECOND_MS } from './clock.ts';
import type { SiteDirectory } from './collect/site-by-key.ts';
import type { DailySalt } from './collect/visitor.ts';
import type { Store } from './store/store.ts';

/** For those who run the server: is the process alive, and can it accept events? */

/** A registry that was not heard for this long is away. */
const REGISTRY_AWAY_MS = MINUTE_MS;

export interface HealthParts {
  store: Pick<Store, 'events'>;
  sites: Pick<SiteDirectory, 'ageMs' | 'size'>;
  salt: Pick<DailySalt, 'today'>;
  /** Whether the process was told to stop. */
  stopping: () => boolean;
}

interface Check {
  name: string;
  ok: boolean;
  /** Why not. */
  reason?: string;
  /** Whether events cannot be accepted without it. */
  required: boolean;
}

export async function healthRoutes(app: FastifyInstance, parts: HealthParts): Promise<void> {
  const { store, sites } = parts;

  app.get('/healthz', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'alive' }),
  );

  app.get('/readyz', async (_request, reply) => {
    const checks = await examine(parts);
    const failed = checks.find(({ ok, required }) => required && !ok);
    return reply
      .code(failed === undefined ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({
        status: failed === undefined ? 'ready' : 'not ready',
        ...(failed === undefined ? {} : { reason: failed.reason }),
        site_keys: sites.size,
        site_keys_age_ms: sites.ageMs(),
        queue_fill: store.events.fill(),
        checks,
      });
  });
}

async function examine({ store, sites, salt, stopping }: HealthParts): Promise<Check[]> {
  const health = await store.events.health();
  const ageMs = sites.ageMs() ?? Number.POSITIVE_INFINITY;
  return [
    check('process', stopping() ? 'the process was told to stop' : null),
    check('store', health.ok ? null : health.reason),
    check('queue', store.events.fill() >= 1 ? 'the queue in front of the store is full' : null),
    check('site keys', ageMs === Number.POSITIVE_INFINITY ? 'the site keys were never loaded' : null),
    check('salt', await withoutSalt(salt)),
    {
      // Keys that are known go on counting, so that nothing is won by turning beacons away.
      ...check(
        'registry',
        ageMs > REGISTRY_AWAY_MS ? `not heard for ${Math.round(ageMs / SECOND_MS)} seconds` : null,
      ),
      required: false,
    },
    // What is kept on this machine's disk meanwhile is shipped when they are back.
    ...(health.ok && health.note !== undefined
      ? [{ ...check('databases', health.note), required: false }]
      : []),
  ];
}

/** No visitor is told from another without the day's salt, and none is counted. @returns null where there is one */
async function withoutSalt(salt: HealthParts['salt']): Promise<string | null> {
  try {
    await salt.today();
    return null;
  } catch (error) {
    return `the salt of the day cannot be had: ${error instanceof Error ? error.message : error}`;
  }
}

/** @param reason null where nothing is wrong */
function check(name: string, reason: string | null): Check {
  return { name, ok: reason === null, ...(reason === null ? {} : { reason }), required: true };
}
