import { chmodSync, closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ask } from '../support/http.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { command, type Program, startProgram } from '../support/program.ts';
import { canFailDisks, faultyDisk } from './support/faulty-disk.ts';
import { addSite, countOf, expectSound, ledgerOf, shownLedger, storedPaths } from './support/owner.ts';
import {
  beaconOf,
  connections,
  expectProperAnswer,
  inParallel,
  OutcomeCounts,
  outcomeOf,
  pathOf,
  post,
} from './support/pages.ts';
import { canMount, smallDisk } from './support/small-disk.ts';

/** While the disk is full, events are refused with a reason. Once there is room, they are accepted again. */

interface Place {
  dataDir: string;
  settings: Record<string, string>;
  fill(): void;
  free(): void;
}

/** Mounts a real file system with room for 6 MiB, filled completely. */
async function realDisk(): Promise<Place> {
  const { path } = await smallDisk(6 * 1024);
  const ballast = join(path, 'ballast');
  return {
    dataDir: path,
    settings: { MIN_FREE_DISK_MIB: '0' },
    fill() {
      const file = openSync(ballast, 'a', 0o600);
      try {
        for (let size = 64 * 1024; size >= 1; ) {
          try {
            writeSync(file, Buffer.alloc(size));
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
            size = Math.floor(size / 2);
          }
        }
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(ballast, { force: true }),
  };
}

/** Simulates a disk on which every write to our files fails. */
function failingWrites(error: 'ENOSPC' | 'EROFS'): () => Promise<Place> {
  return async () => {
    const disk = await faultyDisk();
    const files = ['events.db', 'events.db-wal', 'registry.db', 'registry.db-wal'];
    return {
      dataDir: await temporaryFolder(),
      settings: disk.settings,
      fill: () => disk.fail('write', error, ...files),
      free: disk.heal,
    };
  };
}

let unique = 0;

/** Creates a large event. Each is different and needs space of its own. */
const filler = () => ({
  props: Object.fromEntries(
    Array.from({ length: 14 }, (_, n) => [`p${n}`, `${++unique}-${'x'.repeat(400)}`]),
  ),
});

/** Starts a server whose pages keep sending until stopped. */
async function stage(place: Place) {
  const { dataDir, settings } = place;
  const site = await addSite(dataDir);
  const program = startProgram(dataDir, settings);
  const url = await program.address;
  const agent = connections(8);
  const outcomes = new OutcomeCounts();
  const acknowledged: string[] = [];
  const sendSome = (count: number) =>
    inParallel(8, Array.from({ length: count }), async () => {
      const beacon = beaconOf(site, filler());
      const answer = await post(url, beacon, { agent });
      expectProperAnswer(answer);
      const outcome = outcomeOf(answer);
      outcomes.add(outcome);
      if (outcome === 'stored') acknowledged.push(pathOf(beacon));
      else expect(answer.headers['retry-after']).toMatch(/^\d+$/);
    });
  const sendUntilRefused = async () => {
    for (let tries = 0; tries < 100 && outcomes.of('unavailable') === 0; tries++) await sendSome(20);
    expect(outcomes.of('unavailable'), 'the disk was full').toBeGreaterThan(0);
  };
  const ready = async () => (await ask(url, { path: '/readyz' })).status;
  /** Asserts that every acknowledged event is stored once. */
  const expectNothingLost = () => {
    const stored = storedPaths(dataDir, site.id);
    expect(stored).toEqual([...acknowledged].sort());
    expect(countOf(dataDir, site.id)).toBe(stored.length);
  };
  return { ...place, site, program, url, outcomes, sendSome, sendUntilRefused, ready, expectNothingLost };
}

/** Returns the lines of the log that say whether events can be stored, once there are so many. They may arrive after a response. */
function storingLines(program: Program, count: number): Promise<object[]> {
  const lines = () =>
    program
      .stdout()
      .split('\n')
      .filter((line) => /events are (refused|accepted)/.test(line))
      .map((line) => JSON.parse(line) as object);
  return until(lines, ({ length }) => length >= count);
}

async function end(program: Program, signal: 'SIGTERM' | 'SIGKILL') {
  program.kill(signal);
  return program.exit;
}

describe.each([
  { name: 'a disk that is really full', possible: canMount, place: realDisk },
  { name: 'a disk that says it is full', possible: canFailDisks, place: failingWrites('ENOSPC') },
  { name: 'a disk that became read-only', possible: canFailDisks, place: failingWrites('EROFS') },
])('$name', ({ possible, place }) => {
  it.runIf(possible)('refuses events, fails /readyz, and continues when there is space', async () => {
    const {
      dataDir,
      site,
      program,
      outcomes,
      fill,
      free,
      sendSome,
      sendUntilRefused,
      ready,
      expectNothingLost,
    } = await stage(await place());
    await sendSome(40);
    expect(outcomes.counts).toEqual({ stored: 40 });
    fill();
    await sendUntilRefused();
    await sendSome(20);
    expect(await ready()).toBe(503);
    expect(Object.keys(outcomes.counts).sort()).toEqual(['stored', 'unavailable']);
    expectNothingLost();

    free();
    await until(ready, (status) => status === 200);
    expect(await storingLines(program, 2)).toMatchObject([
      { level: 50 },
      { level: 50, msg: 'events are accepted again' },
    ]);
    const before = outcomes.of('stored');
    await sendSome(40);
    expect(outcomes.of('stored')).toBe(before + 40);
    // Refusals that could not be recorded while the disk was full are recorded now.
    await until(
      () => ledgerOf(dataDir, site.id),
      (ledger) => ledger.unavailable === outcomes.of('unavailable'),
    );
    expect(await shownLedger(dataDir, site.id)).toEqual(outcomes.counts);
    expectNothingLost();
    expect(await end(program, 'SIGTERM')).toEqual({ code: 0, signal: null });
    await expectSound(dataDir);
  });

  it.runIf(possible)('does not prevent a shutdown by signal, and no acknowledged event is lost', async () => {
    const { dataDir, settings, site, program, fill, free, sendUntilRefused, expectNothingLost } = await stage(
      await place(),
    );
    fill();
    await sendUntilRefused();
    expect(await end(program, 'SIGTERM')).toEqual({ code: 0, signal: null });
    free();
    expectNothingLost();
    await expectSound(dataDir);
    const again = startProgram(dataDir, settings);
    expect(outcomeOf(await post(await again.address, beaconOf(site)))).toBe('stored');
  });

  it.runIf(possible)('loses no acknowledged event after a kill', async () => {
    const { dataDir, settings, site, program, fill, free, sendUntilRefused, expectNothingLost } = await stage(
      await place(),
    );
    fill();
    await sendUntilRefused();
    expect(await end(program, 'SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
    free();
    const again = startProgram(dataDir, settings);
    const url = await again.address;
    expectNothingLost();
    await expectSound(dataDir);
    expect(outcomeOf(await post(url, beaconOf(site)))).toBe('stored');
  });
});

describe('a disk with little free space', () => {
  it.runIf(canMount)('refuses events with 503 before it is full, and says so everywhere', async () => {
    const { path: dataDir } = await smallDisk(24 * 1024);
    const settings = { MIN_FREE_DISK_MIB: '8', METRICS_TOKEN: 'a-token-of-metrics' };
    const site = await addSite(dataDir);
    const program = startProgram(dataDir, settings);
    const url = await program.address;
    const send = async () => outcomeOf(await post(url, beaconOf(site)));
    const readiness = async () => (await ask(url, { path: '/readyz' })).json();
    const isReady = async () => {
      const headers = { authorization: `Bearer ${settings.METRICS_TOKEN}` };
      return (await ask(url, { path: '/metrics', headers })).text.includes('\nattractos_store_ready 1');
    };
    expect(await send()).toBe('stored');
    const ballast = join(dataDir, 'ballast');
    writeFileSync(ballast, Buffer.alloc(16 * 1024 ** 2));
    await until(send, (outcome) => outcome === 'unavailable');
    const refused = { status: 'not ready', reason: expect.stringContaining('(MIN_FREE_DISK_MIB)') };
    expect(await readiness()).toMatchObject(refused);
    expect(await isReady()).toBe(false);
    const doctor = await command(dataDir, ['doctor'], settings);
    expect(doctor.stdout).toMatch(/disk.*so events are refused/);
    // There still is room for the ledger.
    await until(
      () => ledgerOf(dataDir, site.id),
      ({ unavailable = 0 }) => unavailable > 0,
    );

    rmSync(ballast);
    await until(send, (outcome) => outcome === 'stored');
    expect(await readiness()).toMatchObject({ status: 'ready' });
    expect(await isReady()).toBe(true);
    expect(await storingLines(program, 2)).toMatchObject([
      { level: 50, msg: 'events are refused with 503: they cannot be stored', error: refused.reason },
      { level: 50, msg: 'events are accepted again' },
    ]);
  });

  it.runIf(canMount)('is noticed at startup', async () => {
    const { path: dataDir } = await smallDisk(24 * 1024);
    const site = await addSite(dataDir);
    const program = startProgram(dataDir, { MIN_FREE_DISK_MIB: '100' });
    const url = await program.address;
    expect(outcomeOf(await post(url, beaconOf(site)))).toBe('unavailable');
    expect(await storingLines(program, 1)).toMatchObject([
      { msg: expect.stringContaining('events are refused with 503') },
    ]);
  });
});

describe('a data folder that cannot be written', () => {
  it.runIf(canMount)('reports an unwritable folder at startup and in every command that writes', async () => {
    const disk = await smallDisk(6 * 1024);
    const site = await addSite(disk.path);
    const settings = { MIN_FREE_DISK_MIB: '0' };
    const first = startProgram(disk.path, settings);
    expect(outcomeOf(await post(await first.address, beaconOf(site)))).toBe('stored');
    expect(await end(first, 'SIGTERM')).toEqual({ code: 0, signal: null });

    disk.setReadOnly(true);
    const second = startProgram(disk.path, settings);
    expect(await second.exit).toEqual({ code: 1, signal: null });
    expect(second.stderr()).toMatch(/^attractos: .*(read-?only|unable to open).*\n$/i);
    const refused = await command(disk.path, ['site', 'rotate-key', '--site', site.id, '--json']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: expect.any(String), code: expect.any(String) });

    disk.setReadOnly(false);
    const third = startProgram(disk.path, settings);
    expect(outcomeOf(await post(await third.address, beaconOf(site)))).toBe('stored');
    expect(countOf(disk.path, site.id)).toBe(2);
    await expectSound(disk.path);
  });

  it.runIf(process.getuid?.() !== 0)('is reported at startup if write permission is missing', async () => {
    const dataDir = await temporaryFolder();
    chmodSync(dataDir, 0o500);
    const program = startProgram(dataDir);
    expect(await program.exit).toEqual({ code: 1, signal: null });
    expect(program.stderr()).toMatch(/^attractos: /);
    chmodSync(dataDir, 0o700);
  });
});
