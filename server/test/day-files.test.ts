import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open as fileHandleOf } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { DAY_MS, utcDay } from '../src/domain/clock.ts';
import type { DamagedDay, Entry, Store } from '../src/store/contract/store.ts';
import { StoreUnavailable } from '../src/store/contract/store.ts';
import { DuckDb } from '../src/store/drivers/duckdb.ts';
import { EventReader } from '../src/store/embedded/reader.ts';
import { appendChecksum } from '../src/store/offline/backup-checksum.ts';
import { backup, restore } from '../src/store/offline/backup-data-dir.ts';
import { inspect } from '../src/store/offline/inspect.ts';
import { addSite } from './faults/support/owner.ts';
import {
  dayFiles,
  dayTexts,
  numbersOf,
  numbersOfRollups,
  openEmbedded,
  someAnswersOf,
} from './support/days.ts';
import { event, SITE } from './support/entries.ts';
import { trafficOf } from './support/generated.ts';
import { temporaryFolder } from './support/paths.ts';

/** The files of days that are over: what is damaged is named, backups have them, and retention reaches into them. */

const DAYS = 3;
const FROM_MS = Date.UTC(2026, 4, 1);
const TO_MS = FROM_MS + DAYS * DAY_MS;
const SOUND = { counters: [], ledger: [], rollups: [], integrity: [] };

const spanOf = (siteId: string) => ({ siteId, fromMs: FROM_MS, toMs: TO_MS });

async function append(store: Store, entries: readonly Entry[]): Promise<void> {
  for (let i = 0; i < entries.length; i += 50)
    await Promise.all(entries.slice(i, i + 50).map((entry) => store.events.append(entry)));
}

async function open(dataDir: string): Promise<Store> {
  const store = await openEmbedded(dataDir);
  onTestFinished(() => store.close());
  return store;
}

/** Opens a store whose first two days are archived, and whose third is sealed. */
async function filled(siteId = SITE, folder?: string): Promise<{ store: Store; dataDir: string }> {
  const dataDir = folder ?? (await temporaryFolder());
  const store = await open(dataDir);
  const traffic = { seed: 31, fromMs: FROM_MS, days: DAYS, perDay: 40, visitors: 6, clockSteps: 0 };
  await append(
    store,
    trafficOf(traffic).map((entry) => ({ ...entry, siteId })),
  );
  await store.reports.sealDaysBefore(utcDay(TO_MS));
  await store.reports.archiveDaysBefore?.(utcDay(TO_MS) - 1);
  return { store, dataDir };
}

/** A data folder with an owner, whose site has archived and sealed days. */
async function owned() {
  const dataDir = await temporaryFolder();
  const { id } = await addSite(dataDir);
  return { siteId: id, ...(await filled(id, dataDir)) };
}

async function complaints(store: Store): Promise<readonly string[]> {
  const { integrity, ...numbers } = await store.events.audit();
  expect(numbers).toEqual({ counters: [], ledger: [], rollups: [] });
  return integrity;
}

describe('a damaged folder of days', () => {
  it('is named, and no report takes a missing file for no visitors', async () => {
    const { store, dataDir, siteId } = await owned();
    const before = await someAnswersOf(store, spanOf(siteId));
    for (const name of dayFiles(dataDir).filter((file) => file.startsWith('2026-05-01'))) {
      const file = join(dataDir, 'days', name);
      const content = readFileSync(file);
      rmSync(file);
      const missing = `${file} is missing`;
      expect(await complaints(store)).toEqual([missing]);
      const refused = expect(someAnswersOf(store, spanOf(siteId)), name);
      // Nothing is asked about the file of leaves, which only a move reads.
      if (name.endsWith('leaves.parquet')) await refused.resolves.toEqual(before);
      else await refused.rejects.toThrow(new StoreUnavailable(`${missing}. See: attractos doctor`));
      await expect(backup({ dataDir, file: `${await temporaryFolder()}/copy` })).rejects.toThrow(missing);
      writeFileSync(file, content);
    }
    expect(await someAnswersOf(store, spanOf(siteId))).toEqual(before);
    expect(await store.events.audit()).toEqual(SOUND);
  });

  it('is named if a byte changed, and neither archived nor backed up', async () => {
    const { store, dataDir } = await owned();
    for (const name of dayFiles(dataDir)) {
      const file = join(dataDir, 'days', name);
      const content = readFileSync(file);
      const changed = Buffer.from(content);
      const middle = Math.floor(content.length / 2);
      changed.writeUInt8(changed.readUInt8(middle) ^ 1, middle);
      writeFileSync(file, changed);
      const differs = `${file} differs from what was written`;
      expect(await complaints(store)).toEqual([differs]);
      await expect(backup({ dataDir, file: `${await temporaryFolder()}/copy` })).rejects.toThrow(differs);
      // The rows of the newest day are still in the events file, and stay there.
      if (name.startsWith('2026-05-03'))
        expect(await store.reports.archiveDaysBefore?.(utcDay(TO_MS))).toBe(utcDay(TO_MS) - 1);
      writeFileSync(file, content);
    }
    expect(await store.reports.archiveDaysBefore?.(utcDay(TO_MS))).toBe(utcDay(TO_MS));
    expect(await store.events.audit()).toEqual(SOUND);
  });

  it('is named if something else is in it, which stays and disturbs nothing', async () => {
    const { store, dataDir } = await filled();
    const [segment = ''] = dayFiles(dataDir).map((file) => file.replace(/\/[^/]*$/, ''));
    const strange = [
      'notes.txt',
      'lost+found',
      '2026-05-01/x',
      '2026-05-01/old.parquet',
      `${segment}/more.parquet`,
    ];
    for (const path of strange) {
      if (path.includes('.')) writeFileSync(join(dataDir, 'days', path), 'x');
      else mkdirSync(join(dataDir, 'days', path));
    }
    const named = strange.map(
      (path) => `${join(dataDir, 'days', path)} does not belong to the data. Remove it`,
    );
    expect([...(await complaints(store))].sort()).toEqual(named.sort());
    await store.events.append(event({ receivedAtMs: TO_MS - 1 }));
    expect(await store.reports.sealDaysBefore(utcDay(TO_MS))).toBe(1);
    for (const path of strange) expect(existsSync(join(dataDir, 'days', path)), path).toBe(true);
  });
});

it('a spill folder that cannot be created is not damage', async () => {
  const { store, dataDir } = await owned();
  await store.close();
  rmSync(join(dataDir, 'days', 'spill'), { recursive: true, force: true });
  writeFileSync(join(dataDir, 'days', 'spill'), '');
  await expect(inspect({ dataDir })).rejects.toThrow(StoreUnavailable);
});

describe('a backup with files of days', () => {
  it('restores to the same answers', async () => {
    const { store, dataDir, siteId } = await owned();
    const before = await someAnswersOf(store, spanOf(siteId));
    const file = `${await temporaryFolder()}/copy`;
    const { events } = await backup({ dataDir, file });
    const restored = await temporaryFolder();
    expect(await restore({ dataDir: restored, file })).toMatchObject({ events });
    expect(dayFiles(restored)).toEqual(dayFiles(dataDir));
    expect(await someAnswersOf(await open(restored), spanOf(siteId))).toEqual(before);
    const again = await open(await copied(restored));
    expect(await again.events.audit()).toEqual(SOUND);
  });

  it.runIf(existsSync('/proc/self/fd'))(
    'is flushed to disk with its folders when it is restored',
    async () => {
      const { dataDir } = await owned();
      const file = join(await temporaryFolder(), 'backup.db');
      await backup({ dataDir, file });
      const handle = await fileHandleOf(file);
      onTestFinished(() => handle.close());
      const flushed: string[] = [];
      const sync = vi.spyOn(Object.getPrototypeOf(handle), 'sync').mockImplementation(async function (
        this: FileHandle,
      ) {
        flushed.push(readlinkSync(`/proc/self/fd/${this.fd}`));
      });
      onTestFinished(() => sync.mockRestore());
      const restored = await temporaryFolder();
      await restore({ dataDir: restored, file });
      const written = dayFiles(restored).flatMap((path) => [
        path,
        dirname(path),
        dirname(dirname(path)),
        '.',
      ]);
      const days = (path: string) => join(restored, 'days.restoring', path);
      expect(new Set(flushed)).toEqual(new Set([...written.map(days), restored]));
      expect(flushed.at(-1)).toBe(restored);
    },
  );

  it('made while days are sealed and written again restores to the same answers', async () => {
    const { store, dataDir, siteId } = await owned();
    const { id: other } = await addSite(dataDir, 'other.example');
    const more = trafficOf({
      seed: 5,
      fromMs: FROM_MS + 2 * DAY_MS,
      days: 1,
      perDay: 30,
      visitors: 5,
      clockSteps: 0,
    });
    const before = await numbersOf(store, spanOf(siteId));
    for (let round = 0; round < 3; round++) {
      await append(
        store,
        more.map((entry) => ({ ...entry, siteId: other })),
      );
      const sealing = store.reports.sealDaysBefore(utcDay(TO_MS));
      const file = `${await temporaryFolder()}/copy`;
      await backup({ dataDir, file });
      await sealing;
      const restored = await temporaryFolder();
      await restore({ dataDir: restored, file });
      const copy = await open(restored);
      expect(await copy.events.audit()).toEqual(SOUND);
      expect(await numbersOf(copy, spanOf(siteId))).toEqual(before);
    }
  });

  it('cannot write anywhere else', async () => {
    const { store, dataDir } = await owned();
    await store.close();
    const folder = await temporaryFolder();
    const file = join(folder, 'copy');
    await backup({ dataDir, file });
    const db = new DatabaseSync(file);
    db.exec(`UPDATE segments SET files = replace(files, '"events"', '"../../../../outside"')`);
    const bytes = Number(
      db.prepare('SELECT page_count * page_size AS n FROM pragma_page_count, pragma_page_size').get()?.n,
    );
    db.close();
    truncateSync(file, bytes);
    await appendChecksum(file);
    const left = join(folder, 'restored');
    await expect(restore({ dataDir: left, file })).rejects.toThrow('is damaged or incomplete');
    expect(readdirSync(folder).sort()).toEqual(['copy', 'restored']);
    expect(dayFiles(left)).toEqual([]);
  });

  it('is not restored over a folder of days, which may be all that is left', async () => {
    const { store, dataDir } = await owned();
    await store.close();
    const file = `${await temporaryFolder()}/copy`;
    await backup({ dataDir, file });
    const left = await temporaryFolder();
    cpSync(join(dataDir, 'days'), join(left, 'days'), { recursive: true });
    await expect(restore({ dataDir: left, file })).rejects.toThrow('already holds data');
    expect(dayFiles(left)).toEqual(dayFiles(dataDir));
    // A killed restore left them, together with what tells that it did.
    writeFileSync(join(left, 'events.db.restoring'), '');
    await restore({ dataDir: left, file });
    expect(await (await open(left)).events.audit()).toEqual(SOUND);
  });
});

async function copied(dataDir: string): Promise<string> {
  const copy = await temporaryFolder();
  cpSync(dataDir, copy, { recursive: true });
  rmSync(join(copy, 'server.lock'), { force: true });
  return copy;
}

/** Where a mark stands in a data folder: in bytes of SQLite's files, or in cells of Parquet files. */
async function placesOf(mark: string, dataDir: string): Promise<string[]> {
  const db = new DatabaseSync(join(dataDir, 'events.db'), { timeout: 5000 });
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  const bytes = ['events.db', 'events.db-wal', 'registry.db', 'registry.db-wal']
    .filter((name) => existsSync(join(dataDir, name)))
    .map((name) => [name, readFileSync(join(dataDir, name))] as const);
  const cells = Object.entries(await dayTexts(dataDir));
  return [...bytes, ...cells].filter(([, content]) => content.includes(mark)).map(([name]) => name);
}

/** Runs the hourly jobs on days once. */
async function upkeep(store: Store): Promise<void> {
  await store.reports.sealDaysBefore(utcDay(TO_MS));
  await store.reports.archiveDaysBefore?.(utcDay(TO_MS) - 1);
  await store.events.collectTexts?.(new AbortController().signal);
}

describe('audits at the same time', () => {
  it('have folders of their own for what does not fit in memory', async () => {
    const { store, dataDir } = await filled();
    const opened = vi.spyOn(DuckDb, 'open');
    onTestFinished(() => opened.mockRestore());
    const reader = new EventReader(join(dataDir, 'events.db'));
    onTestFinished(() => reader.close());
    expect(await Promise.all([reader.audit(), reader.audit()])).toEqual([SOUND, SOUND]);
    const folders = opened.mock.calls.map(([{ spillFolder }]) => spillFolder);
    expect(new Set(folders).size).toBe(2);
    for (const folder of folders) expect(existsSync(folder)).toBe(false);
    expect(await store.events.audit()).toEqual(SOUND);
  });
});

describe('a segment that a server replaces', () => {
  it('is not called missing by an audit that is under way', async () => {
    const { store, dataDir } = await filled();
    const [first = ''] = dayFiles(dataDir);
    const [day = '', no = ''] = first.split('/');
    const folder = (segment: string) => join(dataDir, 'days', day, segment);
    const reader = new EventReader(join(dataDir, 'events.db'));
    onTestFinished(() => reader.close());
    const auditing = reader.audit();
    // It has read which segments there are, and opens their files in later turns of the event loop.
    cpSync(folder(no), folder('99'), { recursive: true });
    const db = new DatabaseSync(join(dataDir, 'events.db'), { timeout: 5000 });
    db.exec(`
      INSERT INTO segments (no, day, site_days, files) SELECT 99, day, site_days, files FROM segments WHERE no = ${no};
      UPDATE sealed_days SET segment = 99 WHERE segment = ${no};
      DELETE FROM segments WHERE no = ${no}`);
    db.close();
    rmSync(folder(no), { recursive: true });
    expect(await auditing).toEqual(SOUND);
    expect(await store.events.audit()).toEqual(SOUND);
  });
});

describe('a day whose events do not match its counter', () => {
  /** A store that has counted one event more on its second day than there are. */
  async function damaged(): Promise<{ store: Store; found: readonly DamagedDay[]; counted: number }> {
    const dataDir = await temporaryFolder();
    const store = await openEmbedded(dataDir);
    const traffic = { seed: 31, fromMs: FROM_MS, days: DAYS, perDay: 40, visitors: 6, clockSteps: 0 };
    await append(store, trafficOf(traffic));
    await store.close();
    const db = new DatabaseSync(join(dataDir, 'events.db'));
    const change = db.prepare('UPDATE counters SET events = events + 1 WHERE day = ? RETURNING events');
    const counted = Number(change.get(utcDay(FROM_MS) + 1)?.events);
    db.close();
    const reopened = await open(dataDir);
    const found: DamagedDay[] = [];
    reopened.reports.onDamagedDay?.((day) => found.push(day));
    return { store: reopened, found, counted };
  }

  it('is reported by each round, and later days are not archived', async () => {
    const { store, found, counted } = await damaged();
    const day = utcDay(FROM_MS) + 1;
    const before = await someAnswersOf(store, spanOf(SITE));
    expect(await store.reports.sealDaysBefore(utcDay(TO_MS))).toBe(DAYS - 1);
    const ofDay = { siteId: SITE, day, counted, rows: counted - 1 };
    expect(found).toEqual([ofDay]);
    expect(store.events.stats?.()).toMatchObject({ daysToSeal: 0, damagedDays: 1 });
    expect(await store.reports.sealDaysBefore(utcDay(TO_MS))).toBe(0);
    expect(found).toEqual([ofDay, ofDay]);
    expect(await store.reports.archiveDaysBefore?.(utcDay(TO_MS))).toBe(day);
    expect(await someAnswersOf(store, spanOf(SITE))).toEqual(before);
  });

  it('keeps rollups of its rows when retention deletes them, and later days are archived', async () => {
    const { store } = await damaged();
    await store.reports.sealDaysBefore(utcDay(TO_MS));
    const before = await numbersOfRollups(store, spanOf(SITE));
    expect(await store.events.expire([{ siteId: SITE, beforeMs: FROM_MS + 2 * DAY_MS }])).toBeGreaterThan(0);
    expect(await numbersOfRollups(store, spanOf(SITE))).toEqual(before);
    await store.reports.sealDaysBefore(utcDay(TO_MS));
    expect(store.events.stats?.()).toMatchObject({ damagedDays: 0 });
    expect(await store.reports.archiveDaysBefore?.(utcDay(TO_MS))).toBe(utcDay(TO_MS));
  });
});

describe('deleted rows of archived days', () => {
  const OTHER = 'site_other000000000';

  /** Two sites that share files. Only the first has the marks. */
  async function marked(): Promise<{ store: Store; dataDir: string }> {
    const { store, dataDir } = await unsealed();
    await upkeep(store);
    return { store, dataDir };
  }

  async function unsealed(): Promise<{ store: Store; dataDir: string }> {
    const dataDir = await temporaryFolder();
    const store = await open(dataDir);
    const traffic = { seed: 33, fromMs: FROM_MS, days: DAYS, perDay: 40, visitors: 6, clockSteps: 0 };
    const marks = (day: number) => ({
      path: `/marked-path-${day}`,
      props: { word: `marked-prop-${day}` },
    });
    await append(store, [
      ...trafficOf(traffic).flatMap((entry) => [entry, { ...entry, siteId: OTHER }]),
      ...Array.from({ length: DAYS }, (_, day) =>
        event({ receivedAtMs: FROM_MS + day * DAY_MS + 1, visitor: 77n, ...marks(day) }),
      ),
    ]);

    return { store, dataDir };
  }

  const details = (day: number) => [`marked-prop-${day}`];

  it('are in no file after retention, but rollups and other sites keep their numbers', async () => {
    const { store, dataDir } = await marked();
    for (const mark of [...details(0), '/marked-path-0'])
      expect(await placesOf(mark, dataDir), mark).not.toEqual([]);
    const [before, others] = [
      await numbersOfRollups(store, spanOf(SITE)),
      await someAnswersOf(store, spanOf(OTHER)),
    ];
    await store.events.expire([{ siteId: SITE, beforeMs: FROM_MS + DAY_MS }]);
    expect(await numbersOfRollups(store, spanOf(SITE))).toEqual(before);
    await upkeep(store);
    for (const mark of details(0)) expect(await placesOf(mark, dataDir), mark).toEqual([]);
    // What rollups count stays, in their file alone.
    expect(await placesOf('/marked-path-0', dataDir)).toEqual([
      expect.stringMatching(/^days\/2026-05-01\/\d+\/rollups\.parquet$/),
    ]);
    for (const mark of details(1)) expect(await placesOf(mark, dataDir), mark).not.toEqual([]);
    expect(await numbersOfRollups(store, spanOf(SITE))).toEqual(before);
    expect(await someAnswersOf(store, spanOf(OTHER))).toEqual(others);
    expect(await store.events.audit()).toEqual(SOUND);
    const { events } = await store.events.page(SITE, { limit: 1_000 });
    expect(events.filter(({ receivedAtMs }) => receivedAtMs < FROM_MS + DAY_MS)).toEqual([]);
  });

  it('leave no string in the events file once only files have it', async () => {
    const { store, dataDir } = await marked();
    for (const mark of details(0))
      expect(await placesOf(mark, dataDir), mark).toEqual([
        expect.stringMatching(/^days\/2026-05-01\/.*events/),
      ]);
    await store.close();
  });

  it('are in no file after their site is removed, and other sites keep their numbers', async () => {
    const { store, dataDir } = await marked();
    const others = await someAnswersOf(store, spanOf(OTHER));
    await store.events.remove(SITE);
    expect(await store.events.holding([SITE, OTHER])).toEqual([OTHER]);
    await store.close();
    // Strings are collected once a day at most, and after a start.
    const reopened = await open(dataDir);
    await upkeep(reopened);
    for (const mark of ['marked-', SITE]) {
      const places = await placesOf(mark, dataDir);
      expect(
        places.filter((place) => mark !== SITE || place.startsWith('days/')),
        mark,
      ).toEqual([]);
    }
    expect(await someAnswersOf(reopened, spanOf(OTHER))).toEqual(others);
    expect(await reopened.events.audit()).toEqual(SOUND);
    expect(await reopened.reports.totals({ ...spanOf(SITE), filters: [] })).toMatchObject({
      events: 0,
      visits: 0,
    });
  });

  it('are in no file after retention by the middle of a day', async () => {
    const { store, dataDir } = await marked();
    const before = await numbersOfRollups(store, spanOf(SITE));
    await store.events.expire([{ siteId: SITE, beforeMs: FROM_MS + DAY_MS + 2 }]);
    await upkeep(store);
    for (const mark of [...details(0), ...details(1)])
      expect(await placesOf(mark, dataDir), mark).toEqual([]);
    expect(await numbersOfRollups(store, spanOf(SITE))).toEqual(before);
    expect(await store.events.audit()).toEqual(SOUND);
    const { events } = await store.events.page(SITE, { limit: 1_000 });
    expect(Math.min(...events.map(({ receivedAtMs }) => receivedAtMs))).toBeGreaterThan(FROM_MS + DAY_MS + 1);
  });
});
