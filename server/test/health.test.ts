import { describe, expect, it, onTestFinished } from 'vitest';
import { HOUR_MS } from '../src/domain/clock.ts';
import { type Events, type Registry, StoreUnavailable } from '../src/store/contract/store.ts';
import { until } from './support/poll.ts';
import { type RunningServer, World } from './support/world.ts';

interface Readiness {
  status: string;
  reason?: string;
  checks: { name: string; ok: boolean; reason?: string; required: boolean }[];
}

async function another(): Promise<World> {
  const world = await World.open();
  onTestFinished(() => world.close());
  return world;
}

async function readiness(server: RunningServer): Promise<{ status: number; body: Readiness }> {
  const answer = await server.ask({ path: '/readyz' });
  return { status: answer.status, body: answer.json() as Readiness };
}

describe('readiness', () => {
  it('names each check', async () => {
    const { status, body } = await readiness(await (await another()).serve());
    expect(status).toBe(200);
    expect(body).not.toHaveProperty('reason');
    expect(body.checks.map(({ name, ok }) => [name, ok])).toEqual([
      ['process', true],
      ['store', true],
      ['queue', true],
      ['site keys', true],
      ['salt', true],
      ['registry', true],
    ]);
  });

  it('fails while the salt of the day is unavailable', async () => {
    const world = await another();
    const { site } = await world.addOwner();
    const real = world.store.registry;
    let lost = true;
    const registry: Registry = Object.assign(Object.create(real), {
      siteKeysSince: (version: number) => real.siteKeysSince(version),
      async saltOf(day: number, keep: number) {
        if (lost) throw new StoreUnavailable('attempt to write a readonly database');
        return real.saltOf(day, keep);
      },
    });
    const server = await world.serve({ registry });
    const send = async () => (await server.send({ key: site.key, url: 'https://example.com/' })).status;
    expect(await send()).toBe(503);
    const { status, body } = await readiness(server);
    expect([status, body]).toEqual([
      503,
      expect.objectContaining({
        status: 'not ready',
        reason: "today's salt is unavailable: attempt to write a readonly database",
      }),
    ]);
    lost = false;
    expect((await readiness(server)).status).toBe(200);
    expect(await send()).toBe(202);
  });

  it.each<{ name: string; events: Partial<Events>; reason: string }>([
    {
      name: 'a store that fails',
      events: { health: async () => ({ ok: false, reason: 'the disk is full' }) },
      reason: 'the disk is full',
    },
    { name: 'a full queue', events: { fill: () => 1 }, reason: 'the write queue is full' },
  ])('fails with a reason: $name', async ({ events, reason }) => {
    const world = await another();
    const real = world.store.events;
    const faulty: Events = Object.assign(Object.create(real), {
      ...{ health: () => real.health(), fill: () => real.fill() },
      ...events,
    });
    const { status, body } = await readiness(await world.serve({ events: faulty }));
    expect(status).toBe(503);
    expect(body).toMatchObject({ status: 'not ready', reason });
    expect(body.checks.filter(({ ok }) => !ok)).toHaveLength(1);
  });

  it('succeeds while the registry is down, and shows that', async () => {
    const world = await another();
    let away = false;
    const real = world.store.registry;
    const registry: Registry = Object.assign(Object.create(real), {
      async siteKeysSince(version: number) {
        if (away) throw new StoreUnavailable('away');
        return real.siteKeysSince(version);
      },
      saltOf: (day: number, keep: number) => real.saltOf(day, keep),
    });
    const server = await world.serve({ registry });
    away = true;
    const registryCheck = async () => {
      world.clock.advance(HOUR_MS);
      const { status, body } = await readiness(server);
      expect(status).toBe(200);
      return body.checks.find(({ name }) => name === 'registry');
    };
    const failed = await until(registryCheck, (check) => check?.ok === false);
    expect(failed).toMatchObject({
      required: false,
      reason: expect.stringMatching(/^no response from the registry for \d+ seconds(: away)?$/),
    });
  });
});
