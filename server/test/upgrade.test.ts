import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../src/config/config.ts';
import { DAY_MS, MINUTE_MS, utcDay } from '../src/domain/clock.ts';
import { digestToken } from '../src/domain/tokens.ts';
import { buildServer } from '../src/server.ts';
import type { SavedQuery, Store } from '../src/store/contract/store.ts';
import { FACETS } from '../src/store/embedded/tables/kept-rollups.ts';
import { appendChecksum } from '../src/store/offline/backup-checksum.ts';
import { openShared, openStore } from '../src/store/open.ts';
import { sqliteSchema } from '../src/store/registry/sqlite/schema.ts';
import { MEASURES } from '../src/store/reports/relations.ts';
import { TestClock } from './support/clock.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { answersOf, dayRows, numbersOfRollups, openEmbedded } from './support/days.ts';
import { ask } from './support/http.ts';
import { temporaryFolder } from './support/paths.ts';
import { until } from './support/poll.ts';
import { command } from './support/program.ts';
import { copyReleaseInto, expectReleaseIn, readRelease, withoutSentences } from './support/release.ts';
import { SECRET_BOX, SECRET_KEY } from './support/secret-key.ts';
import { totpCode } from './support/totp.ts';
import { pageHeaders } from './support/world.ts';

/** Everything that the release of 2026-11-26 has stored opens, gives the same answers and can be extended. */

const release = readRelease();
const { known } = release;

/** Starts the current server on a copy of the release's folder, with the clock at the time of the release's answers. */
async function openRelease(): Promise<{ dataDir: string; store: Store; clock: TestClock; url: string }> {
  const dataDir = await temporaryFolder();
  copyReleaseInto(dataDir);
  const store = await openStore({
    dataDir,
    onBroken: (error) => {
      throw error;
    },
  });
  onTestFinished(() => store.close());
  const clock = new TestClock(known.nowMs);
  const config = readConfig({ LOG_LEVEL: 'silent', DATA_DIR: dataDir });
  const app = await buildServer({ config, store, clock, scripts: [], secretBox: SECRET_BOX });
  onTestFinished(() => app.close());
  return { dataDir, store, clock, url: await app.listen({ port: 0, host: '127.0.0.1' }) };
}

function inRegistry<T>(dataDir: string, work: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(join(dataDir, 'registry.db'));
  try {
    return work(db);
  } finally {
    db.close();
  }
}

/** Opens a copy of the release's folder. @param change is called with its events file first */
async function openDays(change: (file: string) => void = () => undefined) {
  const dataDir = await temporaryFolder();
  copyReleaseInto(dataDir);
  change(join(dataDir, 'events.db'));
  const store = await openEmbedded(dataDir);
  onTestFinished(() => store.close());
  const today = utcDay(known.nowMs);
  const span = { siteId: known.siteId, fromMs: (today - 8) * DAY_MS, toMs: (today + 1) * DAY_MS };
  return { dataDir, store, span, today };
}

/** Writes rollups of a day as earlier releases did: by position and by the number of a string. */
function keepRollups(db: DatabaseSync, rollups: readonly Record<string, unknown>[]): void {
  const find = db.prepare('SELECT id FROM texts WHERE text = ?');
  const findCrawler = db.prepare(
    `SELECT t.id FROM bots b JOIN texts t ON t.id = b.crawler WHERE t.text LIKE '["' || ? || '",%'`,
  );
  const add = db.prepare('INSERT INTO texts (hash, text) VALUES (0, ?)');
  const idOf = (dimension: unknown, text: string) =>
    (dimension === 'bot' ? findCrawler : find).get(text)?.id ?? add.run(text).lastInsertRowid;
  const columns = [...MEASURES];
  const insert = db.prepare(
    `INSERT INTO facets (site, dimension, day, value, ${columns.join(', ')})
     VALUES ((SELECT id FROM sites WHERE site = ?), ?, ?, ?, ${columns.map(() => '?').join(', ')})`,
  );
  const positions = new Map<unknown, number>(FACETS.map((dimension, position) => [dimension, position]));
  for (const row of rollups) {
    const position = positions.get(row.dimension);
    // They had no others.
    if (position === undefined) continue;
    insert.run(
      ...[String(row.site), position, Number(row.day)],
      row.value === null ? 0 : idOf(row.dimension, String(row.value)),
      ...columns.map((column) => Number(row[column])),
    );
  }
}

/** Writes a backup as earlier releases did: without files of days, and in format 1 without a checksum. */
async function writeOldBackup(dataDir: string, file: string, format: number): Promise<void> {
  copyFileSync(join(dataDir, 'events.db'), file);
  const db = new DatabaseSync(file);
  db.exec('PRAGMA journal_mode = DELETE');
  db.prepare('ATTACH DATABASE ? AS registry').run(join(dataDir, 'registry.db'));
  const tables = db
    .prepare(
      "SELECT name FROM registry.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid",
    )
    .all();
  for (const { name } of tables.filter((table) => table.name !== 'salts'))
    db.exec(`CREATE TABLE registry_${name} AS SELECT * FROM registry.${name}`);
  const schema = Number(db.prepare('PRAGMA registry.user_version').get()?.user_version);
  db.exec('CREATE TABLE backup (format INTEGER NOT NULL, registry_schema INTEGER NOT NULL) STRICT');
  db.prepare('INSERT INTO backup (format, registry_schema) VALUES (?, ?)').run(format, schema);
  db.exec('DETACH DATABASE registry; VACUUM');
  db.close();
  if (format > 1) await appendChecksum(file);
}

const bearer = (who: string) => ({ authorization: `Bearer ${known.apiKeys[who]}` });

describe('a registry of schema 11', () => {
  it('keeps what it has, and can save segments', async () => {
    const dataDir = await temporaryFolder();
    inRegistry(dataDir, (db) => {
      const { version, stepsFrom } = sqliteSchema(11);
      for (const step of stepsFrom(0)) db.exec(step);
      db.exec(`PRAGMA user_version = ${version};
        INSERT INTO accounts (id, email, plan, billing_anchor_day, password_hash, created_at)
          VALUES ('acc_1', 'ada@example.com', 'free', 1, '', 0);
        INSERT INTO sites (id, account_id, domain, key, created_at) VALUES ('site_1', 'acc_1', 'example.com', 'ak', 0);
        INSERT INTO annotations (id, site_id, day, text, created_at) VALUES ('note_1', 'site_1', 1, 'Launch', 0);`);
    });
    const { registry, close } = await openShared({ dataDir });
    onTestFinished(close);
    expect(await registry.annotationsOf('site_1', { firstDay: 0, lastDay: 1 })).toMatchObject([
      { text: 'Launch' },
    ]);
    const saved: SavedQuery = {
      ...{ id: 'segment_1', siteId: 'site_1', accountId: null, createdAtMs: 0 },
      ...{ kind: 'segment', name: 'Germany', query: 'f=country%3ADE' },
    };
    expect(await registry.savedQueriesOf('site_1', 'segment', 'acc_1')).toEqual([]);
    expect(await registry.addSavedQuery(saved)).toBe(true);
    expect(await registry.savedQueriesOf('site_1', 'segment', 'acc_1')).toEqual([saved]);
  });
});

describe('a data folder of the release of 2026-11-26', () => {
  it('gives the same API responses as that release', async () => {
    const { url, clock } = await openRelease();
    for (const { who, path, status, body } of release.answers) {
      clock.advance(MINUTE_MS);
      const answer = await ask(url, { path: `/api/v1${path}`, headers: bearer(who) });
      const said = { who, path, status: answer.status, body: withoutSentences(answer.text) };
      // Answers have had fields added since.
      expect(said).toMatchObject({ who, path, status, body: body as object });
    }
  });

  it('gives the same answers before its days are sealed, after that, and when they are archived', async () => {
    const { store, span, today } = await openDays();
    const before = await answersOf(store, span);
    expect(await store.reports.sealDaysBefore(today)).toBeGreaterThan(0);
    expect(await answersOf(store, span)).toEqual(before);
    expect(await store.reports.archiveDaysBefore?.(today)).toBe(today);
    expect(await answersOf(store, span)).toEqual(before);
    expect(await store.events.audit()).toEqual({ counters: [], ledger: [], rollups: [], integrity: [] });
  });

  it('keeps the rollups of days whose rows that release had deleted', async () => {
    const whole = await openDays();
    const days = await numbersOfRollups(whole.store, whole.span);
    const beforeMs = (whole.today - 2) * DAY_MS;
    await whole.store.reports.sealDaysBefore(utcDay(beforeMs));
    const files = [...(await dayRows(whole.dataDir))];
    const rollups = files.flatMap(([name, rows]) => (name.endsWith('/rollups.parquet') ? [rows] : []));
    expect(rollups.length).toBeGreaterThan(1);
    const { dataDir, store, span, today } = await openDays((file) => {
      const db = new DatabaseSync(file);
      for (const ofDay of rollups) keepRollups(db, ofDay);
      for (const table of ['events', 'bots', 'leaves'])
        expect(db.prepare(`DELETE FROM ${table} WHERE at < ?`).run(beforeMs).changes).toBeGreaterThan(0);
      db.prepare('DELETE FROM visits WHERE day < ?').run(beforeMs / DAY_MS);
      db.prepare('INSERT OR REPLACE INTO expired (site, before_at) SELECT id, ? FROM sites').run(beforeMs);
      db.close();
    });
    const expectSame = async (from: Store) => {
      expect(await numbersOfRollups(from, span)).toEqual(days);
      expect(await from.events.audit()).toEqual({ counters: [], ledger: [], rollups: [], integrity: [] });
    };
    await expectSame(store);
    expect(await store.reports.sealDaysBefore(today)).toBeGreaterThan(0);
    await expectSame(store);
    expect(await store.reports.archiveDaysBefore?.(today)).toBe(today);
    await expectSame(store);
    await store.close();
    const reopened = await openEmbedded(dataDir);
    onTestFinished(() => reopened.close());
    await expectSame(reopened);
  });

  it.each([1, 2])('restores from a backup of format %i', async (format) => {
    const dataDir = await temporaryFolder();
    copyReleaseInto(dataDir);
    const file = `${await temporaryFolder()}/copy`;
    await writeOldBackup(dataDir, file, format);
    const restored = await temporaryFolder();
    expect(await command(restored, ['restore', file])).toMatchObject({ code: 0, stderr: '' });
    const { store, span } = await openDays();
    const copy = await openEmbedded(restored);
    onTestFinished(() => copy.close());
    expect(await answersOf(copy, span)).toEqual(await answersOf(store, span));
    await expectReleaseIn(copy.registry);
  });

  it('keeps its registry, to the last token that was used', async () => {
    const dataDir = await temporaryFolder();
    copyReleaseInto(dataDir);
    const { registry, close } = await openShared({ dataDir });
    onTestFinished(close);
    await expectReleaseIn(registry);
  });

  it('has the same tables as a new registry', async () => {
    const { dataDir } = await openRelease();
    const fresh = await temporaryFolder();
    await (await openShared({ dataDir: fresh })).close();
    const tables = (folder: string) =>
      inRegistry(folder, (db) =>
        db.prepare("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name").all(),
      );
    expect(tables(dataDir)).toEqual(tables(fresh));
    const version = (folder: string) =>
      inRegistry(folder, (db) => db.prepare('PRAGMA user_version; PRAGMA integrity_check').get());
    expect(version(dataDir)).toEqual(version(fresh));
  });

  it('may be of an earlier version with fewer columns', async () => {
    const dataDir = await temporaryFolder();
    copyReleaseInto(dataDir);
    inRegistry(dataDir, (db) =>
      db.exec(`
        DROP INDEX site_keys_gone; DROP INDEX api_keys_by_account;
        ALTER TABLE sites DROP COLUMN time_zone; ALTER TABLE sites DROP COLUMN exclusions;
        ALTER TABLE api_keys DROP COLUMN scopes; ALTER TABLE api_keys DROP COLUMN sites;
        ALTER TABLE api_keys DROP COLUMN last_used_at; ALTER TABLE accounts DROP COLUMN time_zone;
        PRAGMA user_version = 1;`),
    );
    const { registry, close } = await openShared({ dataDir });
    onTestFinished(close);
    const { ada } = known.accountIds;
    expect((await registry.accountById(ada))?.timeZone).toBe('UTC');
    expect((await registry.sitesOf(ada)).map(({ domain }) => domain)).toEqual([
      'example.com',
      'shop.example',
    ]);
    const keys = await registry.apiKeysOf(ada);
    expect(keys.map(({ name, scopes }) => [name, scopes])).toEqual(
      ['lost laptop', 'shop server', 'reports'].map((name) => [name, ['read']]),
    );
  });

  it('keeps counting: one more event, its repeat, and doctor finds nothing wrong', async () => {
    const { dataDir, store, url, clock } = await openRelease();
    const count = async () => {
      const answer = await ask(url, { path: '/api/v1/sites', headers: bearer('ada') });
      const { sites } = answer.json() as { sites: { id: string; events_this_month: number }[] };
      return sites.find(({ id }) => id === known.siteId)?.events_this_month ?? 0;
    };
    const before = await count();
    const beacon = { key: known.siteKey, id: 'after-the-upgrade', url: 'https://example.com/new' };
    const send = async () => {
      const answer = await ask(url, {
        ...{ method: 'POST', path: '/e', headers: pageHeaders(), body: JSON.stringify(beacon) },
      });
      return [answer.status, answer.headers['x-attractos-outcome']];
    };
    expect(await send()).toEqual([202, 'stored']);
    expect(await send()).toEqual([202, 'duplicate']);
    clock.advance(MINUTE_MS);
    expect(await count()).toBe(before + 1);
    expect(await store.events.audit()).toEqual({ counters: [], ledger: [], rollups: [], integrity: [] });
    const { stdout, stderr, code } = await command(dataDir, ['doctor', '--json'], { SECRET_KEY });
    const { checks } = JSON.parse(stdout) as { checks: { ok: boolean }[] };
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  });

  it('accepts existing passwords, second factors and sessions', async () => {
    const { store, url, clock } = await openRelease();
    const bob = new DashboardVisitor(url);
    expect(await bob.signIn('bob@example.net', known.password)).toMatchObject({ status: 303 });
    expect((await bob.get('/dashboard')).status).toBe(200);

    const code = totpCode(known.totpSecret, Math.floor(clock.now() / 30_000));
    const secondFactor = async () => {
      const ada = new DashboardVisitor(url);
      await ada.get('/login');
      const asked = await ada.post('/login', { email: 'ada@example.com', password: known.password });
      const ticket = /name="ticket" value="([^"]+)"/.exec(asked.text)?.[1] ?? '';
      const { status } = await ada.post('/login/second-factor', { ticket, code });
      return [status, (await ada.get('/dashboard')).status];
    };
    expect(await secondFactor()).toEqual([303, 200]);
    expect(await secondFactor()).toEqual([422, 303]);

    const session = await store.registry.sessionByToken(digestToken('session-s_laptop'), clock.now());
    expect(session?.accountId).toBe(known.accountIds.ada);
  });

  it('encrypts the secrets of second factors, and hashes recovery codes slowly', async () => {
    const { dataDir, store, url, clock } = await openRelease();
    const { registry } = store;
    const { ada } = known.accountIds;
    const [hash = ''] = await until(
      () => registry.recoveryHashesOf(ada),
      (hashes) => hashes.every((each) => each.startsWith('$argon2id$')),
    );
    const totpSecret = (await registry.credentialsOf(ada))?.totpSecret ?? '';
    expect(SECRET_BOX.open(totpSecret, ada)).toBe(known.totpSecret);
    const files = readdirSync(dataDir).filter((name) => name.startsWith('registry.db'));
    const bytes = files.map((name) => readFileSync(join(dataDir, name), 'latin1')).join('');
    expect(bytes).toContain(hash);
    for (const old of [known.totpSecret, digestToken('second-code')]) expect(bytes).not.toContain(old);

    const enter = async (code: string) => {
      const visitor = new DashboardVisitor(url);
      await visitor.get('/login');
      const asked = await visitor.post('/login', { email: 'ada@example.com', password: known.password });
      const ticket = /name="ticket" value="([^"]+)"/.exec(asked.text)?.[1] ?? '';
      return (await visitor.post('/login/second-factor', { ticket, code })).status;
    };
    expect(await enter('first-code'), 'used before').toBe(422);
    expect(await enter('second-code')).toBe(303);
    expect(await enter('second-code'), 'the same code again').toBe(422);
    expect(await enter(totpCode(known.totpSecret, Math.floor(clock.now() / 30_000)))).toBe(303);
  });

  it('can be backed up and restored', async () => {
    const dataDir = await temporaryFolder();
    copyReleaseInto(dataDir);
    const [copy, restored] = [`${await temporaryFolder()}/copy`, await temporaryFolder()];
    expect(await command(dataDir, ['backup', copy])).toMatchObject({ code: 0, stderr: '' });
    expect(await command(restored, ['restore', copy])).toMatchObject({ code: 0, stderr: '' });
    const { registry, close } = await openShared({ dataDir: restored });
    onTestFinished(close);
    await expectReleaseIn(registry);
  });
});
