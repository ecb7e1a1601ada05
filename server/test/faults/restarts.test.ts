import { describe, expect, it } from 'vitest';
import type { Site } from '../../src/store/contract/store.ts';
import { temporaryFolder } from '../support/paths.ts';
import { type Program, startProgram } from '../support/program.ts';
import { addSite, countOf, expectSound, ledgerOf, storedPaths } from './support/owner.ts';
import { beaconOf, inParallel, outcomeOf, pathOf, post } from './support/pages.ts';

/** Only one server may use a folder at a time, but any number may use it one after the other. */

async function expectServing(program: Program, dataDir: string, site: Site) {
  const url = await program.address;
  const before = countOf(dataDir, site.id);
  expect(outcomeOf(await post(url, beaconOf(site)))).toBe('stored');
  expect(countOf(dataDir, site.id)).toBe(before + 1);
  await expectSound(dataDir);
}

describe('a second server on the same folder', () => {
  it('refuses to start, and can take over once the first has ended in any way', async () => {
    const dataDir = await temporaryFolder();
    const site = await addSite(dataDir);
    const first = startProgram(dataDir);
    const url = await first.address;
    const second = startProgram(dataDir);
    expect(await second.exit).toEqual({ code: 1, signal: null });
    expect(second.stderr()).toBe(
      `attractos: Another server is running on the data folder ${dataDir}. Stop it first, or use another folder with DATA_DIR.\n`,
    );
    expect(outcomeOf(await post(url, beaconOf(site)))).toBe('stored');
    first.kill('SIGKILL');
    await first.exit;
    await expectServing(startProgram(dataDir), dataDir, site);
  });

  it('one of two servers started at once serves', async () => {
    const dataDir = await temporaryFolder();
    const site = await addSite(dataDir);
    const programs = [startProgram(dataDir), startProgram(dataDir), startProgram(dataDir)];
    const served = await Promise.allSettled(programs.map(({ address }) => address));
    const winners = programs.filter((_, i) => served[i]?.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    for (const loser of programs.filter((program) => !winners.includes(program))) {
      expect(await loser.exit).toEqual({ code: 1, signal: null });
      expect(loser.stderr()).toMatch(/^attractos: Another server is running on the data folder/);
    }
    for (const winner of winners) await expectServing(winner, dataDir, site);
  });
});

describe('restarts in a row', () => {
  it('keep every acknowledged event once, whether by signal or by kill', {
    timeout: 60_000,
  }, async () => {
    const dataDir = await temporaryFolder();
    const site = await addSite(dataDir);
    const acknowledged: string[] = [];
    const again = beaconOf(site);
    let duplicates = -1;
    for (let round = 0; round < 6; round++) {
      const program = startProgram(dataDir);
      const url = await program.address;
      duplicates += 1;
      expect(outcomeOf(await post(url, again))).toBe(round === 0 ? 'stored' : 'duplicate');
      await inParallel(8, Array.from({ length: 50 }), async (_, i) => {
        if (i === 40 && round % 2 === 1) program.kill('SIGKILL');
        const beacon = beaconOf(site);
        const answer = await post(url, beacon).catch(() => null);
        if (answer?.status === 202) acknowledged.push(pathOf(beacon));
      });
      if (round % 2 === 0) program.kill('SIGTERM');
      await program.exit;
      const stored = storedPaths(dataDir, site.id);
      expect(new Set(stored).size, 'nothing twice').toBe(stored.length);
      expect(acknowledged.filter((path) => !stored.includes(path))).toEqual([]);
      expect(ledgerOf(dataDir, site.id)).toMatchObject({ stored: stored.length });
    }
    expect(ledgerOf(dataDir, site.id).duplicate).toBe(duplicates);
    await expectSound(dataDir);
  });
});
