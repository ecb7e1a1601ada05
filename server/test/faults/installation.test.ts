import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/paths.ts';
import { command, json, startProgram } from '../support/program.ts';
import { addSite, examine, expectSound, storedPaths } from './support/owner.ts';
import { beaconOf, outcomeOf, pathOf, post } from './support/pages.ts';

/** A data folder whose files are missing or belong elsewhere is refused. It is never begun afresh. */

/** Makes a folder that a server has used and closed, with one event. */
async function installation() {
  const dataDir = await temporaryFolder();
  const site = await addSite(dataDir);
  const beacon = beaconOf(site);
  await serveOnce(dataDir, async (url) => {
    expect(outcomeOf(await post(url, beacon))).toBe('stored');
  });
  return { dataDir, site, path: pathOf(beacon) };
}

async function serveOnce(dataDir: string, work: (url: string) => Promise<void>): Promise<void> {
  const program = startProgram(dataDir);
  await work(await program.address);
  program.kill('SIGTERM');
  expect(await program.exit).toEqual({ code: 0, signal: null });
}

/** Removes the marks, as in a folder of an earlier version. */
function unmark(dataDir: string, ...files: readonly string[]): void {
  for (const file of files) {
    const db = new DatabaseSync(join(dataDir, file));
    db.exec('DELETE FROM installation');
    db.close();
  }
}

const filesOf = (dataDir: string) => readdirSync(dataDir).filter((name) => name.endsWith('.db'));

/** Asserts that server, command line, doctor and backup refuse a folder and leave it as it is. */
async function expectRefused(dataDir: string, complaint: RegExp): Promise<void> {
  const before = filesOf(dataDir);
  const program = startProgram(dataDir);
  await expect(program.address).rejects.toThrow(complaint);
  expect(await program.exit).toEqual({ code: 1, signal: null });
  expect(program.stderr()).toMatch(/restore a backup into an empty folder and set DATA_DIR to it/);
  for (const args of [
    ['site', 'list', '--account', 'x'],
    ['backup', join(await temporaryFolder(), 'copy')],
  ])
    expect(await command(dataDir, args)).toMatchObject({ code: 1, stderr: expect.stringMatching(complaint) });
  expect((await examine(dataDir)).get('files')).toMatchObject({
    ok: false,
    found: expect.stringMatching(complaint),
  });
  expect(filesOf(dataDir)).toEqual(before);
}

describe('a data folder', () => {
  it.each([
    { name: 'without events.db', harm: ['events.db'], complaint: /events\.db is missing/ },
    { name: 'without registry.db', harm: ['registry.db'], complaint: /registry\.db is missing/ },
  ])('$name is refused, and works again once it is back', async ({ harm, complaint }) => {
    const { dataDir, site, path } = await installation();
    const elsewhere = await temporaryFolder();
    for (const name of harm) renameSync(join(dataDir, name), join(elsewhere, name));
    await expectRefused(dataDir, complaint);
    for (const name of harm) renameSync(join(elsewhere, name), join(dataDir, name));
    await serveOnce(dataDir, async () => undefined);
    expect(storedPaths(dataDir, site.id)).toEqual([path]);
    await expectSound(dataDir);
  });

  it('with past days but without databases is refused', async () => {
    const { dataDir } = await installation();
    for (const name of ['events.db', 'registry.db']) rmSync(join(dataDir, name));
    mkdirSync(join(dataDir, 'days', '2026-11-26'), { recursive: true });
    const program = startProgram(dataDir);
    await expect(program.address).rejects.toThrow(/registry\.db and \S+events\.db are missing/);
    expect(existsSync(join(dataDir, 'registry.db'))).toBe(false);
  });

  it.each(['events.db', 'registry.db'])('with the %s of another installation is refused', async (name) => {
    const [{ dataDir }, other] = [await installation(), await installation()];
    copyFileSync(join(other.dataDir, name), join(dataDir, name));
    await expectRefused(dataDir, /do not belong to the same installation/);
  });

  it.each(['events.db', 'registry.db'])('with a %s that has no mark is refused', async (name) => {
    const { dataDir } = await installation();
    unmark(dataDir, name);
    await expectRefused(dataDir, /do not belong to the same installation/);
  });

  it('of an earlier version gets the mark at its first start', async () => {
    const { dataDir, site, path } = await installation();
    unmark(dataDir, 'events.db', 'registry.db');
    await serveOnce(dataDir, async () => undefined);
    expect(storedPaths(dataDir, site.id)).toEqual([path]);
    rmSync(join(dataDir, 'events.db'));
    await expectRefused(dataDir, /events\.db is missing/);
  });

  it('gets the rest of the mark if a start ended halfway', async () => {
    const { dataDir } = await installation();
    const change = (file: string, sql: string) => {
      const db = new DatabaseSync(join(dataDir, file));
      db.exec(sql);
      db.close();
    };
    change('registry.db', 'UPDATE installation SET complete = 0');
    const halfway = await temporaryFolder();
    cpSync(dataDir, halfway, { recursive: true });
    unmark(halfway, 'events.db');
    for (const folder of [dataDir, halfway]) {
      await serveOnce(folder, async () => undefined);
      await expectSound(folder);
      rmSync(join(folder, 'events.db'));
      await expectRefused(folder, /events\.db is missing/);
    }
  });

  it('keeps its mark in a backup', async () => {
    const { dataDir } = await installation();
    const file = join(await temporaryFolder(), 'backup.db');
    await json(dataDir, ['backup', file]);
    const restored = await temporaryFolder();
    await json(restored, ['restore', file]);
    await expectSound(restored);
    rmSync(join(restored, 'events.db'));
    await expectRefused(restored, /events\.db is missing/);
  });

  it('is closed to other users at the start', async () => {
    const { dataDir } = await installation();
    const paths = [dataDir, ...filesOf(dataDir).map((name) => join(dataDir, name))];
    for (const path of paths) chmodSync(path, statSync(path).isDirectory() ? 0o755 : 0o644);
    await serveOnce(dataDir, async () => {
      for (const path of paths.filter(existsSync)) expect(statSync(path).mode & 0o077, path).toBe(0);
    });
  });
});
