import { copyFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StoreBroken } from '../../src/store/contract/store.ts';
import { openSqliteRegistry } from '../../src/store/registry/sqlite/registry.ts';
import { SqliteSpool } from '../../src/store/scale-out/spool/spool.ts';
import { NOON_MS } from '../support/clock.ts';
import { ask } from '../support/http.ts';
import { temporaryFolder } from '../support/paths.ts';
import { startProgram } from '../support/program.ts';
import { addOwner, addSite, expectSound, storedPaths } from './support/owner.ts';
import { beaconOf, outcomeOf, pathOf, post } from './support/pages.ts';
import { eventually, PATIENT } from './support/patience.ts';

/** If files are deleted, moved or replaced under a running server, writes to them would be lost, so none is acknowledged. */

const HARMS = {
  deleted: (file: string) => rmSync(file),
  moved: (file: string) => renameSync(file, `${file}.elsewhere`),
  'replaced by a copy': (file: string) => {
    copyFileSync(file, `${file}.copy`);
    renameSync(`${file}.copy`, file);
  },
} as const;

const FILES = ['', '-wal', '-shm'] as const;

const CASES = Object.entries(HARMS).flatMap(([name, harm]) =>
  FILES.map((suffix) => ({ name, suffix, harm })),
);

describe('an events file', PATIENT, () => {
  it.each(CASES)(
    'events.db$suffix that is $name stops the server before it acknowledges more',
    async ({ suffix, harm }) => {
      const dataDir = await temporaryFolder();
      const site = await addSite(dataDir);
      const program = startProgram(dataDir);
      const url = await program.address;
      expect(outcomeOf(await post(url, beaconOf(site)))).toBe('stored');

      const file = join(dataDir, `events.db${suffix}`);
      harm(file);
      const lost = await post(url, beaconOf(site)).then(
        outcomeOf,
        (error: NodeJS.ErrnoException) => error.code,
      );
      expect(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'unavailable']).toContain(lost);
      expect(await program.exit).toEqual({ code: 1, signal: null });
      expect(program.stderr()).toBe(
        `attractos: ${file} was deleted, moved or replaced while it was open, so no data can be stored. Put it back or restore a backup, then restart the server.\n`,
      );
    },
  );

  it('contains every acknowledged event when it is put back', async () => {
    const dataDir = await temporaryFolder();
    const site = await addSite(dataDir);
    const program = startProgram(dataDir);
    const url = await program.address;
    const kept = Array.from({ length: 20 }, () => beaconOf(site));
    for (const beacon of kept) expect(outcomeOf(await post(url, beacon))).toBe('stored');
    const file = join(dataDir, 'events.db');
    renameSync(file, `${file}.elsewhere`);
    await post(url, beaconOf(site)).catch(() => undefined);
    expect(await program.exit).toEqual({ code: 1, signal: null });

    renameSync(`${file}.elsewhere`, file);
    const again = startProgram(dataDir);
    expect(outcomeOf(await post(await again.address, beaconOf(site)))).toBe('stored');
    const stored = new Set(storedPaths(dataDir, site.id));
    expect(kept.map(pathOf).filter((path) => !stored.has(path))).toEqual([]);
    await expectSound(dataDir);
  });
});

describe('a spool file', () => {
  it.each(CASES)('spool.db$suffix that is $name acknowledges nothing more', async ({ suffix, harm }) => {
    const file = join(await temporaryFolder(), 'spool.db');
    const told: StoreBroken[] = [];
    const spool = await SqliteSpool.open(file, {
      maxBytes: 1_000_000,
      onBroken: (error) => told.push(error),
    });
    const group = { entries: [], refusals: [], refusedKeys: [] };
    expect(await spool.commit(group)).toEqual([]);
    harm(file + suffix);
    await expect(spool.commit(group)).rejects.toThrow(StoreBroken);
    expect(told.map(({ message }) => message)).toEqual([
      expect.stringContaining(`${file}${suffix} was deleted`),
    ]);
    await expect(spool.commit(group)).rejects.toThrow(StoreBroken);
  });
});

describe('a registry file', PATIENT, () => {
  it.each(CASES)('registry.db$suffix that is $name takes no changes', async ({ suffix, harm }) => {
    const file = join(await temporaryFolder(), 'registry.db');
    const { registry, close } = openSqliteRegistry(file);
    const account = (id: string) => ({
      ...({ id, email: `${id}@example.com`, plan: 'pro', billingAnchorDay: 1 } as const),
      ...{ passwordHash: 'none', createdAtMs: NOON_MS },
    });
    await registry.createAccount(account('kept'));
    harm(file + suffix);
    await expect(registry.createAccount(account('lost'))).rejects.toThrow(StoreBroken);
    await expect(registry.setTimeZone('kept', 'UTC')).rejects.toThrow(StoreBroken);
    await expect(registry.setPassword('kept', 'other')).rejects.toThrow(StoreBroken);
    await expect(registry.setEmail('kept', 'other@example.com')).rejects.toThrow(StoreBroken);
    await expect(registry.saltOf(1, 0)).rejects.toThrow(StoreBroken);
    await close();
  });

  it('reports a missing registry file at /readyz', async () => {
    const dataDir = await temporaryFolder();
    await addOwner(dataDir, 'example.com');
    const program = startProgram(dataDir);
    const url = await program.address;
    const file = join(dataDir, 'registry.db');
    const age = async () =>
      ((await ask(url, { path: '/readyz' })).json() as { site_keys_age_ms: number }).site_keys_age_ms;
    renameSync(file, `${file}.elsewhere`);
    await eventually(age, (ms) => ms > 4_000);
    renameSync(`${file}.elsewhere`, file);
    await eventually(age, (ms) => ms < 4_000);
  });
});
