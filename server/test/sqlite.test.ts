import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DAY_MS, utcDay } from '../src/domain/clock.ts';
import { type Store, StoreBusy, StoreUnavailable } from '../src/store/contract/store.ts';
import { DataDirInUse } from '../src/store/data-dir.ts';
import { openShared, openStore } from '../src/store/open.ts';
import { WAITING_PER_ASKER_MAX } from '../src/store/shared/fair-queue.ts';
import { describeRegistry } from './registry-contract.ts';
import { describeStore } from './store-contract.ts';
import { NOON_MS } from './support/clock.ts';
import { event, SITE } from './support/entries.ts';
import { temporaryFolder } from './support/paths.ts';

/** Opens the embedded engine; no test here may corrupt its files. */
function open(dataDir: string): Promise<Store> {
  return openStore({
    dataDir,
    onBroken: (error) => {
      throw error;
    },
  });
}

/** Changes a file of the engine from outside, as another process can. */
function alter(file: string, sql: string): void {
  const db = new DatabaseSync(file, { timeout: 5000 });
  db.exec(sql);
  db.close();
}

describeStore({
  name: 'SQLite',
  open,
  async failCommits(place) {
    const file = join(place, 'events.db');
    // Rows and deduplication keys are written before the ledger, so the commit fails with much of it done.
    alter(
      file,
      "CREATE TRIGGER fault BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END;" +
        "CREATE TRIGGER fault2 BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END;" +
        "CREATE TRIGGER fault3 BEFORE INSERT ON leaves BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END;",
    );
    return async () => alter(file, 'DROP TRIGGER fault; DROP TRIGGER fault2; DROP TRIGGER fault3;');
  },
  queueEntries: 10_000,
  ledgerHosts: 100,
  propertyRuns: 40,
  hasReports: true,
});

describeRegistry({
  name: 'SQLite',
  newPlace: temporaryFolder,
  open: (place) => openShared({ dataDir: place }),
  readsNulAs: '\0',
});

describe('SQLite in particular', () => {
  it('waits for a lock of another process, and reports a longer one as unavailable', async () => {
    const dataDir = await temporaryFolder();
    const store = await open(dataDir);
    onTestFinished(() => store.close());
    const other = new DatabaseSync(join(dataDir, 'events.db'));
    onTestFinished(() => other.close());
    other.exec('BEGIN IMMEDIATE');
    await expect(store.events.append(event({ id: 'x' }))).rejects.toThrow(StoreUnavailable);
    const waiting = store.events.append(event({ id: 'x' }));
    other.exec('ROLLBACK');
    expect(await waiting).toBe('stored');
    expect((await store.events.countBySite([SITE], { firstDay: 0, lastDay: 99_999 })).get(SITE)).toBe(1);
  });

  it('flushes every commit to disk: write-ahead log and synchronous=FULL', async () => {
    const dataDir = await temporaryFolder();
    const store = await open(dataDir);
    onTestFinished(() => store.close());
    const db = new DatabaseSync(join(dataDir, 'events.db'), { readOnly: true });
    onTestFinished(() => db.close());
    expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    const driver = readFileSync(new URL('../src/store/drivers/sqlite.ts', import.meta.url), 'utf8');
    expect(driver).toContain('PRAGMA synchronous = FULL');
  });

  it('makes its folder and files private', async () => {
    const dataDir = join(await temporaryFolder(), 'new', 'data');
    const before = process.umask(0o077);
    onTestFinished(() => {
      process.umask(before);
    });
    const store = await open(dataDir);
    onTestFinished(() => store.close());
    await store.events.append(event());
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(dataDir)) expect(statSync(join(dataDir, name)).mode & 0o077).toBe(0);
  });

  it('refuses a second server on a folder until the first has ended', async () => {
    const dataDir = await temporaryFolder();
    const first = await open(dataDir);
    await expect(open(dataDir)).rejects.toThrow(DataDirInUse);
    await expect(open(dataDir)).rejects.toThrow(dataDir);
    await first.close();
    await (await open(dataDir)).close();
  });

  it('answers commands before, beside and after a server', async () => {
    const dataDir = await temporaryFolder();
    const range = { firstDay: 0, lastDay: 99_999 };
    const shared = async () => {
      const opened = await openShared({ dataDir });
      const counts = await opened.events.countBySite([SITE], range);
      await opened.close();
      return counts.get(SITE);
    };
    expect(await shared()).toBe(0);
    const store = await open(dataDir);
    expect(await shared()).toBe(0);
    await store.events.append(event());
    expect(await shared()).toBe(1);
    await store.close();
    expect(await shared()).toBe(1);
  });

  it('answers a short query while long ones run', async () => {
    const store = await open(await temporaryFolder());
    onTestFinished(() => store.close());
    await Promise.all(Array.from({ length: 2_000 }, (_, i) => store.events.append(event({ id: `e${i}` }))));
    const range = { firstDay: 0, lastDay: 99_999 };
    // Starts both threads and lets them warm up.
    await store.reports.sealDaysBefore(0);
    await store.events.countBySite([SITE], range);
    const answered: string[] = [];
    const long = Array.from({ length: 50 }, () =>
      store.reports
        .breakdown({ siteId: SITE, fromMs: NOON_MS - DAY_MS, toMs: NOON_MS + DAY_MS, filters: [] }, 'page', {
          limit: 1_000,
        })
        .then(() => answered.push('long')),
    );
    const short = store.events.countBySite([SITE], range).then(() => answered.push('short'));
    await Promise.all([...long, short]);
    expect(answered.at(-1)).toBe('long');
  });

  it('reads on separate threads, without blocking the event loop', async () => {
    const store = await open(await temporaryFolder());
    onTestFinished(() => store.close());
    await store.events.append(event());
    const range = { firstDay: 0, lastDay: 99_999 };
    const questions = {
      page: () => store.events.page(SITE, { limit: 1 }),
      ledger: () => store.events.ledger(SITE, range),
      keyUse: () => store.events.keyUse(SITE),
      countBySite: () => store.events.countBySite([SITE], range),
      holding: () => store.events.holding([SITE]),
      audit: () => store.events.audit(),
    };
    for (const [name, ask] of Object.entries(questions)) {
      let isAnswered = false;
      const answer = ask().then(() => {
        isAnswered = true;
      });
      // Microtasks alone bring no response: a thread's message needs a turn of the event loop.
      for (let i = 0; i < 100; i++) await null;
      expect(isAnswered, name).toBe(false);
      await answer;
    }
  });

  it('refuses a query if too many are waiting, and answers the others', async () => {
    const store = await open(await temporaryFolder());
    onTestFinished(() => store.close());
    await store.events.append(event());
    const range = { firstDay: 0, lastDay: 99_999 };
    const queries: Record<string, { most: number; ask: () => Promise<unknown> }> = {
      ledger: { most: 200, ask: () => store.events.ledger(SITE, range) },
      // One is being answered.
      page: { most: 1 + WAITING_PER_ASKER_MAX, ask: () => store.events.page(SITE, { limit: 1 }) },
    };
    for (const [name, { most, ask }] of Object.entries(queries)) {
      const asked = Array.from({ length: most + 1 }, ask);
      const outcomes = await Promise.allSettled(asked);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(most);
      await expect(asked.at(-1), name).rejects.toThrow(StoreBusy);
      expect(await ask(), name).toBeDefined();
    }
  });

  it('refuses files of a newer version without changing them', async () => {
    const dataDir = await temporaryFolder();
    await (await open(dataDir)).close();
    for (const file of ['events.db', 'registry.db']) {
      const path = join(dataDir, file);
      const db = new DatabaseSync(path);
      const version = Number(db.prepare('PRAGMA user_version').get()?.user_version);
      db.exec('PRAGMA user_version = 9999');
      db.close();
      await expect(open(dataDir)).rejects.toThrow(/newer version/);
      alter(path, `PRAGMA user_version = ${version}`);
      await (await open(dataDir)).close();
    }
  });

  it('leaves nothing of a destroyed salt in its files', async () => {
    const dataDir = await temporaryFolder();
    const store = await open(dataDir);
    const day = utcDay(NOON_MS);
    const salt = Buffer.from(await store.registry.saltOf(day - 1, day - 1));
    await store.registry.saltOf(day, day);
    await store.close();
    for (const name of readdirSync(dataDir))
      expect(readFileSync(join(dataDir, name)).includes(salt)).toBe(false);
  });
});
