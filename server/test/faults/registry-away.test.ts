import { appendFileSync, copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { newSiteKey } from '../../src/domain/keys.ts';
import { StoreUnavailable } from '../../src/store/contract/store.ts';
import { ask } from '../support/http.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { startProgram } from '../support/program.ts';
import { World } from '../support/world.ts';
import { canFailDisks, faultyDisk } from './support/faulty-disk.ts';
import { addOwner, addSite, expectSound, shownLedger, storedPaths } from './support/owner.ts';
import { beaconOf, outcomeOf, pathOf, post } from './support/pages.ts';

/**
 * While the registry is unavailable, the key map keeps working: known keys count, unknown keys are refused, nothing is guessed.
 */

interface Readiness {
  site_keys: number;
  site_keys_age_ms: number;
}

const readiness = async (url: string) => (await ask(url, { path: '/readyz' })).json() as Readiness;

describe('a registry that cannot be read', () => {
  it.runIf(canFailDisks)(
    'stops no beacon, shows the age of the keys, and is used again when it is back',
    async () => {
      const dataDir = await temporaryFolder();
      const { sites, apiKey } = await addOwner(dataDir, 'example.com');
      const [site] = sites;
      if (site === undefined) throw new Error('the site is missing');
      const disk = await faultyDisk();
      const program = startProgram(dataDir, disk.settings);
      const url = await program.address;
      const sites200 = () =>
        ask(url, { path: '/api/v1/sites', headers: { authorization: `Bearer ${apiKey}` } });
      // The first visitor of the day requires the day's salt from the registry.
      const acknowledged = [beaconOf(site)];
      expect(outcomeOf(await post(url, acknowledged[0]))).toBe('stored');

      disk.fail('read', 'EIO', 'registry.db', 'registry.db-wal');
      // Another process changes the file, so the server would have to read it again.
      const later = await addSite(dataDir, 'later.example');
      await until(
        () => readiness(url),
        ({ site_keys_age_ms }) => site_keys_age_ms > 2_000,
      );
      for (let i = 0; i < 20; i++) {
        const beacon = beaconOf(site);
        expect(outcomeOf(await post(url, beacon))).toBe('stored');
        acknowledged.push(beacon);
        expect(outcomeOf(await post(url, beaconOf({ ...site, key: newSiteKey() })))).toBe('unknown-key');
      }
      const asked = await sites200();
      expect(asked.status, 'the key cannot be checked now').toBe(503);
      expect(asked.json()).toMatchObject({ code: 'UNAVAILABLE' });
      expect(disk.happened().length, 'faults that happened').toBeGreaterThan(0);
      expect(outcomeOf(await post(url, beaconOf(later), { origin: 'https://later.example' }))).toBe(
        'unknown-key',
      );

      disk.heal();
      await until(
        () => readiness(url),
        ({ site_keys_age_ms, site_keys }) => site_keys_age_ms < 1_000 && site_keys === 2,
      );
      expect(outcomeOf(await post(url, beaconOf(later), { origin: 'https://later.example' }))).toBe('stored');
      expect((await sites200()).status).toBe(200);
      program.kill('SIGTERM');
      expect(await program.exit).toEqual({ code: 0, signal: null });
      expect(storedPaths(dataDir, site.id)).toEqual(acknowledged.map(pathOf).sort());
      expect(await shownLedger(dataDir, site.id)).toEqual({ stored: 21, 'unknown-key': 20 });
      await expectSound(dataDir);
    },
  );

  it('keeps known keys working, refuses unknown ones, and shows the age of the keys in /readyz', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const { site } = await world.addOwner();
    let away = false;
    const { registry } = world.store;
    const real = registry.siteKeysSince.bind(registry);
    registry.siteKeysSince = async (version) => {
      if (away) throw new StoreUnavailable('away');
      return real(version);
    };
    const server = await world.serve();
    away = true;
    await until(
      async () => (await server.ask({ path: '/readyz' })).json() as Readiness,
      ({ site_keys }) => site_keys === 1,
    );
    for (let minutes = 1; minutes <= 3; minutes++) {
      world.clock.advance(60_000);
      const { site_keys_age_ms } = (await server.ask({ path: '/readyz' })).json() as Readiness;
      expect(site_keys_age_ms).toBeGreaterThanOrEqual(minutes * 60_000);
      expect(outcomeOf(await server.send(beaconOf(site)))).toBe('stored');
      expect(outcomeOf(await server.send(beaconOf({ ...site, key: newSiteKey() })))).toBe('unknown-key');
    }
    away = false;
    await until(
      async () => (await server.ask({ path: '/readyz' })).json() as Readiness,
      ({ site_keys_age_ms }) => site_keys_age_ms === 0,
    );
    // A server that has never read the registry knows no keys, and does not start.
    away = true;
    await expect(world.serve()).rejects.toThrow(StoreUnavailable);
  });
});

describe('a registry file that is taken from under a running server', () => {
  it.each([
    {
      name: 'renamed away',
      harm: (file: string) => renameSync(file, `${file}.elsewhere`),
      mend: (file: string) => renameSync(`${file}.elsewhere`, file),
    },
    {
      name: 'replaced by an older copy under the same name',
      harm: (file: string) => {
        renameSync(file, `${file}.elsewhere`);
        copyFileSync(`${file}.elsewhere`, file);
      },
      mend: (file: string) => renameSync(`${file}.elsewhere`, file),
    },
    {
      name: 'replaced by something else',
      harm: (file: string) => {
        renameSync(file, `${file}.elsewhere`);
        writeFileSync(file, 'no database');
        appendFileSync(file, 'at all'.repeat(1000));
      },
      mend: (file: string) => renameSync(`${file}.elsewhere`, file),
    },
  ])(
    '$name: known keys count, unknown keys get an answer, and a restart works once the file is back',
    async ({ harm, mend }) => {
      const dataDir = await temporaryFolder();
      const site = await addSite(dataDir);
      const file = join(dataDir, 'registry.db');
      const program = startProgram(dataDir);
      const url = await program.address;
      const acknowledged = [beaconOf(site)];
      expect(outcomeOf(await post(url, acknowledged[0]))).toBe('stored');

      harm(file);
      for (let i = 0; i < 10; i++) {
        const beacon = beaconOf(site);
        expect(outcomeOf(await post(url, beacon))).toBe('stored');
        acknowledged.push(beacon);
        expect(outcomeOf(await post(url, beaconOf({ ...site, key: newSiteKey() })))).toBe('unknown-key');
      }
      mend(file);
      program.kill('SIGTERM');
      expect(await program.exit).toEqual({ code: 0, signal: null });

      const again = startProgram(dataDir);
      const beacon = beaconOf(site);
      expect(outcomeOf(await post(await again.address, beacon))).toBe('stored');
      acknowledged.push(beacon);
      expect(storedPaths(dataDir, site.id)).toEqual(acknowledged.map(pathOf).sort());
      await expectSound(dataDir);
    },
  );
});
