import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { takeLock } from '../../src/store/drivers/sqlite.ts';
import { ask } from '../support/http.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { command, json, killedCommand, startProgram } from '../support/program.ts';
import { addOwner, countOf, expectSound, rowCounts, storedPaths } from './support/owner.ts';
import { beaconOf, connections, inParallel, outcomeOf, pathOf, post } from './support/pages.ts';
import { canMount, smallDisk } from './support/small-disk.ts';

/** A copy made while events arrive is complete as of one moment, and a server can start from it. */

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

/** Starts a server with some events. */
async function stage() {
  const dataDir = await temporaryFolder();
  const { sites, apiKey, email } = await addOwner(dataDir, 'example.com');
  const [site] = sites;
  if (site === undefined) throw new Error('the site is missing');
  const program = startProgram(dataDir);
  const url = await program.address;
  const acknowledged: Record<string, unknown>[] = [];
  const agent = connections(8);
  const send = async () => {
    const beacon = beaconOf(site);
    expect(outcomeOf(await post(url, beacon, { agent }))).toBe('stored');
    acknowledged.push(beacon);
  };
  await inParallel(8, Array.from({ length: 100 }), send);
  const place = await temporaryFolder();
  return {
    dataDir,
    site,
    apiKey,
    email,
    program,
    url,
    acknowledged,
    send,
    place,
    file: join(place, 'backup.db'),
  };
}

/** Runs a command that must fail. @returns its error code */
async function refusal(dataDir: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await command(dataDir, [...args, '--json']);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  const { error, code: said } = JSON.parse(stderr) as { error: unknown; code: string };
  expect(error).toBeTypeOf('string');
  return said;
}

describe('a backup', () => {
  it('a backup made under load contains every event acknowledged before it began', async () => {
    const { dataDir, site, apiKey, email, program, acknowledged, send, file } = await stage();
    let over = false;
    const load = inParallel(8, Array.from({ length: 8 }), async () => {
      while (!over) await send();
    });
    await until(
      () => acknowledged.length,
      (count) => count > 300,
    );
    const before = acknowledged.map(pathOf);
    const said = (await json(dataDir, ['backup', file])) as { file: string; events: number; bytes: number };
    over = true;
    await load;
    expect(acknowledged.length, 'events arrived meanwhile').toBeGreaterThan(before.length);
    expect(said).toMatchObject({ file, bytes: statSync(file).size });
    expect(said.events).toBeGreaterThanOrEqual(before.length);
    expect(mode(file)).toBe('600');
    expect(readdirSync(join(file, '..'))).toEqual(['backup.db']);

    const elsewhere = join(await temporaryFolder(), 'new');
    expect(await restoreInto(elsewhere, file)).toMatchObject({ events: said.events });
    expect(mode(elsewhere)).toBe('700');
    for (const name of readdirSync(elsewhere)) expect(mode(join(elsewhere, name)), name).toBe('600');
    const restored = storedPaths(elsewhere, site.id);
    const rows = new Set(restored);
    expect(rows.size, 'nothing twice').toBe(restored.length);
    expect(before.filter((path) => !rows.has(path))).toEqual([]);
    expect(countOf(elsewhere, site.id)).toBe(restored.length);
    expect(rowCounts(elsewhere).events).toBe(said.events);
    await expectSound(elsewhere);

    // The new server is the same instance: it has the same account, keys, sites and count, and recognizes stored events.
    program.kill('SIGTERM');
    await program.exit;
    const url = await startProgram(elsewhere).address;
    const answer = await ask(url, { path: '/api/v1/sites', headers: { authorization: `Bearer ${apiKey}` } });
    expect(answer.json()).toMatchObject({
      sites: [{ id: site.id, key: site.key, events_this_month: restored.length }],
    });
    expect(await json(elsewhere, ['site', 'list', '--account', email])).toEqual(answer.json());
    const agent = connections(8);
    await inParallel(8, acknowledged, async (beacon) => {
      const known = rows.has(pathOf(beacon));
      expect(outcomeOf(await post(url, beacon, { agent }))).toBe(known ? 'duplicate' : 'stored');
    });
    expect(storedPaths(elsewhere, site.id)).toEqual(acknowledged.map(pathOf).sort());
    await expectSound(elsewhere);
    // The old folder is unchanged.
    expect(storedPaths(dataDir, site.id)).toEqual(acknowledged.map(pathOf).sort());
    await expectSound(dataDir);
  });

  it('does not overwrite a file, and needs no running server', async () => {
    const { dataDir, program, place, file } = await stage();
    program.kill('SIGTERM');
    await program.exit;
    const taken = join(place, 'taken');
    writeFileSync(taken, 'somebody’s');
    await refusal(dataDir, 'backup', taken);
    expect(readFileSync(taken, 'utf8')).toBe('somebody’s');
    await refusal(dataDir, 'backup', join(place, 'no', 'such', 'folder'));
    expect(await json(dataDir, ['backup', file])).toMatchObject({ events: 100 });
    expect(readdirSync(place).sort()).toEqual(['backup.db', 'taken']);
  });

  it('a killed backup leaves no file that looks complete, and the next backup works', async () => {
    const { dataDir, site, place, file } = await stage();
    const unfinished = `${file}.unfinished`;
    // If the command ended before the kill, the test tries again.
    let killed = false;
    for (let tries = 0; tries < 10 && !killed; tries++) {
      rmSync(file, { force: true });
      killed = await killedCommand(dataDir, ['backup', file], () => existsSync(unfinished));
      killed &&= existsSync(unfinished);
    }
    expect(killed, 'killed half-way').toBe(true);
    expect(existsSync(file)).toBe(false);
    expect(await json(dataDir, ['backup', file])).toMatchObject({ events: 100 });
    expect(readdirSync(place)).toEqual(['backup.db']);
    const elsewhere = join(await temporaryFolder(), 'new');
    await restoreInto(elsewhere, file);
    expect(countOf(elsewhere, site.id)).toBe(100);
    await expectSound(elsewhere);
  });

  it('lets one backup at a time write to a file; the others fail with a reason', async () => {
    const { dataDir, site, place, file } = await stage();
    const lock = takeLock(`${file}.unfinished-lock`);
    await refusal(dataDir, 'backup', file);
    lock?.release();
    const tried = await Promise.all([1, 2, 3].map(() => command(dataDir, ['backup', file, '--json'])));
    expect(tried.filter(({ code }) => code === 0)).toHaveLength(1);
    for (const { stderr } of tried)
      expect(stderr).toMatch(/^$|Another backup is being written|already exists/);
    expect(readdirSync(place)).toEqual(['backup.db']);
    const elsewhere = join(place, 'restored');
    await restoreInto(elsewhere, file);
    expect(countOf(elsewhere, site.id)).toBe(100);
    await expectSound(elsewhere);
  });

  it.runIf(canMount)(
    'a backup without disk space reports it, leaves nothing behind, and does not disturb the server',
    async () => {
      const { dataDir, site, url, file } = await stage();
      const { path } = await smallDisk(64);
      await refusal(dataDir, 'backup', join(path, 'backup.db'));
      expect(readdirSync(path)).toEqual([]);
      expect(outcomeOf(await post(url, beaconOf(site)))).toBe('stored');
      await json(dataDir, ['backup', file]);
      const target = join(path, 'new');
      mkdirSync(target, { mode: 0o700 });
      await refusal(target, 'restore', file);
      expect(readdirSync(target).filter((name) => !name.startsWith('server.lock'))).toEqual([]);
    },
  );
});

async function restoreInto(dataDir: string, file: string): Promise<Record<string, unknown>> {
  // Commands run in their data folder, which does not exist yet.
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  return json(dataDir, ['restore', file]);
}

describe('a restore', () => {
  it('refuses a folder that contains data or is used by a server', async () => {
    const { dataDir, site, program, url, file } = await stage();
    await json(dataDir, ['backup', file]);
    await refusal(dataDir, 'restore', file);
    expect(outcomeOf(await post(url, beaconOf(site))), 'the server did not notice').toBe('stored');
    program.kill('SIGTERM');
    await program.exit;
    await refusal(dataDir, 'restore', file);
    expect(countOf(dataDir, site.id)).toBe(101);
    await expectSound(dataDir);

    const half = await temporaryFolder();
    writeFileSync(join(half, 'registry.db'), '');
    await refusal(half, 'restore', file);
    expect(existsSync(join(half, 'events.db'))).toBe(false);
  });

  it('refuses a file that is not a complete backup, and leaves nothing behind', async () => {
    const { dataDir, file, place } = await stage();
    await json(dataDir, ['backup', file]);
    const cut = join(place, 'cut.db');
    writeFileSync(cut, readFileSync(file));
    truncateSync(cut, Math.floor(statSync(file).size / 8192) * 4096);
    const noise = join(place, 'noise');
    writeFileSync(noise, Buffer.alloc(100_000, 0xa5));
    for (const source of [cut, noise, join(dataDir, 'registry.db'), join(place, 'missing'), place]) {
      const target = await temporaryFolder();
      await refusal(target, 'restore', source);
      expect(
        readdirSync(target).filter((name) => name !== 'server.lock'),
        source,
      ).toEqual([]);
    }
  });

  it('a killed restore can be repeated', async () => {
    const { dataDir, site, file } = await stage();
    await json(dataDir, ['backup', file]);
    const done = await temporaryFolder();
    await json(done, ['restore', file]);
    const remains: readonly ((target: string) => void)[] = [
      // Halfway through both files,
      (target) => {
        for (const name of ['events.db.restoring', 'registry.db.restoring'])
          writeFileSync(join(target, name), Buffer.alloc(40_000, 0xa5));
      },
      // or when one of them was in place.
      (target) => {
        cpSync(join(done, 'registry.db'), join(target, 'registry.db'));
        cpSync(join(done, 'events.db'), join(target, 'events.db.restoring'));
      },
    ];
    for (const leave of remains) {
      const target = await temporaryFolder();
      leave(target);
      expect(await json(target, ['restore', file])).toMatchObject({ events: 100 });
      expect(countOf(target, site.id)).toBe(100);
      await expectSound(target);
    }
    const killed = await temporaryFolder();
    await killedCommand(killed, ['restore', file], () => existsSync(join(killed, 'events.db.restoring')));
    if (existsSync(join(killed, 'events.db'))) await refusal(killed, 'restore', file);
    else await json(killed, ['restore', file]);
    expect(countOf(killed, site.id)).toBe(100);
    await expectSound(killed);
  });
});
