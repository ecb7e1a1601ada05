import { describe, expect, it, onTestFinished } from 'vitest';
import { startHourlyJobs } from '../src/app/jobs.ts';
import { DAY_MS, HOUR_MS, utcDay } from '../src/domain/clock.ts';
import type { SharedCounters, SiteLimit, Store } from '../src/store/contract/store.ts';
import { NOON_MS, TestClock } from './support/clock.ts';
import { until } from './support/poll.ts';
import { World } from './support/world.ts';

/** The hourly jobs of several servers that share their databases. */

/** Counters like those that servers share, in memory. */
class CountersInMemory implements SharedCounters {
  readonly #windows = new Map<string, { count: number; endsMs: number }>();

  async increment(key: string, atMs: number, endsMs: number) {
    const known = this.#windows.get(key);
    const window = known !== undefined && known.endsMs > atMs ? known : { count: 0, endsMs };
    window.count += 1;
    this.#windows.set(key, window);
    return { ...window };
  }

  async reset(key: string): Promise<void> {
    this.#windows.delete(key);
  }
}

/** Runs the jobs of a server once. @returns the limits with which events were expired */
async function runJobs(
  { registry, events, reports }: Store,
  { sharedCounters, clock }: { sharedCounters?: SharedCounters; clock: TestClock },
): Promise<SiteLimit[][]> {
  const expired: SiteLimit[][] = [];
  let ended = false;
  const errors: unknown[] = [];
  const jobs = startHourlyJobs({
    store: {
      registry,
      reports,
      events: Object.assign(Object.create(events) as typeof events, {
        expire: async (limits: readonly SiteLimit[]) => {
          expired.push([...limits]);
          return 0;
        },
        // The last job.
        collectTexts: async () => {
          ended = true;
          return 0;
        },
      }),
      ...(sharedCounters === undefined ? {} : { sharedCounters }),
      close: async () => undefined,
    },
    ...{ clock, salt: { clean: async () => undefined }, retentionDays: 30 },
    secondFactors: { harden: async () => undefined },
    onError: (error) => errors.push(error),
  });
  await until(
    () => ended,
    (isSo) => isSo,
  );
  await jobs.stop();
  expect(errors).toEqual([]);
  return expired;
}

describe('retention', () => {
  it('asks for all sites at once, and is done by one of several servers in each interval', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const account = await world.addAccount({ plan: 'pro' });
    const [one, two] = [await world.addSite(account, 'a.example'), await world.addSite(account, 'b.example')];
    await world.store.registry.setRetention(two.id, 7);
    const clock = new TestClock();
    // Whole UTC days.
    const limits = (nowMs: number) => [
      [
        { siteId: one.id, beforeMs: (utcDay(nowMs) - 30) * DAY_MS },
        { siteId: two.id, beforeMs: (utcDay(nowMs) - 7) * DAY_MS },
      ],
    ];
    expect(utcDay(clock.now())).toBe(utcDay(NOON_MS));
    // A server alone always does it.
    expect(await runJobs(world.store, { clock })).toEqual(limits(NOON_MS));
    expect(await runJobs(world.store, { clock })).toEqual(limits(NOON_MS));

    const sharedCounters = new CountersInMemory();
    expect(await runJobs(world.store, { sharedCounters, clock })).toEqual(limits(NOON_MS));
    expect(await runJobs(world.store, { sharedCounters, clock })).toEqual([]);
    clock.advance(HOUR_MS);
    expect(await runJobs(world.store, { sharedCounters, clock })).toEqual(limits(NOON_MS + HOUR_MS));
    expect(await runJobs(world.store, { sharedCounters, clock })).toEqual([]);
  });
});
