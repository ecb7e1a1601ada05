import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DAY_MS, utcDay } from '../../src/domain/clock.ts';
import type { Databases } from '../../src/store/contract/databases.ts';
import type { SiteSpan, Store } from '../../src/store/contract/store.ts';
import { openShared, openStore } from '../../src/store/open.ts';
import { REGISTRY_TABLES } from '../../src/store/registry/tables.ts';
import { NOON_MS } from '../support/clock.ts';
import { hasClickHouse, sharedClickHouse } from '../support/engines/clickhouse.ts';
import { hasPostgres, sharedPostgres } from '../support/engines/postgres.ts';
import { bot, event, leave, refusal } from '../support/entries.ts';
import { root, temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { command } from '../support/program.ts';
import { current } from '../support/shipped.ts';

const RANGE = { firstDay: 0, lastDay: 100_000 };
const SITES = ['site_a', 'site_b', 'site_c'];
/** The site from which retention has deleted some events. */
const EXPIRED = 'site_c';

async function open(dataDir: string, databases: Databases | null = null): Promise<Store> {
  const store = await openStore({
    dataDir,
    databases,
    onBroken: (error) => {
      throw error;
    },
  });
  onTestFinished(() => store.close());
  return store;
}

async function emptyDatabases(): Promise<Databases & { name: string; sql: (text: string) => string }> {
  const [cluster, postgres] = await Promise.all([sharedClickHouse(), sharedPostgres()]);
  const url = postgres.createDatabase();
  const name = new URL(url).pathname.slice(1);
  return {
    postgres: url,
    clickhouse: (await cluster.createDatabase()).join(','),
    name,
    sql: (text) => postgres.sql(name, text),
  };
}

async function move(dataDir: string, { postgres, clickhouse }: Databases): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await command(dataDir, ['move', '--to', postgres, clickhouse, '--json']);
  return code === 0 ? (JSON.parse(stdout) as Record<string, unknown>) : { code, ...JSON.parse(stderr) };
}

/** Stores three days of three sites, with everything that is ever stored. */
async function fillEvents({ events }: Store): Promise<void> {
  const appended: Promise<unknown>[] = [];
  for (const [s, siteId] of SITES.entries()) {
    for (let day = 0; day < 3; day++) {
      const atMs = NOON_MS + day * DAY_MS;
      for (let i = 0; i < 12; i++) {
        const receivedAtMs = atMs + i * 60_000;
        const visitor = BigInt(i % 4) - 2n ** 62n;
        appended.push(
          events.append(
            event({
              ...{ siteId, receivedAtMs, visitor, siteKey: `ak_${siteId}`, id: `${siteId}.${day}.${i}` },
              ...{ path: `/p${i % 3}?q=${i}`, host: i === 5 ? 'www.example.com' : 'example.com' },
              ...(i % 6 === 0
                ? { name: 'Sale', value: 9.99 + s, currency: 'EUR', props: { size: 'ü|"' } }
                : {}),
              ...{ view: BigInt(i + 1), source: i % 2 === 0 ? 'Google' : null, country: 'DE', width: 390 },
            }),
          ),
          events.append(
            leave({
              siteId,
              receivedAtMs: receivedAtMs + 5000,
              visitor,
              view: BigInt(i + 1),
              engagedMs: 1000 * i,
            }),
          ),
        );
      }
      appended.push(events.append(bot({ siteId, receivedAtMs: atMs })));
      events.refuse(refusal({ siteId, receivedAtMs: atMs }));
    }
  }
  await Promise.all(appended);
  await events.flush();
}

async function fillRegistry({ registry }: Pick<Store, 'registry'>): Promise<void> {
  for (const id of ['acc_1', 'acc_2'])
    await registry.createAccount({
      ...{ id, email: `${id}@Example.com`, plan: 'pro', billingAnchorDay: 3, passwordHash: '$argon2id$' },
      createdAtMs: NOON_MS,
    });
  for (const id of SITES) {
    await registry.createSite(
      { id, accountId: 'acc_1', domain: `${id}.example`, key: `ak_${id}`, createdAtMs: NOON_MS },
      null,
    );
  }
  await registry.addSiteKey('site_a', 'ak_new', NOON_MS);
  await registry.retireSiteKey('ak_site_a');
  await registry.setHostRules('site_b', { allowSubdomains: true, extraHosts: ['*.x.example'] });
  await registry.setMember('site_b', 'acc_2', 'viewer');
  await registry.setTotp('acc_2', { secret: 'BASE32', recoveryHashes: ['r1', 'r2'] });
  await registry.addGoal({ id: 'g', siteId: 'site_a', kind: 'event', pattern: 'Sale' });
  await registry.saltOf(utcDay(NOON_MS), utcDay(NOON_MS));
}

/** Moved rows of one millisecond have no order among themselves. */
function placeOf(item: { receivedAtMs: number; path: string; name?: string }): string {
  return `${item.receivedAtMs} ${item.path} ${item.name}`;
}

/** Returns everything about the events that an owner can see. */
async function seen({ events, reports }: Store): Promise<unknown> {
  const scope = (siteId: string): SiteSpan => ({
    ...{ siteId, fromMs: NOON_MS - DAY_MS, toMs: NOON_MS + 5 * DAY_MS },
  });
  return {
    counts: [...(await events.countBySite(SITES, RANGE))].sort(),
    sites: await Promise.all(
      SITES.map(async (siteId) => ({
        ledger: await events.ledger(siteId, RANGE),
        keys: await events.keyUse(siteId),
        events: (await events.page(siteId, { limit: 1000 })).events.map(({ cursor: _, ...rest }) => rest),
        // `clickhouse-reports.test.ts` compares what else reports say, which this server is too old for.
        activity: (await reports.listActivity(scope(siteId), { type: null, limit: 1000 })).items
          .map((item) => (item.type === 'bot' ? { ...item, cursor: '' } : { ...item.event, cursor: '' }))
          .sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1)),
      })),
    ),
  };
}

describe.skipIf(!hasClickHouse || !hasPostgres)('moving to PostgreSQL and ClickHouse', () => {
  it('copies everything while the collector runs, then only changes, and never into databases in use', async () => {
    const dataDir = await temporaryFolder();
    const old = await open(dataDir);
    await fillRegistry(old);
    await fillEvents(old);
    await old.events.expire([{ siteId: EXPIRED, beforeMs: NOON_MS + DAY_MS + 5 * 60_000 }]);
    const to = await emptyDatabases();

    // The server continues to use the folder.
    expect(await move(dataDir, to)).toMatchObject({ days: 9, unchanged: 0, events: 108 });
    await old.events.append(
      event({ siteId: 'site_a', receivedAtMs: NOON_MS, path: '/late', siteKey: 'ak_new' }),
    );
    await old.events.append(
      leave({
        siteId: 'site_b',
        receivedAtMs: NOON_MS + DAY_MS + 700_000,
        visitor: -(2n ** 62n),
        view: 1n,
        engagedMs: 99_000,
      }),
    );
    await old.registry.setPlan('acc_2', 'free');
    const again = await move(dataDir, to);
    expect(again).toMatchObject({ days: 2, unchanged: 7, events: 109 });
    expect(await move(dataDir, to)).toMatchObject({ days: 0, unchanged: 9, rows: 0, events: 109 });

    const before = await seen(old);
    const keys = await old.registry.siteKeysSince(0);
    const salt = await old.registry.saltOf(utcDay(NOON_MS), utcDay(NOON_MS));
    await old.close();
    const now = current(await open(dataDir, to));
    expect(await seen(now)).toEqual(before);
    const { registry } = now;
    expect(await registry.siteKeysSince(0)).toEqual(keys);
    expect(await registry.accountByEmail('ACC_2@example.com')).toMatchObject({ id: 'acc_2', plan: 'free' });
    expect(await registry.roleOn('site_b', 'acc_2')).toBe('viewer');
    expect(await registry.useRecoveryCode('acc_2', 'r2')).toBe(true);
    expect(Buffer.from(await registry.saltOf(utcDay(NOON_MS), utcDay(NOON_MS)))).toEqual(Buffer.from(salt));
    // New records come after the moved ones.
    await registry.createSite(
      { id: 'site_d', accountId: 'acc_1', domain: 'd.example', key: 'ak_d', createdAtMs: NOON_MS },
      null,
    );
    expect((await registry.sitesOf('acc_1')).map(({ id }) => id)).toEqual([...SITES, 'site_d']);
    expect((await registry.siteKeysSince(keys.version)).records.map(({ key }) => key)).toEqual(['ak_d']);
    await now.events.append(event({ siteId: 'site_a', receivedAtMs: NOON_MS + 3600_000 }));
    expect((await now.events.countBySite(['site_a'], RANGE)).get('site_a')).toBe(38);
    expect(await now.events.audit()).toEqual({ counters: [], ledger: [], rollups: [], integrity: [] });

    expect(await move(dataDir, to)).toEqual({
      ...{ code: 'FAILED' },
      error: expect.stringContaining('is in use'),
    });
    expect(await registry.siteById('site_d')).not.toBeNull();
  });

  it('continues after it was killed', async () => {
    const dataDir = await temporaryFolder();
    const old = await open(dataDir);
    await fillRegistry(old);
    // One per month, because each request holds data of one month.
    const days = 24;
    await Promise.all(
      Array.from({ length: days * SITES.length }, (_, i) =>
        old.events.append(
          event({
            siteId: SITES[i % SITES.length] ?? '',
            receivedAtMs: NOON_MS + Math.floor(i / SITES.length) * 31 * DAY_MS,
          }),
        ),
      ),
    );
    const { sql, ...to } = await emptyDatabases();
    const child = spawn(
      process.execPath,
      [join(root, 'server/bin/attractos.js'), 'move', '--to', to.postgres, to.clickhouse],
      { cwd: dataDir, env: { PATH: process.env.PATH, DATA_DIR: dataDir }, stdio: 'ignore' },
    );
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    const exit = once(child, 'exit');
    const movedDays = () => {
      const there = sql("SELECT to_regclass('moved_days') IS NOT NULL") === 't';
      return there ? Number(sql('SELECT count(*) FROM moved_days')) : 0;
    };
    await until(movedDays, (count) => count >= 3);
    child.kill('SIGKILL');
    expect(await exit).toEqual([null, 'SIGKILL']);
    const before = movedDays();
    const moved = await move(dataDir, to);
    const all = (await old.events.countBySite(SITES, RANGE)).size * days;
    expect(moved).toMatchObject({ unchanged: before, days: all - before, rows: all - before, events: all });
    await old.close();
    const now = current(await open(dataDir, to));
    expect([...(await now.events.countBySite(SITES, RANGE)).values()]).toEqual([days, days, days]);
    expect(await now.events.audit()).toEqual({ counters: [], ledger: [], rollups: [], integrity: [] });
  });

  it('copies a day that exceeds one batch among small ones', async () => {
    const dataDir = await temporaryFolder();
    const old = await open(dataDir);
    await fillRegistry(old);
    const large = 20_500;
    const arrivals = [
      { siteId: 'site_a', receivedAtMs: NOON_MS },
      ...Array.from({ length: large }, (_, i) => ({ siteId: 'site_b', receivedAtMs: NOON_MS + i })),
      { siteId: 'site_b', receivedAtMs: NOON_MS + DAY_MS },
      { siteId: 'site_c', receivedAtMs: NOON_MS + DAY_MS },
    ];
    // No more at a time than may wait in the queue.
    for (let i = 0; i < arrivals.length; i += 1000)
      await Promise.all(arrivals.slice(i, i + 1000).map((arrival) => old.events.append(event(arrival))));
    const to = await emptyDatabases();
    expect(await move(dataDir, to)).toMatchObject({ days: 4, rows: arrivals.length });
    expect(await move(dataDir, to)).toMatchObject({ days: 0, unchanged: 4 });
    await old.close();
    const now = current(await open(dataDir, to));
    expect([...(await now.events.countBySite(SITES, RANGE))].sort()).toEqual([
      ['site_a', 1],
      ['site_b', large + 1],
      ['site_c', 1],
    ]);
    expect(await now.events.audit()).toEqual({ counters: [], ledger: [], rollups: [], integrity: [] });
  });

  it('refuses an empty folder, incomplete addresses, and a registry in use', async () => {
    const empty = await temporaryFolder();
    const to = await emptyDatabases();
    expect(await move(empty, to)).toMatchObject({ error: expect.stringContaining('no data in') });
    expect(await command(empty, ['move', '--to', to.postgres])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('set both'),
    });
    expect((await command(empty, ['move'])).stderr).toContain('Name the target databases');

    const dataDir = await temporaryFolder();
    await fillRegistry(await open(dataDir));
    const shared = await openShared({ dataDir: await temporaryFolder(), databases: to });
    await shared.registry.createAccount({
      ...{ id: 'acc_other', email: 'o@example.com', plan: 'free', billingAnchorDay: 1 },
      ...{ passwordHash: '', createdAtMs: 0 },
    });
    await shared.close();
    expect(await move(dataDir, to)).toMatchObject({ error: expect.stringContaining('already holds data') });
    expect(to.sql('SELECT string_agg(id, $$,$$) FROM accounts')).toBe('acc_other');
  });

  it('copies every table and column of the registry', async () => {
    const dataDir = await temporaryFolder();
    await (await open(dataDir)).close();
    const { sql, ...databases } = await emptyDatabases();
    await (await openShared({ dataDir, databases })).close();
    const db = new DatabaseSync(join(dataDir, 'registry.db'), { readOnly: true });
    const tables = db
      // The mark of an installation stays with its folder.
      .prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'installation'",
      )
      .all();
    const names = REGISTRY_TABLES.map(({ name }) => name).sort();
    expect(tables.map(({ name }) => name).sort()).toEqual(names);
    for (const { name, columns } of REGISTRY_TABLES) {
      const sqlite = db.prepare(`SELECT name FROM pragma_table_info('${name}')`).all();
      const postgres = sql(
        `SELECT string_agg(column_name, ',') FROM information_schema.columns WHERE table_name = '${name}'`,
      );
      expect(postgres.split(',').sort(), name).toEqual([...columns].sort());
      expect(sqlite.map((row) => String(row.name)).sort(), name).toEqual([...columns].sort());
    }
    db.close();
    const schema = readFileSync(new URL('../../src/store/registry/schema.ts', import.meta.url), 'utf8');
    expect([...schema.matchAll(/CREATE TABLE (\w+)/g)].map(([, name]) => name).sort()).toEqual(names);
  });
});
