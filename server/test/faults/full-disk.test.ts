import { chmodSync, closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ask } from '../support/http.ts';
import { temporaryFolder } from '../support/paths.ts';
import { command, type Program, startProgram } from '../support/program.ts';
import { canFailDisks, faultyDisk } from './support/faulty-disk.ts';
import { addSite, countOf, expectSound, ledgerOf, shownLedger, storedPaths } from './support/installation.ts';
import {
  beaconOf,
  connections,
  expectProperAnswer,
  inParallel,
  outcomeOf,
  pathOf,
  post,
  Tally,
} from './support/pages.ts';
import { eventually, PATIENT } from './support/patience.ts';
import { canMount, smallDisk } from './support/small-disk.ts';

/** A disk that takes no more: events are refused, honestly and with a reason, and taken again when there is room. */

interface Place {
  dataDir: string;
  settings: Record<string, string>;
  fill(): void;
  free(): void;
}

/** A real file system with room for 6 MiB, filled to the last byte. */
async function realDisk(): Promise<Place> {
  const { path } = await smallDisk(6 * 1024);
  const ballast = join(path, 'ballast');
  return {
    dataDir: path,
    settings: {},
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

/** Any disk, with every write to our files failing. */
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

/** Large and all different, so that each needs room of its own. */
const filler = () => ({
  props: Object.fromEntries(
    Array.from({ length: 14 }, (_, n) => [`p${n}`, `${++unique}-${'x'.repeat(400)}`]),
  ),
});

/** A running server whose pages send until told otherwise. */
async function stage(place: Place) {
  const { dataDir, settings } = place;
  const site = await addSite(dataDir);
  const program = startProgram(dataDir, settings);
  const url = await program.address;
  const agent = connections(8);
  const tally = new Tally();
  const acknowledged: string[] = [];
  const sendSome = (count: number) =>
    inParallel(8, Array.from({ length: count }), async () => {
      const beacon = beaconOf(site, filler());
      const answer = await post(url, beacon, { agent });
      expectProperAnswer(answer);
      const outcome = outcomeOf(answer);
      tally.add(outcome);
      if (outcome === 'stored') acknowledged.push(pathOf(beacon));
      else expect(answer.headers['retry-after']).toMatch(/^\d+$/);
    });
  const sendUntilRefused = async () => {
    for (let tries = 0; tries < 100 && tally.of('unavailable') === 0; tries++) await sendSome(20);
    expect(tally.of('unavailable'), 'the disk was full').toBeGreaterThan(0);
  };
  const ready = async () => (await ask(url, { path: '/readyz' })).status;
  /** Everything that was acknowledged is there, once. */
  const expectNothingLost = () => {
    const stored = storedPaths(dataDir, site.id);
    expect(stored).toEqual([...acknowledged].sort());
    expect(countOf(dataDir, site.id)).toBe(stored.length);
  };
  return { ...place, site, program, url, tally, sendSome, sendUntilRefused, ready, expectNothingLost };
}

async function end(program: Program, signal: 'SIGTERM' | 'SIGKILL') {
  program.kill(signal);
  return program.exit;
}

describe.each([
  { name: 'a disk that is really full', possible: canMount, place: realDisk },
  { name: 'a disk that says it is full', possible: canFailDisks, place: failingWrites('ENOSPC') },
  { name: 'a disk that became read-only', possible: canFailDisks, place: failingWrites('EROFS') },
])('$name', PATIENT, ({ possible, place }) => {
  it.runIf(possible)(
    'refuses events, says it is not ready, and goes on by itself when there is room',
    async () => {
      const {
        dataDir,
        site,
        program,
        tally,
        fill,
        free,
        sendSome,
        sendUntilRefused,
        ready,
        expectNothingLost,
      } = await stage(await place());
      await sendSome(40);
      expect(tally.counts).toEqual({ stored: 40 });
      fill();
      await sendUntilRefused();
      await sendSome(20);
      expect(await ready()).toBe(503);
      expect(Object.keys(tally.counts).sort()).toEqual(['stored', 'unavailable']);
      expectNothingLost();

      free();
      await eventually(ready, (status) => status === 200);
      const before = tally.of('stored');
      await sendSome(40);
      expect(tally.of('stored')).toBe(before + 40);
      // What could not be written down in the meantime is written down now.
      await eventually(
        () => ledgerOf(dataDir, site.id),
        (ledger) => ledger.unavailable === tally.of('unavailable'),
      );
      expect(await shownLedger(dataDir, site.id)).toEqual(tally.counts);
      expectNothingLost();
      expect(await end(program, 'SIGTERM')).toEqual({ code: 0, signal: null });
      await expectSound(dataDir);
    },
  );

  it.runIf(possible)(
    'is no reason not to stop: a signal ends the program, and nothing acknowledged is lost',
    async () => {
      const { dataDir, site, program, fill, free, sendUntilRefused, expectNothingLost } = await stage(
        await place(),
      );
      fill();
      await sendUntilRefused();
      expect(await end(program, 'SIGTERM')).toEqual({ code: 0, signal: null });
      free();
      expectNothingLost();
      await expectSound(dataDir);
      const again = startProgram(dataDir);
      expect(outcomeOf(await post(await again.address, beaconOf(site)))).toBe('stored');
    },
  );

  it.runIf(possible)('and a kill: nothing acknowledged is lost', async () => {
    const { dataDir, site, program, fill, free, sendUntilRefused, expectNothingLost } = await stage(
      await place(),
    );
    fill();
    await sendUntilRefused();
    expect(await end(program, 'SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
    free();
    const again = startProgram(dataDir);
    const url = await again.address;
    expectNothingLost();
    await expectSound(dataDir);
    expect(outcomeOf(await post(url, beaconOf(site)))).toBe('stored');
  });
});

describe('a data folder that cannot be written', PATIENT, () => {
  it.runIf(canMount)('is said so at the start, by the server and by every command that writes', async () => {
    const disk = await smallDisk(6 * 1024);
    const site = await addSite(disk.path);
    const first = startProgram(disk.path);
    expect(outcomeOf(await post(await first.address, beaconOf(site)))).toBe('stored');
    expect(await end(first, 'SIGTERM')).toEqual({ code: 0, signal: null });

    disk.setReadOnly(true);
    const second = startProgram(disk.path);
    expect(await second.exit).toEqual({ code: 1, signal: null });
    expect(second.stderr()).toMatch(/^attractos: .*(read-?only|unable to open).*\n$/i);
    const refused = await command(disk.path, ['site', 'rotate-key', '--site', site.id, '--json']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: expect.any(String), code: expect.any(String) });

    disk.setReadOnly(false);
    const third = startProgram(disk.path);
    expect(outcomeOf(await post(await third.address, beaconOf(site)))).toBe('stored');
    expect(countOf(disk.path, site.id)).toBe(2);
    await expectSound(disk.path);
  });

  it.runIf(process.getuid?.() !== 0)(
    'is said so at the start: a folder without the right to write',
    async () => {
      const dataDir = await temporaryFolder();
      chmodSync(dataDir, 0o500);
      const program = startProgram(dataDir);
      expect(await program.exit).toEqual({ code: 1, signal: null });
      expect(program.stderr()).toMatch(/^attractos: /);
      chmodSync(dataDir, 0o700);
    },
  );
});
