import { appendFileSync, copyFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/paths.ts';
import { startProgram } from '../support/program.ts';
import {
  addSite,
  countOf,
  examine,
  expectSound,
  expectSoundHere,
  ledgerOf,
  storedPaths,
} from './support/owner.ts';
import { beaconOf, outcomeOf, pathOf, post } from './support/pages.ts';

/**
 * What a power cut can leave at the end of the write-ahead log: half a frame, half a transaction, old sectors, noise.
 * Everything up to the last commit counts, and nothing after it. The log's layout:
 * https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/** Creates a folder as a kill leaves it, with the events that were acknowledged before. */
async function killedInstallation() {
  const dataDir = await temporaryFolder();
  const site = await addSite(dataDir);
  const program = startProgram(dataDir);
  const url = await program.address;
  const acknowledged: string[] = [];
  for (let i = 0; i < 30; i++) {
    const beacon = beaconOf(site);
    expect(outcomeOf(await post(url, beacon))).toBe('stored');
    acknowledged.push(pathOf(beacon));
  }
  program.kill('SIGKILL');
  await program.exit;
  return { dataDir, site, acknowledged: acknowledged.sort() };
}

/** Starts a server and stops it. @returns what it said on standard error */
async function startedOnce(dataDir: string): Promise<string> {
  const program = startProgram(dataDir);
  await program.address;
  program.kill('SIGTERM');
  expect(await program.exit).toEqual({ code: 0, signal: null });
  return program.stderr();
}

/** Returns the size of one frame of a log, in bytes. */
function frameBytes(log: Buffer): number {
  return FRAME_HEADER_BYTES + log.readUInt32BE(8);
}

/** Returns how many bytes of a log are in use: frames after them are from before the log last began anew. */
function usedBytes(log: Buffer): number {
  const salts = log.subarray(16, 24);
  let end = HEADER_BYTES;
  while (log.subarray(end + 8, end + 16).equals(salts)) end += frameBytes(log);
  return end;
}

/**
 * Returns the log with one more transaction at its end, as if the machine had not stopped. Another writer adds it to a copy of
 * the folder, and does not close, so that the log remains.
 */
async function logWithOneMore(dataDir: string): Promise<Buffer> {
  const copy = await temporaryFolder();
  cpSync(dataDir, copy, { recursive: true });
  const db = new DatabaseSync(join(copy, 'events.db'));
  try {
    db.exec('PRAGMA wal_autocheckpoint = 0; BEGIN IMMEDIATE');
    // Much larger than a page: an unacknowledged event with all its data.
    db.exec('INSERT INTO texts (hash, text) VALUES (1, hex(randomblob(20000)))');
    db.exec('UPDATE counters SET events = events + 1000; UPDATE ledger SET count = count + 1000');
    db.exec('COMMIT');
    return readFileSync(join(copy, 'events.db-wal'));
  } finally {
    db.close();
  }
}

type Killed = Awaited<ReturnType<typeof killedInstallation>>;

/** Copies a folder in its current state. */
async function copyOf(killed: Killed): Promise<Killed> {
  const dataDir = await temporaryFolder();
  cpSync(killed.dataDir, dataDir, { recursive: true });
  return { ...killed, dataDir };
}

/** Asserts that a server starts on the folder, has every event and accepts more. */
async function expectWhole({ dataDir, site, acknowledged }: Killed) {
  const program = startProgram(dataDir);
  const url = await program.address;
  expect(storedPaths(dataDir, site.id)).toEqual(acknowledged);
  expect(ledgerOf(dataDir, site.id)).toEqual({ stored: acknowledged.length });
  expect(outcomeOf(await post(url, beaconOf(site)))).toBe('stored');
  expect(countOf(dataDir, site.id)).toBe(acknowledged.length + 1);
  program.kill('SIGTERM');
  expect(await program.exit).toEqual({ code: 0, signal: null });
  await expectSoundHere(dataDir);
}

describe('a torn write-ahead log', () => {
  it('keeps every event if it is torn after the last commit', async () => {
    const killed = await killedInstallation();
    const log = readFileSync(join(killed.dataDir, 'events.db-wal'));
    expect(log.length, 'the log was in use').toBeGreaterThan(HEADER_BYTES);
    const tails = [
      Buffer.alloc(0),
      Buffer.from('x'),
      Buffer.alloc(10_000),
      Buffer.alloc(50_001, 0xa5),
      // The content that a reused sector may have: one earlier frame, or all of them.
      log.subarray(HEADER_BYTES, HEADER_BYTES + frameBytes(log)),
      log,
    ];
    for (const tail of tails) {
      const torn = await copyOf(killed);
      appendFileSync(join(torn.dataDir, 'events.db-wal'), tail);
      await expectWhole(torn);
      if (tail === log) await expectSound(torn.dataDir);
    }
  });

  it('rolls back a transaction that is torn at any place', async () => {
    const killed = await killedInstallation();
    const { dataDir, acknowledged } = killed;
    const file = join(dataDir, 'events.db-wal');
    const before = readFileSync(file);
    const after = await logWithOneMore(dataDir);
    expect(after.subarray(0, before.length).equals(before), 'the same log, and longer').toBe(true);
    const frame = frameBytes(after);
    expect(after.length - before.length).toBeGreaterThan(3 * frame);
    const cuts = [1, FRAME_HEADER_BYTES, frame - 1, frame, frame + 100, after.length - before.length - 1];
    for (const cut of cuts) {
      const { dataDir: torn } = await copyOf(killed);
      writeFileSync(join(torn, 'events.db-wal'), after.subarray(0, before.length + cut));
      expect(storedPaths(torn, killed.site.id), `cut after ${cut} bytes`).toEqual(acknowledged);
      expect(countOf(torn, killed.site.id)).toBe(acknowledged.length);
      await expectSoundHere(torn);
    }
    // A sector in the middle of the transaction never reached the disk.
    const hole = Buffer.from(after);
    hole.fill(0xa5, before.length + frame + 512, before.length + frame + 1024);
    writeFileSync(file, hole);
    await expectWhole(killed);
  });

  it('rebuilds an index that is damaged or missing', async () => {
    const killed = await killedInstallation();
    const [noise, another, gone] = [await copyOf(killed), await copyOf(killed), await copyOf(killed)];
    const index = join(noise.dataDir, 'events.db-shm');
    const size = readFileSync(index).length;
    writeFileSync(index, Buffer.alloc(size - 100, 0x5a));
    await expectWhole(noise);
    copyFileSync(join(another.dataDir, 'registry.db-shm'), join(another.dataDir, 'events.db-shm'));
    await expectWhole(another);
    rmSync(join(gone.dataDir, 'events.db-shm'));
    await expectWhole(gone);
  });

  it.each([
    {
      name: 'damaged in its middle',
      harm: (log: Buffer, middle: number) => log.fill(0xa5, middle, middle + 9),
    },
    { name: 'cut in half', harm: (log: Buffer, middle: number) => log.subarray(0, middle) },
    { name: 'emptied', harm: () => Buffer.alloc(0) },
  ])('that is $name is reported, with the number of commits that are missing', async ({ harm }) => {
    const killed = await killedInstallation();
    await startedOnce(killed.dataDir);
    const program = startProgram(killed.dataDir);
    const url = await program.address;
    // While this one reads, no checkpoint takes the next events out of the log.
    using reader = new DatabaseSync(join(killed.dataDir, 'events.db'), { readOnly: true });
    reader.exec('BEGIN; SELECT count(*) FROM counters');
    for (let i = 0; i < 20; i++) {
      const beacon = beaconOf(killed.site);
      expect(outcomeOf(await post(url, beacon))).toBe('stored');
      killed.acknowledged.push(pathOf(beacon));
    }
    program.kill('SIGKILL');
    await program.exit;
    const { dataDir, site, acknowledged } = await copyOf(killed);
    const file = join(dataDir, 'events.db-wal');
    const log = readFileSync(file);
    writeFileSync(file, harm(log, usedBytes(log) >> 1));
    const missing = acknowledged.length - storedPaths(dataDir, site.id).length;
    expect(missing).toBeGreaterThan(1);
    const said = `lacks its last ${missing} commits of acknowledged events`;
    expect((await examine(dataDir)).get('files')).toMatchObject({
      ok: false,
      found: expect.stringContaining(said),
    });
    expect(await startedOnce(dataDir)).toContain(said);
    expect(await startedOnce(dataDir), 'said once').toBe('');
    await expectSound(dataDir);
  });

  it('keeps accounts and keys of the registry', async () => {
    const killed = await killedInstallation();
    appendFileSync(join(killed.dataDir, 'registry.db-wal'), Buffer.alloc(4_120, 0xa5));
    await expectWhole(killed);
  });
});
