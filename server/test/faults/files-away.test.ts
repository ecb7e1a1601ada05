import { copyFileSync, cpSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { FilesGone, StoreBroken } from '../../src/store/contract/store.ts';
import { Overwrites } from '../../src/store/embedded/writer/overwrites.ts';
import { openSqliteRegistry } from '../../src/store/registry/sqlite/registry.ts';
import { SqliteSpool } from '../../src/store/scale-out/spool/spool.ts';
import { NOON_MS } from '../support/clock.ts';
import { openEventFile } from '../support/event-file.ts';
import { ask } from '../support/http.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { json, type Program, startProgram } from '../support/program.ts';
import { startMeasured } from './support/measured-program.ts';
import { addOwner, addSite, expectSound, storedPaths } from './support/owner.ts';
import { beaconOf, outcomeOf, pathOf, post } from './support/pages.ts';

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

/** Starts a server on a folder with one stored event. */
async function running() {
  const dataDir = await temporaryFolder();
  const site = await addSite(dataDir);
  const program = startProgram(dataDir);
  const url = await program.address;
  expect(outcomeOf(await post(url, beaconOf(site)))).toBe('stored');
  return { dataDir, site, program, url };
}

/** Moves the log of a closed file into it. */
function checkpoint(file: string): void {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
}

async function stop(program: Program): Promise<void> {
  program.kill('SIGTERM');
  expect(await program.exit).toEqual({ code: 0, signal: null });
}

const readiness = async (url: string) =>
  (await ask(url, { path: '/readyz' })).json() as {
    status: string;
    reason?: string;
    checks: { name: string; reason?: string }[];
  };

describe('an events file', () => {
  it.each(CASES)(
    'events.db$suffix that is $name gets no event acknowledged any more',
    async ({ suffix, harm }) => {
      const { dataDir, site, program, url } = await running();
      const file = join(dataDir, `events.db${suffix}`);
      harm(file);
      for (let i = 0; i < 50; i++) {
        const { status, headers } = await post(url, beaconOf(site));
        expect([status, headers['retry-after']]).toEqual([503, expect.stringMatching(/^\d+$/)]);
      }
      const reason = `${file} was deleted, moved or replaced while it was open, so no data can be stored. Put it back or restore a backup, then restart the server.`;
      expect(await readiness(url)).toMatchObject({ status: 'not ready', reason });
      // The process stays, so that what it has open can be rescued.
      expect((await ask(url, { path: '/healthz' })).status).toBe(200);
      await stop(program);
      expect(program.stderr(), 'said once').toBe(`attractos: ${reason}\n`);
    },
  );

  it.each(CASES)('events.db$suffix that is $name is noticed without any event', async ({ suffix, harm }) => {
    const { dataDir, url } = await running();
    const file = join(dataDir, `events.db${suffix}`);
    harm(file);
    await until(
      () => readiness(url),
      ({ reason }) => reason?.startsWith(`${file} was deleted, moved or replaced`) === true,
    );
  });

  it.each(['a copy from an earlier time', 'a restored backup', 'something else'])(
    'is noticed when it is overwritten in place with %s',
    async (what) => {
      const { dataDir, site, program: first } = await running();
      const file = join(dataDir, 'events.db');
      await stop(first);
      const place = await temporaryFolder();
      const other = join(place, 'other');
      if (what === 'a restored backup') {
        await json(dataDir, ['backup', join(place, 'backup.db')]);
        const restored = await temporaryFolder();
        await json(restored, ['restore', join(place, 'backup.db')]);
        copyFileSync(join(restored, 'events.db'), other);
      } else if (what === 'something else') writeFileSync(other, 'no database'.repeat(10_000));
      else copyFileSync(file, other);
      const second = startProgram(dataDir);
      expect(outcomeOf(await post(await second.address, beaconOf(site)))).toBe('stored');
      await stop(second);
      // Otherwise the copy may be the same.
      checkpoint(file);

      const { program, jobsEnded } = await startMeasured(dataDir);
      const url = await program.address;
      expect(outcomeOf(await post(url, beaconOf(site)))).toBe('stored');
      // A copy first empties the file. SQLite deletes the log of an empty file that it opens, and the log would be named instead.
      await jobsEnded();
      copyFileSync(other, file);
      // What is read of the wrong file may look damaged first, which ends the server.
      const found = await until(
        () => readiness(url).catch(() => null),
        (ready) => ready?.status !== 'ready',
      );
      if (found === null) {
        expect(await program.exit).toEqual({ code: 1, signal: null });
        expect(program.stderr()).toMatch(/malformed|not a database/);
        return;
      }
      expect(found.reason).toContain(`${file} was overwritten while it was open`);
      expect((await post(url, beaconOf(site))).status).toBe(503);
      await stop(program);
    },
  );

  it('is noticed when the whole folder is exchanged for a restored backup', async () => {
    const { dataDir, site, url } = await running();
    const place = await temporaryFolder();
    await json(dataDir, ['backup', join(place, 'backup.db')]);
    const restored = await temporaryFolder();
    await json(restored, ['restore', join(place, 'backup.db')]);
    renameSync(dataDir, join(place, 'old'));
    cpSync(restored, dataDir, { recursive: true });
    expect((await post(url, beaconOf(site))).status).toBe(503);
    expect(storedPaths(dataDir, site.id)).toHaveLength(1);
  });

  it('contains every acknowledged event when it is put back', async () => {
    const dataDir = await temporaryFolder();
    const site = await addSite(dataDir);
    const program = startProgram(dataDir);
    const url = await program.address;
    const kept = Array.from({ length: 20 }, () => beaconOf(site));
    for (const beacon of kept) expect(outcomeOf(await post(url, beacon))).toBe('stored');
    const file = join(dataDir, 'events.db');
    renameSync(file, `${file}.elsewhere`);
    expect((await post(url, beaconOf(site))).status).toBe(503);
    await stop(program);

    renameSync(`${file}.elsewhere`, file);
    const again = startProgram(dataDir);
    expect(outcomeOf(await post(await again.address, beaconOf(site)))).toBe('stored');
    const stored = new Set(storedPaths(dataDir, site.id));
    expect(kept.map(pathOf).filter((path) => !stored.has(path))).toEqual([]);
    await expectSound(dataDir);
  });
});

describe('an open events file', () => {
  it('may get a checkpoint of another program, but not go back', async () => {
    const db = await openEventFile();
    const file = db.location() ?? '';
    const overwrites = new Overwrites(file);
    for (let n = 0; n < 5; n++) {
      overwrites.check(n);
      db.exec(`UPDATE commits SET n = ${n + 1}`);
      overwrites.check(n + 1);
      const other = new DatabaseSync(file);
      other.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      other.close();
      overwrites.check(n + 1);
    }
    db.exec('UPDATE commits SET n = 4; PRAGMA wal_checkpoint(TRUNCATE)');
    expect(() => overwrites.check(5)).toThrow(FilesGone);
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
    const group = { entries: [], refusals: [], refusedKeys: [], textUse: [] };
    expect(await spool.commit(group)).toEqual([]);
    harm(file + suffix);
    await expect(spool.commit(group)).rejects.toThrow(StoreBroken);
    expect(told.map(({ message }) => message)).toEqual([
      expect.stringContaining(`${file}${suffix} was deleted`),
    ]);
    await expect(spool.commit(group)).rejects.toThrow(StoreBroken);
  });
});

describe('a registry file', () => {
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
    await until(
      () => readiness(url),
      ({ checks }) =>
        checks.find(({ name }) => name === 'registry')?.reason?.startsWith(`${file} was deleted`) === true,
    );
    await until(age, (ms) => ms > 4_000);
    renameSync(`${file}.elsewhere`, file);
    await until(age, (ms) => ms < 4_000);
  });
});
