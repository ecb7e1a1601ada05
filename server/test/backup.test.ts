import { copyFileSync, existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BackupError } from '../src/store/offline/backup.ts';
import { appendChecksum } from '../src/store/offline/backup-checksum.ts';
import { backup, restore } from '../src/store/offline/backup-data-dir.ts';
import { openShared, openStore } from '../src/store/open.ts';
import { addOwner } from './faults/support/owner.ts';
import { event } from './support/entries.ts';
import { makeFolder, temporaryFolder } from './support/paths.ts';
import { Random } from './support/random.ts';

/** A damaged backup is refused, wherever the damage is, because a partial restore might look complete. */

const EVENTS = 300;
const CHECKSUM_BYTES = 89;

let folder: Awaited<ReturnType<typeof makeFolder>>;
let file: string;
let email: string;

beforeAll(async () => {
  folder = await makeFolder();
  const dataDir = join(folder.path, 'data');
  const owner = await addOwner(dataDir, 'example.com');
  email = owner.email;
  const store = await openStore({ dataDir, onBroken: () => {} });
  const siteId = owner.sites[0]?.id ?? '';
  await Promise.all(
    Array.from({ length: EVENTS }, (_, i) =>
      store.events.append(event({ siteId, id: String(i).padStart(32, '0'), path: `/page-${i}` })),
    ),
  );
  await store.close();
  file = join(folder.path, 'backup.db');
  await backup({ dataDir, file });
});

afterAll(() => folder.remove());

/** Writes the same backup in the format of the first version, without a checksum. */
function writeFormat1(): string {
  const old = join(folder.path, 'format-1.db');
  copyFileSync(file, old);
  truncateSync(old, readFileSync(file).length - CHECKSUM_BYTES);
  const db = new DatabaseSync(old);
  db.exec('UPDATE backup SET format = 1');
  db.close();
  return old;
}

async function expectRefused(bytes: Buffer, damage: string): Promise<void> {
  const damaged = join(folder.path, 'damaged.db');
  const dataDir = join(folder.path, 'target');
  writeFileSync(damaged, bytes);
  const outcome = await restore({ dataDir, file: damaged }).catch((error: unknown) => error);
  expect(outcome, damage).toBeInstanceOf(BackupError);
  expect((outcome as Error).message).toMatch(/is (not a backup|damaged or incomplete)\b/);
  expect(
    readdirSync(dataDir).filter((name) => name !== 'server.lock'),
    damage,
  ).toEqual([]);
}

/** Changes a backup as someone may who knows how its checksum is computed. */
async function crafted(sql: string): Promise<Buffer> {
  const made = join(folder.path, 'crafted.db');
  copyFileSync(file, made);
  truncateSync(made, readFileSync(file).length - CHECKSUM_BYTES);
  const db = new DatabaseSync(made, { enableForeignKeyConstraints: false });
  db.exec(sql);
  db.close();
  await appendChecksum(made);
  return readFileSync(made);
}

/** Replaces a table by one with another definition and the same rows. */
const redefined = (table: string, change: string) => `
  CREATE TABLE made AS SELECT * FROM ${table}; DROP TABLE ${table};
  CREATE TABLE ${table} (${change}); DROP TABLE made;`;

async function expectRestored(from: string): Promise<void> {
  const dataDir = await temporaryFolder();
  expect(await restore({ dataDir, file: from })).toMatchObject({ events: EVENTS });
  const { registry, close } = await openShared({ dataDir });
  expect(await registry.accountByEmail(email)).toMatchObject({ email });
  await close();
}

/** Returns typical lengths of a truncated file: empty, around the header, each page boundary, the end, and some between. */
function lengths(size: number, random: Random): Set<number> {
  const found = new Set([0, 1, 15, 16, 99, 100, 101]);
  for (let border = 4096; border <= size + 4096; border += 4096)
    for (const length of [border - 1, border, border + 1]) found.add(length);
  for (let cut = 1; cut <= CHECKSUM_BYTES + 2; cut++) found.add(size - cut);
  for (let i = 0; i < 50; i++) found.add(random.below(size));
  found.delete(size);
  return found;
}

function resized(whole: Buffer, length: number): Buffer {
  return Buffer.concat([whole.subarray(0, length), Buffer.alloc(Math.max(0, length - whole.length))]);
}

describe('a backup', () => {
  it('restores a complete backup, also in format 1', async () => {
    await expectRestored(file);
    await expectRestored(writeFormat1());
  });

  it.each([
    ['', () => file],
    [' of format 1', writeFormat1],
  ])('%s that is cut or padded is refused', async (_, write) => {
    const random = Random.fromEnvironment();
    const whole = readFileSync(write());
    for (const length of lengths(whole.length, random))
      await expectRefused(resized(whole, length), `${length} of ${whole.length} bytes, SEED=${random.seed}`);
  });

  it('refuses a backup with any flipped bit', async () => {
    const random = Random.fromEnvironment();
    const whole = readFileSync(file);
    const places = [
      ...Array.from({ length: 100 }, (_, i) => i),
      ...Array.from({ length: CHECKSUM_BYTES }, (_, i) => whole.length - 1 - i),
      ...Array.from({ length: 200 }, () => random.below(whole.length)),
    ];
    for (const at of places) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
      await expectRefused(flipped, `byte ${at}, SEED=${random.seed}`);
    }
  });

  it('refuses a backup of format 1 with a page of noise or zeros', async () => {
    const whole = readFileSync(writeFormat1());
    for (const noise of [0, 0xa5])
      for (let at = 4096; at < whole.length; at += 4096)
        await expectRefused(Buffer.from(whole).fill(noise, at, at + 4096), `page at ${at}, ${noise}`);
  });

  it.each([
    ['a trigger', `CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM counters; END`],
    ['a view', 'CREATE VIEW v AS SELECT * FROM events'],
    ['a view in place of a table', 'DROP TABLE bots; CREATE VIEW bots AS SELECT * FROM events'],
    ['a virtual table', 'CREATE VIRTUAL TABLE v USING fts5(x)'],
    ['an index of an expression', 'CREATE INDEX i ON events (abs(at))'],
    ['an index of a registry table', 'CREATE INDEX i ON registry_sites (lower(domain))'],
    ['an unknown column of events', 'ALTER TABLE events ADD COLUMN more INT'],
    ['an unknown column of accounts', 'ALTER TABLE registry_accounts ADD COLUMN "a) --"'],
    [
      'a computed column',
      'ALTER TABLE registry_accounts DROP COLUMN totp_step; ALTER TABLE registry_accounts ADD COLUMN totp_step AS (1)',
    ],
    ['another definition of a table', redefined('expired', 'site, before_at CHECK (abs(before_at) > 0)')],
    ['a table missing', 'DROP TABLE ledger'],
    ['a registry table missing', 'DROP TABLE registry_accounts'],
    ['a column missing', 'ALTER TABLE registry_accounts DROP COLUMN password_hash'],
    ['a log of its own', 'PRAGMA journal_mode = WAL; CREATE VIEW v AS SELECT 1'],
    ['no version', 'PRAGMA user_version = 0'],
    ['no format', 'DELETE FROM backup'],
    [
      'no accounts or sites',
      'DELETE FROM registry_accounts; DELETE FROM registry_sites; DELETE FROM registry_site_keys',
    ],
    ['a segment elsewhere', `INSERT INTO segments VALUES (1, 1, 1, '{"../../x":{"sha256":""}}')`],
    ['a segment of no day', `INSERT INTO segments VALUES (1, 1e15, 1, '{"events":{"sha256":""}}')`],
    ['a segment that is not JSON', `INSERT INTO segments VALUES (1, 1, 1, '{')`],
    ['other files of days', `INSERT INTO segments VALUES (1, 1, 1, '{"events":{"sha256":"ab"}}')`],
  ])('refuses a backup with a valid checksum and %s', async (damage, sql) => {
    await expectRefused(await crafted(sql), damage);
  });

  it('refuses a backup with a valid checksum of a damaged structure', async () => {
    const whole = readFileSync(file);
    const copy = join(folder.path, 'noise.db');
    const pages = (whole.length - CHECKSUM_BYTES) / 4096;
    for (const page of [1, Math.floor(pages / 2), pages - 1]) {
      writeFileSync(copy, whole.subarray(0, -CHECKSUM_BYTES).fill(0xa5, page * 4096, (page + 1) * 4096));
      await appendChecksum(copy);
      await expectRefused(readFileSync(copy), `page ${page}`);
      whole.set(readFileSync(file));
    }
  });

  it('drops tables of other programs, whatever their names', async () => {
    const harmed = join(folder.path, 'harmed.db');
    const harm = `registry_x AS SELECT 1; ATTACH DATABASE '${harmed}' AS harmed; CREATE TABLE harmed.t (x); --`;
    const made = join(folder.path, 'other-tables.db');
    writeFileSync(
      made,
      await crafted(`
        CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER); CREATE INDEX by_seq ON _litestream_seq (seq);
        CREATE TABLE "${harm}" (x); CREATE TABLE "registry_""" (x);`),
    );
    await expectRestored(made);
    expect(existsSync(harmed)).toBe(false);
  });
});
