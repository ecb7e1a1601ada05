import { cpSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DAY_MS } from '../../src/clock.ts';
import type { Site } from '../../src/store/store.ts';
import { temporaryFolder } from '../support/paths.ts';
import { json, startProgram } from '../support/program.ts';
import { World } from '../support/world.ts';
import { countOf, expectSound, ledgerOf, rowCounts, storedPaths } from './support/installation.ts';
import { beaconOf, outcomeOf, post } from './support/pages.ts';
import { eventually, PATIENT } from './support/patience.ts';

/** Old events go, and what was counted stays counted. */

const CRAWLER = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
const DAYS = 30;

/** A folder with two sites that had three events, a leave and a crawler on each of the last 30 days. */
async function agedInstallation(): Promise<{ dataDir: string; kept: Site; short: Site }> {
  const world = await World.open();
  onTestFinished(() => world.close());
  const account = await world.addAccount({ plan: 'pro' });
  const [kept, short] = [
    await world.addSite(account, 'kept.example'),
    await world.addSite(account, 'short.example'),
  ];
  const server = await world.serve();
  for (let ago = DAYS; ago >= 1; ago--) {
    world.clock.nowMs = Date.now() - ago * DAY_MS + 60_000;
    for (const site of [kept, short]) {
      const origin = { origin: `https://${site.domain}` };
      for (let i = 0; i < 3; i++)
        expect(outcomeOf(await server.send(beaconOf(site), { headers: origin }))).toBe('stored');
      await server.send(beaconOf(site, { name: 'leave', engaged: 1000 }), { headers: origin });
      await server.send(beaconOf(site), { headers: { ...origin, 'user-agent': CRAWLER } });
    }
  }
  await world.store.events.flush();
  const dataDir = await temporaryFolder();
  cpSync(world.dataDir, dataDir, { recursive: true });
  return { dataDir, kept, short };
}

describe('retention', PATIENT, () => {
  it('deletes events and changes no count: for the installation, and for a site that says otherwise', async () => {
    const { dataDir, kept, short } = await agedInstallation();
    const counted = { kept: countOf(dataDir, kept.id), short: countOf(dataDir, short.id) };
    expect(counted).toEqual({ kept: 3 * DAYS, short: 3 * DAYS });
    const ledgers = [ledgerOf(dataDir, kept.id), ledgerOf(dataDir, short.id)];
    const { leaves, bots } = rowCounts(dataDir);

    await json(dataDir, ['site', 'retention', '--site', short.id, '--days', '5']);
    const program = startProgram(dataDir, { RETENTION_DAYS: '20' });
    const url = await program.address;
    await eventually(
      () => [storedPaths(dataDir, kept.id).length, storedPaths(dataDir, short.id).length],
      ([keptRows, shortRows]) => keptRows === 3 * 20 && shortRows === 3 * 5,
    );
    expect({ kept: countOf(dataDir, kept.id), short: countOf(dataDir, short.id) }).toEqual(counted);
    expect([ledgerOf(dataDir, kept.id), ledgerOf(dataDir, short.id)]).toEqual(ledgers);
    expect(rowCounts(dataDir)).toMatchObject({ leaves: 25, bots: 25 });
    expect({ leaves, bots }).toEqual({ leaves: 2 * DAYS, bots: 2 * DAYS });
    await expectSound(dataDir);

    // What comes now is counted on top.
    expect(outcomeOf(await post(url, beaconOf(short), { origin: 'https://short.example' }))).toBe('stored');
    expect(countOf(dataDir, short.id)).toBe(counted.short + 1);
    program.kill('SIGTERM');
    expect(await program.exit).toEqual({ code: 0, signal: null });
    await expectSound(dataDir);
  });

  it('killed in the middle goes on at the next start, and counts as before', async () => {
    const { dataDir, kept } = await agedInstallation();
    for (let tries = 0; tries < 3; tries++) {
      const program = startProgram(dataDir, { RETENTION_DAYS: '1' });
      await program.address;
      program.kill('SIGKILL');
      await program.exit;
      expect(countOf(dataDir, kept.id)).toBe(3 * DAYS);
      await expectSound(dataDir);
    }
    const program = startProgram(dataDir, { RETENTION_DAYS: '1' });
    await program.address;
    await eventually(
      () => storedPaths(dataDir, kept.id).length,
      (rows) => rows === 3,
    );
    expect(countOf(dataDir, kept.id)).toBe(3 * DAYS);
    await expectSound(dataDir);
  });

  it('that is switched off deletes nothing', async () => {
    const { dataDir, kept } = await agedInstallation();
    const program = startProgram(dataDir);
    const url = await program.address;
    expect(outcomeOf(await post(url, beaconOf(kept), { origin: 'https://kept.example' }))).toBe('stored');
    program.kill('SIGTERM');
    await program.exit;
    expect(storedPaths(dataDir, kept.id)).toHaveLength(3 * DAYS + 1);
    await expectSound(dataDir);
  });
});
