import { appendFileSync, copyFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/paths.ts';
import { startProgram } from '../support/program.ts';
import {
  addSite,
  countOf,
  expectSound,
  expectSoundHere,
  ledgerOf,
  storedPaths,
} from './support/installation.ts';
import { beaconOf, outcomeOf, pathOf, post } from './support/pages.ts';
import { PATIENT } from './support/patience.ts';

/**
 * What a power cut leaves at the end of the write-ahead log: half a frame, half a transaction, old sectors, noise. Up to the
 * last commit everything counts; after it nothing does. The log's layout: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/** A folder as a kill left it, with the events that were acknowledged before. */
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

/** Bytes of one frame of a log. */
function frameBytes(log: Buffer): number {
  return FRAME_HEADER_BYTES + log.readUInt32BE(8);
}

/**
 * The log with one more transaction at its end, as it would be had the machine not stopped: made in a copy of the folder by
 * another writer, which does not close, so that the log stays.
 */
async function logWithOneMore(dataDir: string): Promise<Buffer> {
  const copy = await temporaryFolder();
  cpSync(dataDir, copy, { recursive: true });
  const db = new DatabaseSync(join(copy, 'events.db'));
  try {
    db.exec('PRAGMA wal_autocheckpoint = 0; BEGIN IMMEDIATE');
    // Far more than a page: an unacknowledged event with everything that belongs to it.
    db.exec('INSERT INTO texts (hash, text) VALUES (1, hex(randomblob(20000)))');
    db.exec('UPDATE counters SET events = events + 1000; UPDATE ledger SET count = count + 1000');
    db.exec('COMMIT');
    return readFileSync(join(copy, 'events.db-wal'));
  } finally {
    db.close();
  }
}

type Killed = Awaited<ReturnType<typeof killedInstallation>>;

/** Another folder in the same state. */
async function copyOf(killed: Killed): Promise<Killed> {
  const dataDir = await temporaryFolder();
  cpSync(killed.dataDir, dataDir, { recursive: true });
  return { ...killed, dataDir };
}

/** A server starts on the folder, has every event, and takes more. */
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

describe('a log whose end is torn', PATIENT, () => {
  it('by anything after the last commit: every event is there, and more are taken', async () => {
    const killed = await killedInstallation();
    const log = readFileSync(join(killed.dataDir, 'events.db-wal'));
    expect(log.length, 'the log was in use').toBeGreaterThan(HEADER_BYTES);
    const tails = [
      Buffer.alloc(0),
      Buffer.from('x'),
      Buffer.alloc(10_000),
      Buffer.alloc(50_001, 0xa5),
      // A frame of before, and all of them: what a reused sector may hold.
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

  it('in the middle of a transaction, at any place: that transaction never was', async () => {
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
    // A sector of the transaction's middle never reached the disk.
    const hole = Buffer.from(after);
    hole.fill(0xa5, before.length + frame + 512, before.length + frame + 1024);
    writeFileSync(file, hole);
    await expectWhole(killed);
  });

  it('and its index is noise or gone: it is made anew', async () => {
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

  it('in the registry: accounts and keys are there', async () => {
    const killed = await killedInstallation();
    appendFileSync(join(killed.dataDir, 'registry.db-wal'), Buffer.alloc(4_120, 0xa5));
    await expectWhole(killed);
  });
});
