import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../src/config/config.ts';
import { MINUTE_MS } from '../src/domain/clock.ts';
import { digestToken } from '../src/domain/tokens.ts';
import { buildServer } from '../src/server.ts';
import type { Store } from '../src/store/contract/store.ts';
import { openShared, openStore } from '../src/store/open.ts';
import { TestClock } from './support/clock.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { ask } from './support/http.ts';
import { temporaryFolder } from './support/paths.ts';
import { command } from './support/program.ts';
import { copyReleaseInto, expectReleaseIn, readRelease, withoutSentences } from './support/release.ts';
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
  const app = await buildServer({ config, store, clock, scripts: [] });
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

const bearer = (who: string) => ({ authorization: `Bearer ${known.apiKeys[who]}` });

describe('a data folder of the release of 2026-11-26', () => {
  it('gives the same API responses as that release', async () => {
    const { url, clock } = await openRelease();
    for (const { who, path, status, body } of release.answers) {
      clock.advance(MINUTE_MS);
      const answer = await ask(url, { path: `/api/v1${path}`, headers: bearer(who) });
      const said = { who, path, status: answer.status, body: withoutSentences(answer.text) };
      expect(said).toEqual({ who, path, status, body });
    }
  });

  it('keeps its registry, to the last token that was used', async () => {
    const { store } = await openRelease();
    await expectReleaseIn(store.registry);
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
    const { stdout, stderr, code } = await command(dataDir, ['doctor', '--json']);
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
