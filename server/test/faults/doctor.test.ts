import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { HOUR_MS, MINUTE_MS, utcDay } from '../../src/domain/clock.ts';
import { dayFiles, openEmbedded } from '../support/days.ts';
import { makeFolder, root, temporaryFolder } from '../support/paths.ts';
import { command, json, startProgram } from '../support/program.ts';
import { World } from '../support/world.ts';
import { addSite, examine } from './support/owner.ts';
import { beaconOf, outcomeOf } from './support/pages.ts';
import { canMount, smallDisk } from './support/small-disk.ts';

/** `attractos doctor` reports each kind of problem, together with what to do about it. */

const EVENTS = 20;

/** A data folder that a server has used and shut down cleanly. It is made once, and each test copies it. */
let worked: Awaited<ReturnType<typeof makeFolder>>;

beforeAll(async () => {
  worked = await makeFolder();
  const world = await World.open();
  const { site } = await world.addOwner();
  const server = await world.serve();
  world.clock.nowMs = Date.now();
  for (let i = 0; i < EVENTS; i++) expect(outcomeOf(await server.send(beaconOf(site)))).toBe('stored');
  await world.store.close();
  cpSync(world.dataDir, worked.path, { recursive: true });
  await world.close();
});
afterAll(() => worked.remove());

async function installation(): Promise<string> {
  const dataDir = await temporaryFolder();
  cpSync(worked.path, dataDir, { recursive: true });
  return dataDir;
}

/** Asserts that exactly these problems are reported in both output formats: exit code 1, the finding and the advice. */
async function expectWrong(
  dataDir: string,
  wrong: Readonly<Record<string, { found: RegExp; advice: RegExp }>>,
): Promise<Awaited<ReturnType<typeof examine>>> {
  const checks = await examine(dataDir);
  expect([...checks.values()].filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(Object.keys(wrong));
  if (Object.keys(wrong).length === 0) return checks;
  const { code, stdout, stderr } = await command(dataDir, ['doctor']);
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  for (const [name, { found, advice }] of Object.entries(wrong)) {
    expect(checks.get(name)).toMatchObject({
      found: expect.stringMatching(found),
      advice: expect.stringMatching(advice),
    });
    const [, said = '', told = ''] = new RegExp(`^FAIL   ${name}: (.*)\\n {7}(.*)$`, 'm').exec(stdout) ?? [];
    expect(said).toMatch(found);
    expect(told).toMatch(advice);
  }
  return checks;
}

/** Moves the content of a write-ahead log into its database file, so that damage in the file is read. */
function moveLog(file: string): void {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
}

const empty = (name: string) => (dataDir: string) => truncateSync(join(dataDir, name));

const RESTORE = /Restore the newest backup/i;

describe('the doctor', () => {
  it('finds nothing wrong with sound data, with or without a running server', async () => {
    const dataDir = await installation();
    await expectWrong(dataDir, {});
    expect((await command(dataDir, ['doctor'])).code).toBe(0);
    await startProgram(dataDir).address;
    expect([...(await expectWrong(dataDir, {})).keys()]).toEqual([
      'permissions',
      'disk',
      'two-factor secrets',
      'clock',
      'counters',
      'ledger',
      'reports',
      'files',
    ]);
  });

  it('reports a folder that other users can read', async () => {
    const dataDir = join(await temporaryFolder(), 'new');
    mkdirSync(dataDir, { mode: 0o700 });
    await json(dataDir, ['account', 'add', '--email', 'owner@example.com']);
    await startProgram(dataDir).address;
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
    expect(mode(dataDir)).toBe('700');
    for (const entry of readdirSync(dataDir, { withFileTypes: true }))
      expect(mode(join(dataDir, entry.name)), entry.name).toBe(entry.isDirectory() ? '700' : '600');
    for (const others of [0o755, 0o710, 0o701]) {
      chmodSync(dataDir, others);
      await expectWrong(dataDir, {
        permissions: { found: new RegExp(`mode ${others.toString(8)}$`), advice: /chmod 700 \// },
      });
    }
    chmodSync(dataDir, 0o700);
    await expectWrong(dataDir, {});
  });

  it('reports which counters were changed', async () => {
    const dataDir = await installation();
    const change = (sql: string) => {
      const db = new DatabaseSync(join(dataDir, 'events.db'));
      expect(Number(db.prepare(sql).run().changes), sql).toBeGreaterThan(0);
      db.close();
    };
    const site = /site_\w+ \d{4}-\d\d-\d\d/.source;
    const counted = (counted: number, what: string, number: number) => ({
      found: new RegExp(`^${site}: counted ${counted}, ${what} ${number}$`),
      advice: RESTORE,
    });
    change('UPDATE counters SET events = events + 1');
    await expectWrong(dataDir, {
      counters: counted(EVENTS + 1, 'rows', EVENTS),
      ledger: counted(EVENTS + 1, 'ledger', EVENTS),
    });
    change('UPDATE counters SET events = events - 1');
    change('UPDATE ledger SET count = count - 3');
    await expectWrong(dataDir, { ledger: counted(EVENTS, 'ledger', EVENTS - 3) });
    change('UPDATE ledger SET count = count + 3');
    const grow = (by: number) =>
      change(
        `UPDATE visits_grown SET visits = json_replace(visits, '$[0][9]', visits ->> '$[0][9]' + ${by})`,
      );
    grow(1);
    await expectWrong(dataDir, {
      reports: {
        found: new RegExp(`^${site}, events of visit 1: found ${EVENTS + 1}, expected ${EVENTS}`),
        advice: RESTORE,
      },
    });
    grow(-1);
    await expectWrong(dataDir, {});
    change('DELETE FROM events WHERE n = 0 AND at = (SELECT min(at) FROM events)');
    const checks = await examine(dataDir);
    expect(checks.get('counters')).toMatchObject({
      ok: false,
      found: expect.stringMatching(counted(EVENTS, 'rows', EVENTS - 1).found),
    });
    expect(checks.get('ledger')).toMatchObject({ ok: true });
  });

  it('reports events in the future after the clock was set back', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const { site } = await world.addOwner();
    const server = await world.serve();
    world.clock.nowMs = Date.now() + MINUTE_MS / 2;
    expect(outcomeOf(await server.send(beaconOf(site)))).toBe('stored');
    await expectWrong(world.dataDir, {});
    world.clock.nowMs = Date.now() + HOUR_MS;
    expect(outcomeOf(await server.send(beaconOf(site)))).toBe('stored');
    const newest = new Date(world.clock.nowMs).toISOString().replace('.', '\\.');
    await expectWrong(world.dataDir, {
      clock: { found: new RegExp(`newest event ${newest}$`), advice: /time synchronization/ },
    });
  });

  it.runIf(canMount)('reports a disk with little space', async () => {
    const { path } = await smallDisk(64 * 1024);
    await addSite(path);
    await expectWrong(path, {
      disk: { found: /^\d\d MiB free, so events are refused$/, advice: /^Free up disk space/ },
    });
  });

  it.each([
    { file: 'events.db', harm: 'its beginning', from: 0, unread: true },
    { file: 'events.db', harm: 'its middle', from: 2, unread: true },
    { file: 'registry.db', harm: 'its beginning', from: 0, unread: false },
    { file: 'registry.db', harm: 'its middle', from: 2, unread: false },
  ])('reports damage in $harm of $file, and still checks the rest', async ({ file, from, unread }) => {
    const dataDir = await installation();
    const path = join(dataDir, file);
    moveLog(path);
    const bytes = readFileSync(path);
    const page = bytes.readUInt16BE(16);
    writeFileSync(path, bytes.fill(0xa5, from * page));
    const checks = await expectWrong(dataDir, {
      files: { found: new RegExp(`^${path}: `), advice: RESTORE },
    });
    // It reports nothing about figures that could not be counted.
    expect(checks.has('counters')).toBe(!unread);
    expect(checks.get('permissions')).toMatchObject({ ok: true });
  });

  const nothing = (file: string) => ({ found: new RegExp(`^\\S+${file}: has no AttractOS data`) });
  const swap = (dataDir: string) => {
    const [events, registry] = ['events.db', 'registry.db'].map((name) => join(dataDir, name));
    const held = readFileSync(events ?? '');
    copyFileSync(registry ?? '', events ?? '');
    writeFileSync(registry ?? '', held);
  };
  it.each([
    { what: 'events.db emptied', harm: empty('events.db'), ...nothing('events.db') },
    { what: 'registry.db emptied', harm: empty('registry.db'), ...nothing('registry.db') },
    { what: 'both exchanged', harm: swap, ...nothing('registry.db') },
    {
      what: 'registry.db removed',
      harm: (dataDir: string) => rmSync(join(dataDir, 'registry.db')),
      found: /registry\.db is missing$/,
    },
    {
      what: 'registry.db without its sites',
      harm: (dataDir: string) => {
        const db = new DatabaseSync(join(dataDir, 'registry.db'));
        db.exec('DELETE FROM site_keys; DELETE FROM sites');
        db.close();
      },
      found: /registry\.db: has no site site_\w+, although there are events of it$/,
    },
  ])('reports $what, and backup refuses it', async ({ harm, found }) => {
    const dataDir = await installation();
    for (const name of ['events.db', 'registry.db']) moveLog(join(dataDir, name));
    harm(dataDir);
    const files = () => readdirSync(dataDir).filter((name) => name.endsWith('.db'));
    const before = files();
    const checks = await examine(dataDir);
    expect(checks.get('files')).toMatchObject({
      ok: false,
      found: expect.stringMatching(found),
      advice: expect.stringMatching(RESTORE),
    });
    expect((await command(dataDir, ['doctor'])).code).toBe(1);
    const place = await temporaryFolder();
    const { code, stderr } = await command(dataDir, ['backup', join(place, 'copy.db')]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/events|registry/) });
    expect([readdirSync(place), files()]).toEqual([[], before]);
  });

  it('reports what is wrong in the folder of days, and what does not belong there', async () => {
    const dataDir = await installation();
    const store = await openEmbedded(dataDir);
    expect(await store.reports.sealDaysBefore(utcDay(Date.now()) + 1)).toBe(1);
    await store.close();
    await expectWrong(dataDir, {});
    const [name = ''] = dayFiles(dataDir);
    const file = join(dataDir, 'days', name);
    const content = readFileSync(file);
    const strange = join(dataDir, 'days', 'notes.txt');
    writeFileSync(strange, 'x');
    await expectWrong(dataDir, {
      files: { found: new RegExp(`^${strange} does not belong to the data`), advice: RESTORE },
    });
    rmSync(strange);
    rmSync(file);
    await expectWrong(dataDir, { files: { found: new RegExp(`^${file} is missing$`), advice: RESTORE } });
    writeFileSync(file, Buffer.from(content).fill(0xa5, 8, 9));
    await expectWrong(dataDir, { files: { found: new RegExp(`^${file} differs from`), advice: RESTORE } });
    writeFileSync(file, content);
    await expectWrong(dataDir, {});
  });

  it('reports a corrupt row that the engine can read', async () => {
    const dataDir = await installation();
    const db = new DatabaseSync(join(dataDir, 'events.db'));
    expect(
      db.prepare(`INSERT INTO visits_grown (day, visits) SELECT max(day), '[1,' FROM counters`).run().changes,
    ).toBeGreaterThan(0);
    db.close();
    await expectWrong(dataDir, { files: { found: /events\.db: .*JSON/, advice: RESTORE } });
  });

  it('reports a folder that it may not read', async () => {
    const dataDir = await installation();
    const asAnother = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    chmodSync(dataDir, 'uid' in asAnother ? 0o700 : 0o000);
    onTestFinished(() => chmodSync(dataDir, 0o700));
    const ran = (...args: string[]) =>
      spawnSync(process.execPath, [join(root, 'server/bin/attractos.js'), ...args], {
        ...{ cwd: '/', env: { DATA_DIR: dataDir }, encoding: 'utf8' },
        ...asAnother,
      });
    expect(ran('doctor')).toMatchObject({
      status: 1,
      stdout: `FAIL   data folder: ${dataDir} is not accessible to this user\n       Run this as the user that the server runs as.\n`,
    });
    expect(ran('backup', join(tmpdir(), 'never.db'))).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/permission denied.*events\.db/),
    });
    expect(ran('site', 'list', '--account', 'x')).toMatchObject({
      status: 1,
      stderr: `${join(dataDir, 'registry.db')}: SQLite: unable to open database file (14)\n`,
    });
  });

  it('reports a missing or empty data folder', async () => {
    const dataDir = await temporaryFolder();
    await expectWrong(dataDir, {});
    const missing = join(dataDir, 'missing');
    const { code, stdout, stderr } = await command(dataDir, ['doctor'], { DATA_DIR: missing });
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: `FAIL   data folder: ${missing} does not exist\n       Start the server once, or set DATA_DIR to the folder it uses.\n`,
      stderr: '',
    });
  });
});
