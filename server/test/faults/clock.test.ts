import { describe, expect, it, onTestFinished } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS, utcDay } from '../../src/domain/clock.ts';
import type { Site } from '../../src/store/contract/store.ts';
import { World } from '../support/world.ts';
import { expectSoundHere, ledgerOf, rowCounts } from './support/owner.ts';
import { beaconOf, outcomeOf } from './support/pages.ts';

/**
 * With a clock that is wrong, corrected, set back, or past the end of a month, each event counts once and in the right month.
 */

const END_OF_MAY = Date.UTC(2026, 5, 1) - MINUTE_MS;
const END_OF_FEBRUARY = Date.UTC(2028, 2, 1) - MINUTE_MS;
const END_OF_YEAR = Date.UTC(2027, 0, 1) - MINUTE_MS;

async function stage(settings: Record<string, string> = {}) {
  const world = await World.open();
  onTestFinished(() => world.close());
  const { site, apiKey } = await world.addOwner();
  const server = await world.serve({ settings });
  const { clock } = world;
  const send = async (beacon: Record<string, unknown>) => outcomeOf(await server.send(beacon));
  const thisMonth = async () => {
    const answer = await server.sites(apiKey);
    const { sites } = answer.json() as { sites: { events_this_month: number }[] };
    return sites[0]?.events_this_month;
  };
  return { world, site, server, clock, send, thisMonth };
}

/** Returns the number of counted events of one day. */
async function countedOn(world: World, site: Site, atMs: number): Promise<number> {
  const day = utcDay(atMs);
  return (await world.store.events.countBySite([site.id], { firstDay: day, lastDay: day })).get(site.id) ?? 0;
}

describe('a clock', () => {
  it.each([
    { name: 'a month', end: END_OF_MAY },
    { name: 'February of a leap year', end: END_OF_FEBRUARY },
    { name: 'a year', end: END_OF_YEAR },
  ])(
    'counts events in the month of their receipt if the clock is set back over the end of $name',
    async ({ end }) => {
      const { world, site, clock, send, thisMonth } = await stage();
      clock.nowMs = end;
      const [before, after] = [beaconOf(site), beaconOf(site)];
      expect(await send(before)).toBe('stored');
      expect(await thisMonth()).toBe(1);

      clock.advance(2 * MINUTE_MS);
      expect(await send(after)).toBe('stored');
      expect(await send(before), 'known from the month before').toBe('duplicate');
      expect(await thisMonth()).toBe(1);

      clock.advance(-2 * MINUTE_MS); // set back into the previous month
      expect(await send(after), 'known from what is the future now').toBe('duplicate');
      expect(await send(beaconOf(site))).toBe('stored');
      expect(await thisMonth()).toBe(2);
      clock.advance(2 * MINUTE_MS);
      expect(await thisMonth()).toBe(1);

      expect(await countedOn(world, site, end)).toBe(2);
      expect(await countedOn(world, site, end + 2 * MINUTE_MS)).toBe(1);
      expect(ledgerOf(world.dataDir, site.id)).toEqual({ stored: 3, duplicate: 2 });
      await expectSoundHere(world.dataDir);
    },
  );

  it.each([
    { name: 'a second', byMs: -1000 },
    { name: 'an hour', byMs: -HOUR_MS },
    { name: 'a day', byMs: -DAY_MS },
    { name: 'ten years', byMs: -3_650 * DAY_MS },
  ])('keeps order and deduplication if the clock is set back by $name', async ({ byMs }) => {
    const { world, site, clock, send } = await stage();
    const beacons = [beaconOf(site), beaconOf(site), beaconOf(site)];
    for (const beacon of beacons) expect(await send(beacon)).toBe('stored');
    clock.advance(byMs);
    for (const beacon of beacons) expect(await send(beacon)).toBe('duplicate');
    for (let i = 0; i < 5; i++) expect(await send(beaconOf(site)), 'at the same instant').toBe('stored');
    clock.advance(-byMs);
    for (const beacon of beacons) expect(await send(beacon)).toBe('duplicate');
    expect(rowCounts(world.dataDir).events).toBe(8);
    expect(ledgerOf(world.dataDir, site.id)).toEqual({ stored: 8, duplicate: 6 });
    await expectSoundHere(world.dataDir);
  });

  it('still recognizes ids after the clock jumps a month ahead and back', async () => {
    const { world, site, clock, send } = await stage();
    const beacon = beaconOf(site);
    expect(await send(beacon)).toBe('stored');
    clock.advance(40 * DAY_MS);
    for (let i = 0; i < 50; i++) expect(await send(beaconOf(site))).toBe('stored');
    clock.advance(-40 * DAY_MS);
    expect(await send(beacon)).toBe('duplicate');
    await expectSoundHere(world.dataDir);
  });

  it('counts a repeat once up to the last millisecond of 48 hours', async () => {
    const { world, site, clock, send } = await stage();
    // Just before midnight, when a window based on days would be shortest.
    clock.nowMs = END_OF_MAY + MINUTE_MS - 1;
    const beacon = beaconOf(site);
    expect(await send(beacon)).toBe('stored');
    for (const step of [HOUR_MS, 12 * HOUR_MS, 23 * HOUR_MS, 12 * HOUR_MS]) {
      clock.advance(step);
      expect(await send(beacon)).toBe('duplicate');
    }
    expect(clock.nowMs).toBe(END_OF_MAY + MINUTE_MS - 1 + 48 * HOUR_MS);
    await expectSoundHere(world.dataDir);
  });

  it('does not exceed the rate of a site if the clock is set back', async () => {
    const { site, clock, send } = await stage({ SITE_RATE: '1', SITE_BURST: '10' });
    const outcomes: string[] = [];
    for (let i = 0; i < 40; i++) {
      clock.advance(i % 2 === 0 ? -HOUR_MS : 0);
      outcomes.push(await send(beaconOf(site)));
    }
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(10);
    expect(outcomes.filter((outcome) => outcome === 'rate-limited')).toHaveLength(30);
  });

  it('counts on the day of the clock, however far in the past or future', async () => {
    const { world, site, clock, send, thisMonth } = await stage();
    for (const nowMs of [
      0,
      1,
      DAY_MS - 1,
      Date.UTC(1999, 11, 31),
      Date.UTC(2100, 1, 28),
      Date.UTC(9999, 11, 31),
    ]) {
      clock.nowMs = nowMs;
      const before = await countedOn(world, site, nowMs);
      expect(await send(beaconOf(site))).toBe('stored');
      expect(await countedOn(world, site, nowMs)).toBe(before + 1);
      expect(await thisMonth()).toBe(before + 1);
    }
    await expectSoundHere(world.dataDir);
  });
});
