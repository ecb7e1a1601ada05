import { describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { temporaryFolder } from '../support/paths.ts';
import { startProgram } from '../support/program.ts';
import { canFailDisks, faultyDisk } from './support/faulty-disk.ts';
import { addSite, countOf, expectSound, shownLedger, storedPaths } from './support/owner.ts';
import { beaconOf, connections, inParallel, outcomeOf, outcomesOf, pathOf, post } from './support/pages.ts';

/**
 * After a failed fsync the content of the disk is unknown, so the process ends without acknowledging anything more, and a new
 * process starts from what is really on disk. https://danluu.com/fsyncgate/
 */

const ENDED = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'];

/** Sends a beacon. @returns its outcome, or null if the connection was cut */
async function attempt(
  url: string,
  beacon: unknown,
  options: Parameters<typeof post>[2] = {},
): Promise<string | null> {
  try {
    return outcomeOf(await post(url, beacon, options));
  } catch (error) {
    if (ENDED.includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

describe.runIf(canFailDisks)('a failed fsync of the events', () => {
  it('ends the process at once, without acknowledging the event of that commit', async () => {
    const dataDir = await temporaryFolder();
    const site = await addSite(dataDir);
    const disk = await faultyDisk();
    const program = startProgram(dataDir, disk.settings);
    const url = await program.address;
    const before = beaconOf(site);
    expect(await attempt(url, before)).toBe('stored');

    disk.fail('sync', 'EIO', 'events.db-wal');
    const unlucky = beaconOf(site);
    expect(await attempt(url, unlucky)).toBeNull();
    expect(await program.exit).toEqual({ code: 1, signal: null });
    expect(disk.happened(), 'tried once and never again').toHaveLength(1);
    expect(program.stderr()).toMatch(/^attractos: SQLite: .+\n$/);

    disk.heal();
    const again = startProgram(dataDir);
    // An unacknowledged event may or may not be stored; after a retry it is stored once.
    expect(['stored', 'duplicate']).toContain(await attempt(await again.address, unlucky));
    expect(storedPaths(dataDir, site.id)).toEqual([before, unlucky].map(pathOf).sort());
    expect((await shownLedger(dataDir, site.id)).stored).toBe(2);
    await expectSound(dataDir);
  });

  it('loses no acknowledged event under load, and counts repeats once', async () => {
    const dataDir = await temporaryFolder();
    const site = await addSite(dataDir);
    const disk = await faultyDisk();
    const program = startProgram(dataDir, disk.settings);
    const url = await program.address;
    const agent = connections(16);
    const beacons = Array.from({ length: 400 }, () => beaconOf(site));
    const acknowledged = new Set<unknown>();
    await inParallel(16, beacons, async (beacon, i) => {
      if (i === 150) disk.fail('sync', 'EIO', 'events.db-wal');
      if ((await attempt(url, beacon, { agent })) === 'stored') acknowledged.add(beacon);
    });
    expect(await program.exit).toEqual({ code: 1, signal: null });
    expect(disk.happened(), 'tried once and never again').toHaveLength(1);
    expect(acknowledged.size).toBeGreaterThan(0);
    expect(acknowledged.size).toBeLessThan(beacons.length);

    disk.heal();
    const again = startProgram(dataDir);
    const newUrl = await again.address;
    const stored = new Set(storedPaths(dataDir, site.id));
    expect(
      [...acknowledged].filter((beacon) => !stored.has(pathOf(beacon as Record<string, unknown>))),
    ).toEqual([]);
    expect(countOf(dataDir, site.id)).toBe(stored.size);
    await expectSound(dataDir);
    // All pages send everything again.
    const newAgent = connections(16);
    await inParallel(16, beacons, async (beacon) => {
      const outcome = await attempt(newUrl, beacon, { agent: newAgent });
      expect(outcome).toBe(stored.has(pathOf(beacon)) ? 'duplicate' : 'stored');
    });
    expect(storedPaths(dataDir, site.id)).toEqual(beacons.map(pathOf).sort());
    expect(await shownLedger(dataDir, site.id)).toEqual({ stored: beacons.length, duplicate: stored.size });
    await expectSound(dataDir);
  });

  it('keeps every event in the log if a checkpoint fails', async () => {
    const dataDir = await temporaryFolder();
    const site = await addSite(dataDir);
    const disk = await faultyDisk();
    const program = startProgram(dataDir, disk.settings);
    const url = await program.address;
    const agent = connections(8);
    disk.fail('sync', 'EIO', 'events.db');
    // Large, distinct events, so that the log grows until a checkpoint moves it into the file.
    let unique = 0;
    const filler = () => ({
      props: Object.fromEntries(
        Array.from({ length: 14 }, (_, n) => [`p${n}`, `${++unique}-${'x'.repeat(480)}`]),
      ),
    });
    const acknowledged: string[] = [];
    const sendSome = () =>
      inParallel(8, Array.from({ length: 16 }), async () => {
        const batch = Array.from({ length: 8 }, () => beaconOf(site, filler()));
        const outcomes = outcomesOf(await post(url, batch, { agent }));
        acknowledged.push(...batch.filter((_, i) => outcomes[i] === 'stored').map(pathOf));
      });
    for (let tries = 0; tries < 40 && disk.happened().length === 0; tries++) await sendSome();
    expect(disk.happened().length, 'the log was moved').toBeGreaterThan(0);
    disk.heal();
    await sendSome();
    program.kill('SIGKILL');
    await program.exit;

    const again = startProgram(dataDir);
    await again.address;
    const stored = new Set(storedPaths(dataDir, site.id));
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(acknowledged.filter((path) => !stored.has(path))).toEqual([]);
    await expectSound(dataDir);
  });
});

describe.runIf(canFailDisks)('a failed fsync of the registry', () => {
  it('acknowledges no event without a salt', async () => {
    const dataDir = await temporaryFolder();
    const site = await addSite(dataDir);
    // The first start writes to the registry, too.
    await (await openStore({ dataDir, onBroken: () => undefined })).close();
    const disk = await faultyDisk();
    disk.fail('sync', 'EIO', 'registry.db-wal');
    const program = startProgram(dataDir, disk.settings);
    const url = await program.address;
    const beacon = beaconOf(site);
    expect(await attempt(url, beacon)).toBe('unavailable');
    expect(disk.happened().length).toBeGreaterThan(0);
    disk.heal();
    expect(await attempt(url, beacon)).toBe('stored');
    program.kill('SIGTERM');
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(await shownLedger(dataDir, site.id)).toEqual({ stored: 1, unavailable: 1 });
    await expectSound(dataDir);
  });

  it('ends the process as soon as an event must be flushed to the same disk', async () => {
    const dataDir = await temporaryFolder();
    const site = await addSite(dataDir);
    const disk = await faultyDisk();
    const program = startProgram(dataDir, disk.settings);
    const url = await program.address;
    disk.fail('sync', 'EIO', 'registry.db-wal', 'registry.db', 'events.db-wal', 'events.db');
    expect(await attempt(url, beaconOf(site))).not.toBe('stored');
    expect(await program.exit).toEqual({ code: 1, signal: null });
    disk.heal();
    const again = startProgram(dataDir);
    expect(await attempt(await again.address, beaconOf(site))).toBe('stored');
    await expectSound(dataDir);
  });
});
