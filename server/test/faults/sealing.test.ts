import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DAY_MS, utcDay } from '../../src/domain/clock.ts';
import type { Entry, Store } from '../../src/store/contract/store.ts';
import { dayFiles, openEmbedded, someAnswersOf } from '../support/days.ts';
import { bot, event, SITE } from '../support/entries.ts';
import { trafficOf } from '../support/generated.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { startProgram } from '../support/program.ts';
import { Recount } from '../support/recount.ts';

/** Wherever the work on files of days is cut off, every answer stays right, and the next run finishes the work. */

const DAYS = 4;
const FROM_MS = Date.UTC(2026, 4, 1);
const TO_MS = FROM_MS + DAYS * DAY_MS;
const SPAN = { siteId: SITE, fromMs: FROM_MS, toMs: TO_MS };
const SOUND = { counters: [], ledger: [], rollups: [], integrity: [] };
/** Kills of one folder, each at another step. */
const KILLS = 3;

async function open(dataDir: string): Promise<Store> {
  const store = await openEmbedded(dataDir);
  onTestFinished(() => store.close());
  return store;
}

const traffic = trafficOf({ seed: 41, fromMs: FROM_MS, days: DAYS, perDay: 60, visitors: 7, clockSteps: 0 });
const others = trafficOf({ seed: 42, fromMs: FROM_MS, days: DAYS, perDay: 10, visitors: 3, clockSteps: 0 });

async function append(store: Store, entries: readonly Entry[]): Promise<void> {
  for (let i = 0; i < entries.length; i += 50)
    await Promise.all(entries.slice(i, i + 50).map((entry) => store.events.append(entry)));
}

/** A data folder with four days of two sites, none of them sealed. */
async function prepared(): Promise<{ dataDir: string; answers: Record<string, unknown> }> {
  const dataDir = await temporaryFolder();
  const store = await openEmbedded(dataDir);
  await append(store, traffic);
  await append(
    store,
    others.map((entry) => ({ ...entry, siteId: 'site_other000000000' })),
  );
  const answers = await someAnswersOf(store, SPAN);
  expect(await store.reports.totals({ ...SPAN, filters: [] })).toEqual(
    new Recount(traffic).measures(FROM_MS, TO_MS, []),
  );
  await store.close();
  return { dataDir, answers };
}

/** Makes a statement of the writer fail, from another process, until the returned function is called. */
function failing(dataDir: string, ...statements: readonly string[]): () => void {
  const alter = (sql: string) => {
    const db = new DatabaseSync(join(dataDir, 'events.db'), { timeout: 5000 });
    db.exec(sql);
    db.close();
  };
  const triggers = statements.map((statement, i) => [`fault_${i}`, statement] as const);
  for (const [name, statement] of triggers)
    alter(`CREATE TRIGGER ${name} BEFORE ${statement} BEGIN SELECT RAISE(ABORT, 'cut off here'); END`);
  return () => {
    for (const [name] of triggers) alter(`DROP TRIGGER ${name}`);
  };
}

function numberOf(dataDir: string, sql: string): number {
  const db = new DatabaseSync(join(dataDir, 'events.db'), { readOnly: true, timeout: 5000 });
  try {
    return Number(Object.values(db.prepare(sql).get() ?? {})[0]);
  } finally {
    db.close();
  }
}

/** Reopens a folder, compares all answers, finishes the work, and compares again. */
async function expectToGoOn(dataDir: string, answers: Record<string, unknown>): Promise<void> {
  const store = await open(dataDir);
  expect(await someAnswersOf(store, SPAN)).toEqual(answers);
  expect(await store.events.audit()).toEqual(SOUND);
  await store.reports.sealDaysBefore(utcDay(TO_MS));
  expect(await store.reports.archiveDaysBefore?.(utcDay(TO_MS))).toBe(utcDay(TO_MS));
  expect(numberOf(dataDir, 'SELECT count(*) FROM sealed_days')).toBe(2 * DAYS);
  for (const table of ['events', 'bots', 'leaves', 'visits'])
    expect(numberOf(dataDir, `SELECT count(*) FROM ${table}`), table).toBe(0);
  // No file is left that no segment has.
  expect(new Set(dayFiles(dataDir).map((file) => file.split('/')[1])).size).toBe(
    numberOf(dataDir, 'SELECT count(*) FROM segments'),
  );
  expect(await someAnswersOf(store, SPAN)).toEqual(answers);
  expect(await store.events.audit()).toEqual(SOUND);
  await store.close();
}

/** Lists the folders of segments that are in their place, also while a server works. */
function foldersOf(dataDir: string): string[] {
  const folder = join(dataDir, 'days');
  const days = namesIn(folder).filter((name) => /^\d/.test(name));
  return days.flatMap((day) => namesIn(join(folder, day)).map((name) => join(day, name)));
}

/** Lists what is in a folder, which the server may delete at any moment. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

describe('work on files of days that is cut off', () => {
  it(`is finished after kill -9 during sealing, ${KILLS} times on one folder`, async () => {
    const { dataDir, answers } = await prepared();
    const unfinished = join(dataDir, 'days', 'unfinished');
    let kills = 0;
    for (let round = 0; round < KILLS; round++) {
      const program = startProgram(dataDir);
      let hasEnded = false;
      program.exit.finally(() => {
        hasEnded = true;
      });
      const written = foldersOf(dataDir).length;
      // At the first file of a segment, then in the middle of one, then once it is in its place, and so on.
      const isSo = [
        () => existsSync(unfinished),
        () => namesIn(unfinished).length > 2,
        () => foldersOf(dataDir).length > written && !existsSync(unfinished),
      ][round % 3];
      while (
        !hasEnded &&
        isSo?.() === false &&
        numberOf(dataDir, 'SELECT count(*) FROM sealed_days') < 2 * DAYS
      )
        await new Promise((resolve) => setImmediate(resolve));
      program.kill('SIGKILL');
      if ((await program.exit).signal === 'SIGKILL') kills += 1;
      const store = await openEmbedded(dataDir);
      expect(await store.events.audit()).toEqual(SOUND);
      expect(await store.reports.totals({ ...SPAN, filters: [] })).toEqual(answers.totals);
      await store.close();
    }
    expect(kills).toBe(KILLS);
    await expectToGoOn(dataDir, answers);
  });

  it('is finished if a segment was in its place, but not named', async () => {
    const { dataDir, answers } = await prepared();
    const mend = failing(dataDir, 'INSERT ON segments');
    const store = await open(dataDir);
    await expect(store.reports.sealDaysBefore(utcDay(TO_MS))).rejects.toThrow('cut off here');
    await store.close();
    expect(dayFiles(dataDir)).not.toEqual([]);
    // Another of the same number, of a day that is not the first to be sealed.
    const [day = ''] = readdirSync(join(dataDir, 'days')).filter((name) => name.startsWith('2026'));
    const other = day === '2026-05-02' ? '2026-05-03' : '2026-05-02';
    cpSync(join(dataDir, 'days', day), join(dataDir, 'days', other), { recursive: true });
    mend();
    // Retention seals a day before the leftovers are deleted.
    const reopened = await open(dataDir);
    expect(await reopened.events.expire([{ siteId: 'site_other000000000', beforeMs: FROM_MS + 1 }])).toBe(0);
    await reopened.close();
    await expectToGoOn(dataDir, answers);
  });

  it('is finished if files are left of a segment that was being written', async () => {
    const { dataDir, answers } = await prepared();
    mkdirSync(join(dataDir, 'days', 'unfinished'), { recursive: true });
    writeFileSync(join(dataDir, 'days', 'unfinished', 'events.parquet'), 'PAR1');
    await expectToGoOn(dataDir, answers);
  });

  it.each(['events', 'leaves', 'bots', 'visits'])(
    'is finished if archived rows of %s were not deleted',
    async (table) => {
      const { dataDir, answers } = await prepared();
      const store = await open(dataDir);
      await store.reports.sealDaysBefore(utcDay(TO_MS));
      const mend = failing(dataDir, `DELETE ON ${table}`);
      await expect(store.reports.archiveDaysBefore?.(utcDay(TO_MS))).rejects.toThrow('cut off here');
      expect(numberOf(dataDir, `SELECT count(*) FROM ${table}`)).toBeGreaterThan(0);
      expect(await someAnswersOf(store, SPAN)).toEqual(answers);
      await store.close();
      mend();
      await expectToGoOn(dataDir, answers);
    },
  );

  it('is finished if days were archived, and no row was deleted', async () => {
    const { dataDir, answers } = await prepared();
    const store = await open(dataDir);
    await store.reports.sealDaysBefore(utcDay(TO_MS));
    await store.close();
    const db = new DatabaseSync(join(dataDir, 'events.db'));
    db.prepare('UPDATE archive SET before_day = ?').run(utcDay(TO_MS));
    db.close();
    await expectToGoOn(dataDir, answers);
  });

  it('is finished if a segment was written again, but not named', async () => {
    const { dataDir } = await prepared();
    const store = await open(dataDir);
    await store.reports.sealDaysBefore(utcDay(TO_MS));
    const late = [event({ receivedAtMs: FROM_MS + 1, path: '/late' }), bot({ receivedAtMs: FROM_MS + 1 })];
    await append(store, late);
    const answers = await someAnswersOf(store, SPAN);
    // The site's day is sealed to another segment, so the other site's is written again without it.
    expect(await store.reports.sealDaysBefore(utcDay(TO_MS))).toBe(1);
    const mend = failing(dataDir, 'INSERT ON segments');
    await append(store, [
      event({ receivedAtMs: FROM_MS + DAY_MS, path: '/late', siteId: 'site_other000000000' }),
    ]);
    await expect(store.reports.sealDaysBefore(utcDay(TO_MS))).rejects.toThrow('cut off here');
    expect(await someAnswersOf(store, SPAN)).toEqual(answers);
    await store.close();
    mend();
    await expectToGoOn(dataDir, answers);
  });
});

describe('a day whose events do not match its counter', () => {
  it('is named in the log, on /readyz and in the metrics', async () => {
    const { dataDir } = await prepared();
    const db = new DatabaseSync(join(dataDir, 'events.db'));
    const change = db.prepare(
      `UPDATE counters SET events = events + 1 WHERE day = ? AND site = (SELECT id FROM sites WHERE site = ?)
       RETURNING events`,
    );
    const counted = Number(change.get(utcDay(FROM_MS), SITE)?.events);
    db.close();
    const program = startProgram(dataDir, { METRICS_TOKEN: 'token-for-metrics' });
    const url = await program.address;
    const line = await until(
      () =>
        program
          .stdout()
          .split('\n')
          .find((each) => each.includes('"day":"2026-05-01"')),
      (found) => found !== undefined,
    );
    expect(JSON.parse(line ?? '')).toMatchObject({ level: 40, site: SITE, counted, rows: counted - 1 });
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      checks: expect.arrayContaining([
        { name: 'past days', ok: false, required: false, reason: expect.stringContaining('counters: 1;') },
      ]),
    });
    const metrics = await fetch(`${url}/metrics`, { headers: { authorization: 'Bearer token-for-metrics' } });
    expect(await metrics.text()).toContain('\nattractos_damaged_days 1\n');
  });
});

describe('an event that comes while its day is sealed', () => {
  it('is counted, and its day is asked from rows until it is sealed again', async () => {
    const { dataDir } = await prepared();
    const store = await open(dataDir);
    const unfinished = join(dataDir, 'days', 'unfinished');
    const day = utcDay(FROM_MS);
    const isSealed = () =>
      numberOf(
        dataDir,
        `SELECT count(*) FROM sealed_days d JOIN sites s ON s.id = d.site
        WHERE s.site = '${SITE}' AND d.day = ${day}`,
      ) > 0;
    let hit = false;
    let arrived = 0;
    for (let tries = 0; tries < 20 && !hit; tries++) {
      let hasEnded = false;
      const sealing = store.reports.sealDaysBefore(day + 1).finally(() => {
        hasEnded = true;
      });
      // The rows have been read once files are written.
      while (!hasEnded && !existsSync(unfinished)) await new Promise((resolve) => setImmediate(resolve));
      await store.events.append(event({ receivedAtMs: FROM_MS + 5, path: '/late' }));
      arrived += 1;
      await sealing;
      hit = !isSealed() && numberOf(dataDir, `SELECT count(*) FROM segments WHERE day = ${day}`) > 0;
      rmSync(unfinished, { recursive: true, force: true });
    }
    expect(hit).toBe(true);
    const late = () =>
      store.reports.totals({ ...SPAN, filters: [{ by: 'page', values: ['/late'], negated: false }] });
    expect(await late()).toMatchObject({ events: arrived });
    expect(await store.events.audit()).toEqual(SOUND);
    await store.reports.sealDaysBefore(day + 1);
    expect(isSealed()).toBe(true);
    expect(await late()).toMatchObject({ events: arrived });
    expect(await store.events.audit()).toEqual(SOUND);
  });
});
