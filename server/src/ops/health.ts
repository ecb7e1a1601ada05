import type { FastifyInstance } from 'fastify';
import { MINUTE_MS, SECOND_MS } from '../domain/clock.ts';
import type { Store } from '../store/contract/store.ts';

/** Health checks: whether the process is alive (liveness), and whether it can accept events (readiness). */

/** How long the registry may go without a response before it counts as unavailable. */
const REGISTRY_AWAY_MS = MINUTE_MS;

export interface HealthParts {
  store: Pick<Store, 'events'>;
  /** The site keys in memory. */
  sites: { readonly size: number; readonly lastError: string | null; ageMs(): number | null };
  /** The source of today's salt. */
  salt: { today(): string | Promise<string> };
  /** Returns whether the process is shutting down. */
  stopping: () => boolean;
}

interface Check {
  name: string;
  ok: boolean;
  /** The reason for the failure; absent if the check passed. */
  reason?: string;
  /** Whether the server must pass this check to accept events. */
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
  const damagedDays = store.events.stats?.().damagedDays ?? 0;
  const ageMs = sites.ageMs() ?? Number.POSITIVE_INFINITY;
  return [
    check('process', stopping() ? 'the process is shutting down' : null),
    check('store', health.ok ? null : health.reason),
    check('queue', store.events.fill() >= 1 ? 'the write queue is full' : null),
    check('site keys', ageMs === Number.POSITIVE_INFINITY ? 'site keys have not been loaded yet' : null),
    check('salt', await withoutSalt(salt)),
    {
      // Not required, because the server keeps counting with the loaded keys.
      ...check('registry', registryComplaint(ageMs, sites.lastError)),
      required: false,
    },
    // Not required, because days that are over take no events.
    ...(damagedDays > 0 ? [{ ...check('past days', damage(damagedDays)), required: false }] : []),
    // Not required, because the spool keeps events until the databases are back.
    ...(health.ok && health.note !== undefined
      ? [{ ...check('databases', health.note), required: false }]
      : []),
  ];
}

function registryComplaint(ageMs: number, lastError: string | null): string | null {
  if (ageMs > REGISTRY_AWAY_MS)
    return `no response from the registry for ${Math.round(ageMs / SECOND_MS)} seconds${lastError === null ? '' : `: ${lastError}`}`;
  return lastError;
}

function damage(days: number): string {
  return `past days whose events do not match their counters: ${days}; neither they nor later days leave events.db; run: attractos doctor`;
}

/** Returns why today's salt is unavailable; null if it is available. Without it, visitors cannot be counted. */
async function withoutSalt(salt: HealthParts['salt']): Promise<string | null> {
  try {
    await salt.today();
    return null;
  } catch (error) {
    return `today's salt is unavailable: ${error instanceof Error ? error.message : error}`;
  }
}

/** Creates a required check. @param reason null if it passed */
function check(name: string, reason: string | null): Check {
  return { name, ok: reason === null, ...(reason === null ? {} : { reason }), required: true };
}
