import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS, utcDay } from '../../src/domain/clock.ts';
import { type Registry, StoreUnavailable } from '../../src/store/contract/store.ts';
import { NOON_MS } from '../support/clock.ts';
import { temporaryFolder } from '../support/paths.ts';
import { command } from '../support/program.ts';
import { World } from '../support/world.ts';
import { allFiles, findMarks } from './support/marks.ts';
import { beaconOf, outcomeOf } from './support/pages.ts';

/** After its day and the overlap, a salt is in no file, log or backup. */

/** Returns the salts in the registry of a data folder, by day. */
function saltsIn(dataDir: string): Map<number, Buffer> {
  const db = new DatabaseSync(join(dataDir, 'registry.db'), { readOnly: true });
  try {
    return new Map(
      db
        .prepare('SELECT day, salt FROM salts')
        .all()
        .map(({ day, salt }) => [Number(day), Buffer.from(salt as Uint8Array)]),
    );
  } finally {
    db.close();
  }
}

function saltOf(dataDir: string, day: number): Buffer {
  const salt = saltsIn(dataDir).get(day);
  if (salt === undefined) throw new Error(`there is no salt of day ${day}`);
  return salt;
}

async function open(): Promise<World> {
  const world = await World.open();
  onTestFinished(() => world.close());
  return world;
}

describe('the salt of a day', () => {
  it('can be found in the files while it is kept', async () => {
    const world = await open();
    const { site } = await world.addOwner();
    const server = await world.serve();
    expect(outcomeOf(await server.send(beaconOf(site)))).toBe('stored');
    const salt = saltOf(world.dataDir, utcDay(NOON_MS));
    expect(salt).toHaveLength(32);
    expect(findMarks({ salt }, allFiles(world.dataDir))).not.toEqual([]);
  });

  it('keeps the salt for the overlap after midnight, and then in no file of the folder', async () => {
    const world = await open();
    const { site } = await world.addOwner();
    const server = await world.serve();
    const first = utcDay(NOON_MS);
    const visit = async () => expect(outcomeOf(await server.send(beaconOf(site)))).toBe('stored');

    await visit();
    const yesterdays = saltOf(world.dataDir, first);
    world.clock.nowMs = (first + 1) * DAY_MS + MINUTE_MS;
    await visit();
    expect([...saltsIn(world.dataDir).keys()], 'within the overlap both are there').toEqual([
      first,
      first + 1,
    ]);

    world.clock.nowMs = (first + 1) * DAY_MS + HOUR_MS + MINUTE_MS;
    await visit();
    expect([...saltsIn(world.dataDir).keys()]).toEqual([first + 1]);
    expect(findMarks({ yesterdays }, allFiles(world.dataDir))).toEqual([]);

    // Continues day after day, with and without events.
    for (let day = first + 2; day < first + 6; day++) {
      const before = saltOf(world.dataDir, day - 1);
      world.clock.nowMs = day * DAY_MS + 2 * HOUR_MS;
      await visit();
      expect(findMarks({ before, yesterdays }, allFiles(world.dataDir))).toEqual([]);
    }
  });

  it('has a salt at midnight without the registry, and deletes yesterday’s when that is back', async () => {
    const world = await open();
    const { site } = await world.addOwner();
    const first = utcDay(NOON_MS);
    let away = false;
    const real = world.store.registry;
    const registry: Registry = Object.assign(Object.create(real), {
      async saltOf(day: number, keepFromDay: number) {
        if (away) throw new StoreUnavailable('away');
        return real.saltOf(day, keepFromDay);
      },
      siteKeysSince: (version: number) => real.siteKeysSince(version),
    });
    const server = await world.serve({ registry });
    const visit = async () => expect(outcomeOf(await server.send(beaconOf(site)))).toBe('stored');

    world.clock.nowMs = (first + 1) * DAY_MS - 2 * HOUR_MS;
    // The salt is fetched in the background.
    const saltsAfterVisit = async () => {
      await visit();
      return [...saltsIn(world.dataDir).keys()];
    };
    await expect.poll(saltsAfterVisit).toEqual([first, first + 1]);
    const yesterdays = saltOf(world.dataDir, first);
    away = true;
    for (const passed of [0, MINUTE_MS, 2 * HOUR_MS]) {
      world.clock.nowMs = (first + 1) * DAY_MS + passed;
      await visit();
    }
    expect(findMarks({ yesterdays }, allFiles(world.dataDir))).not.toEqual([]);
    away = false;
    world.clock.advance(MINUTE_MS);
    await expect.poll(saltsAfterVisit).toEqual([first + 1]);
    expect(findMarks({ yesterdays }, allFiles(world.dataDir))).toEqual([]);
  });

  it('puts the salt in no backup', async () => {
    const world = await open();
    const { site } = await world.addOwner();
    const server = await world.serve();
    await server.send(beaconOf(site));
    const file = join(await temporaryFolder(), 'backup.db');
    expect(await command(world.dataDir, ['backup', file])).toMatchObject({ code: 0 });
    const salt = saltOf(world.dataDir, utcDay(NOON_MS));
    expect(findMarks({ salt }, allFiles(join(file, '..')))).toEqual([]);
  });
});
