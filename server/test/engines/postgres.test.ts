import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { SiteDirectory } from '../../src/collect/site-by-key.ts';
import { MINUTE_MS, utcDay } from '../../src/domain/clock.ts';
import { newSiteKey } from '../../src/domain/keys.ts';
import { type Registry, type Store, StoreUnavailable } from '../../src/store/contract/store.ts';
import { Database } from '../../src/store/drivers/postgres.ts';
import { openShared, openStore, type SharedStore } from '../../src/store/open.ts';
import { describeRegistry } from '../registry-contract.ts';
import { NOON_MS, TestClock } from '../support/clock.ts';
import {
  hasPostgres,
  ownPostgres,
  type PostgresServer,
  sharedPostgres,
} from '../support/engines/postgres.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { command } from '../support/program.ts';
import { SECRET_KEY } from '../support/secret-key.ts';

/** An address without a server, because no test here uses ClickHouse. */
const CLICKHOUSE = 'http://127.0.0.1:1';
const RATE = { perSecond: 1000, burst: 1000 };
let made = 0;

/** Opens a store like a separate process, as far as the database can tell. */
async function openOn(postgres: string): Promise<SharedStore> {
  const store = await openShared({
    dataDir: await temporaryFolder(),
    databases: { postgres, clickhouse: CLICKHOUSE },
  });
  onTestFinished(() => store.close());
  return store;
}

async function openStoreOn(postgres: string): Promise<Store> {
  const store = await openStore({
    dataDir: await temporaryFolder(),
    databases: { postgres, clickhouse: CLICKHOUSE },
    onBroken: (error) => {
      throw error;
    },
  });
  onTestFinished(() => store.close());
  return store;
}

async function addAccount(registry: Registry): Promise<string> {
  const { id } = await registry.createAccount({
    id: `acc_${++made}`,
    email: `owner${made}@example.com`,
    plan: 'free',
    billingAnchorDay: 1,
    passwordHash: 'none',
    createdAtMs: NOON_MS,
  });
  return id;
}

function newSite(accountId: string) {
  return {
    id: `site_${++made}`,
    accountId,
    domain: `s${made}.example`,
    key: newSiteKey(),
    createdAtMs: NOON_MS,
  };
}

/** Returns the name of the database in an address. */
function nameIn(url: string): string {
  return new URL(url).pathname.slice(1);
}

describe.skipIf(!hasPostgres)('PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await sharedPostgres();
  }, 150_000);

  describeRegistry({
    name: 'PostgreSQL',
    newPlace: async () => server.createDatabase(),
    open: openOn,
    readsNulAs: '\uFFFD',
  });

  it('migrates an empty database once, even for concurrent processes', async () => {
    const url = server.createDatabase();
    const stores = await Promise.all(Array.from({ length: 6 }, () => openOn(url)));
    for (const { registry } of stores) await addAccount(registry);
    expect(server.sql(nameIn(url), 'SELECT count(*) FROM accounts')).toBe('6');
    expect(server.sql(nameIn(url), "SELECT version FROM schema_versions WHERE part = 'registry'")).toBe('12');
  });

  it('refuses a database of a newer version with the same error everywhere', async () => {
    const url = server.createDatabase();
    await openOn(url);
    server.sql(nameIn(url), "UPDATE schema_versions SET version = 999 WHERE part = 'registry'");
    const sentence =
      /^The registry in PostgreSQL was written by a newer version: schema 999, but this version supports up to 12\. Upgrade AttractOS, or restore a backup made by this version\.$/;
    await expect(openOn(url)).rejects.toThrow(sentence);
    await expect(openStoreOn(url)).rejects.toThrow(sentence);
    const dataDir = await temporaryFolder();
    const doctor = await command(dataDir, ['doctor', '--json'], {
      DATABASE_URL: url,
      CLICKHOUSE_URL: CLICKHOUSE,
    });
    const { checks } = JSON.parse(doctor.stdout) as {
      checks: { name: string; ok: boolean; found: string }[];
    };
    expect(checks).toContainEqual(
      expect.objectContaining({ name: 'PostgreSQL', ok: false, found: expect.stringMatching(sentence) }),
    );
  });

  it('answers commands, and refuses a backup', async () => {
    const settings = { DATABASE_URL: server.createDatabase(), CLICKHOUSE_URL: CLICKHOUSE, SECRET_KEY };
    const dataDir = await temporaryFolder();
    const run = (...args: string[]) => command(dataDir, [...args, '--json'], settings);
    expect((await run('account', 'add', '--email', 'ada@example.com')).code).toBe(0);
    expect((await run('site', 'add', '--account', 'ada@example.com', '--domain', 'a.example')).code).toBe(0);
    const listed = JSON.parse((await run('site', 'list', '--account', 'ada@example.com')).stdout);
    expect(listed).toMatchObject({ sites: [{ domain: 'a.example', events_this_month: 0 }] });
    expect(readdirSync(dataDir)).not.toContain('registry.db');
    const doctor = JSON.parse((await run('doctor')).stdout) as { checks: object[] };
    expect(doctor.checks).toContainEqual(
      expect.objectContaining({ name: 'PostgreSQL', ok: true, found: expect.stringMatching(/^version \d+/) }),
    );
    const backup = await run('backup', join(dataDir, 'copy'));
    expect(backup).toMatchObject({ code: 1, stderr: expect.stringContaining('pg_dump') });
    expect(readdirSync(dataDir)).not.toContain('copy');
  });

  it('reports an unreachable server without showing the password', async () => {
    const url = 'postgres://attractos:s3cr3t@127.0.0.1:1/attractos';
    const { code, stdout, stderr } = await command(await temporaryFolder(), ['serve'], {
      ...{ PORT: '0', DATABASE_URL: url, CLICKHOUSE_URL: CLICKHOUSE, SECRET_KEY },
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^attractos: PostgreSQL: .*ECONNREFUSED/);
    expect(stderr).not.toContain('s3cr3t');
  });

  it('returns every change of site keys in order while three processes change them', async () => {
    const url = server.createDatabase();
    const processes = await Promise.all(Array.from({ length: 3 }, () => openOn(url)));
    const reader = (await openOn(url)).registry;
    const account = await addAccount(reader);
    const seen: string[] = [];
    let version = 0;
    const read = async () => {
      const changes = await reader.siteKeysSince(version);
      if (changes.records.length > 0) expect(changes.version).toBeGreaterThan(version);
      version = changes.version;
      seen.push(...changes.records.map(({ key }) => key));
    };
    let writing = true;
    const writers = Promise.all(
      processes.map(async ({ registry }) => {
        const keys: string[] = [];
        for (let i = 0; i < 25; i++) {
          const site = await registry.createSite(newSite(account), null);
          const second = newSiteKey();
          await registry.addSiteKey(site.id, second, NOON_MS);
          keys.push(site.key, second);
        }
        return keys;
      }),
    ).finally(() => {
      writing = false;
    });
    while (writing) await read();
    await read();
    const written = (await writers).flat();
    expect(seen).toHaveLength(written.length);
    expect(new Set(seen)).toEqual(new Set(written));
  });

  it('announces changed keys, and listens again after its connection was lost', async () => {
    const url = server.createDatabase();
    const [listening, writing] = [(await openOn(url)).registry, (await openOn(url)).registry];
    const account = await addAccount(writing);
    let calls = 0;
    const stop = listening.onSiteKeysChanged?.(() => {
      calls += 1;
    });
    const callsAfter = (before: number) =>
      until(
        () => calls,
        (now) => now > before,
      );
    await callsAfter(0); // connected
    let before = calls;
    const site = await writing.createSite(newSite(account), null);
    await callsAfter(before);

    before = calls;
    server.sql(
      'postgres',
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${nameIn(url)}'`,
    );
    await callsAfter(before); // reconnected, so changes may have been missed
    before = calls;
    await until(
      () => writing.addSiteKey(site.id, newSiteKey(), NOON_MS).catch(() => null),
      (added) => added !== null,
    );
    await callsAfter(before);
    stop?.();
  });

  it('leaves nothing of a destroyed salt in the database files, even with concurrent readers', async () => {
    const url = server.createDatabase();
    const { registry } = await openOn(url);
    const reader = new Database(url);
    onTestFinished(() => reader.close());
    const day = utcDay(NOON_MS);
    const salt = Buffer.from(await registry.saltOf(day - 1, day - 1));
    const where = () => {
      server.sql('postgres', 'CHECKPOINT');
      const oid = server.sql('postgres', `SELECT oid FROM pg_database WHERE datname = '${nameIn(url)}'`);
      const folder = join(server.folder, 'data', 'base', oid);
      return readdirSync(folder).filter((name) => readFileSync(join(folder, name)).includes(salt));
    };
    expect(where()).toHaveLength(1);
    const today = await reader.transaction(async (tx) => {
      // Takes its snapshot while the salt is still there.
      await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      await tx.query('SELECT count(*) FROM sites');
      const salt = await registry.saltOf(day, day);
      expect(where()).toEqual([]);
      return Buffer.from(salt);
    });
    expect(today.equals(await registry.saltOf(day, day))).toBe(true);
  });

  describe('shared counters', () => {
    const window = { atMs: NOON_MS, endsMs: NOON_MS + MINUTE_MS };
    const countersOn = async (url: string) => {
      const { sharedCounters } = await openStoreOn(url);
      if (sharedCounters === undefined) throw new Error('the store has no shared counters');
      return sharedCounters;
    };

    it('counts exactly in shared counters, which expire and can be reset', async () => {
      const url = server.createDatabase();
      const [one, two] = [await countersOn(url), await countersOn(url)];
      const add = (on: typeof one, name = 'address 192.0.2.7', { atMs, endsMs } = window) =>
        on.increment(name, atMs, endsMs);
      const counted = await Promise.all(Array.from({ length: 40 }, (_, i) => add(i % 2 === 0 ? one : two)));
      expect(counted.map(({ count }) => count).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 40 }, (_, i) => i + 1),
      );
      expect(await add(two, 'somebody else')).toEqual({ count: 1, endsMs: window.endsMs });
      // Within a window, its end stays the same.
      const later = { atMs: NOON_MS + 1000, endsMs: NOON_MS + MINUTE_MS + 1000 };
      expect(await add(two, undefined, later)).toEqual({ count: 41, endsMs: window.endsMs });
      await two.reset('address 192.0.2.7', NOON_MS);
      expect((await add(one)).count).toBe(1);
      const next = { atMs: window.endsMs, endsMs: window.endsMs + MINUTE_MS };
      expect(await add(one, undefined, next)).toEqual({ count: 1, endsMs: next.endsMs });
      // Ended windows are deleted, and a window from a clock that was far ahead is ignored.
      expect(server.sql(nameIn(url), `SELECT count(*) FROM tallies WHERE ends_at <= ${next.atMs}`)).toBe('0');
      await add(one, 'ahead', { atMs: NOON_MS, endsMs: NOON_MS + 90 * MINUTE_MS });
      expect(await add(two, 'ahead')).toEqual({ count: 1, endsMs: window.endsMs });
    });

    it('store no address or name', async () => {
      const url = server.createDatabase();
      const counters = await countersOn(url);
      await counters.increment('address 192.0.2.7', window.atMs, window.endsMs);
      const kept = server.sql(nameIn(url), "SELECT encode(name, 'escape'), length(name) FROM tallies");
      expect(kept).toMatch(/\|16$/);
      expect(kept).not.toContain('192.0.2.7');
      await counters.increment(
        'address 192.0.2.7',
        window.atMs + 24 * 60 * MINUTE_MS,
        NOON_MS + 48 * 60 * MINUTE_MS,
      );
      expect(server.sql(nameIn(url), 'SELECT count(DISTINCT name) FROM tallies')).toBe('1'); // the new one
    });
  });
});

describe.skipIf(!hasPostgres)('a PostgreSQL that fails', () => {
  it('a crash makes requests unavailable, leaves nothing half-written, and recovery works', async () => {
    const server = await ownPostgres();
    const url = server.createDatabase();
    const { registry } = await openOn(url);
    const clock = new TestClock();
    const directory = new SiteDirectory({ registry, clock, rate: RATE, onOutage: () => {} });
    await directory.start();
    onTestFinished(() => directory.stop());
    const account = await addAccount(registry);
    const first = await registry.createSite(newSite(account), null);
    await until(
      () => directory.resolve(first.key).kind,
      (kind) => kind === 'live',
    );

    const done = new Set<string>();
    const failed: unknown[] = [];
    const writer = (async () => {
      while (failed.length === 0) {
        await Promise.all(
          Array.from({ length: 8 }, async () => {
            const site = newSite(account);
            try {
              await registry.createSite(site, null);
              done.add(site.id);
            } catch (error) {
              failed.push(error);
            }
          }),
        );
      }
    })();
    await until(
      () => done.size,
      (size) => size > 20,
    );
    server.stop('immediate');
    await writer;
    for (const error of failed) expect(error).toBeInstanceOf(StoreUnavailable);
    await expect(registry.sitesOf(account)).rejects.toThrow(StoreUnavailable);
    await expect(registry.saltOf(1, 1)).rejects.toThrow(StoreUnavailable);
    // The collector continues with the keys it knows, and knows how old they are.
    const ageMs = directory.ageMs() ?? 0;
    clock.advance(5_000);
    expect(directory.resolve(first.key).kind).toBe('live');
    expect(directory.resolve(newSiteKey()).kind).toBe('unknown');
    expect(directory.ageMs()).toBeGreaterThanOrEqual(ageMs + 5_000);

    server.start();
    const sites = await until(
      () => registry.sitesOf(account).catch(() => null),
      (answer) => answer !== null,
    );
    const kept = new Set(sites?.map(({ id }) => id));
    for (const id of done) expect(kept).toContain(id);
    // A site without its key would be incomplete.
    expect(
      server.sql(
        nameIn(url),
        'SELECT count(*) FROM sites s FULL JOIN site_keys k ON k.site_id = s.id WHERE s.id IS NULL OR k.key IS NULL',
      ),
    ).toBe('0');
    const added = await registry.createSite(newSite(account), null);
    await until(
      () => directory.resolve(added.key).kind,
      (kind) => kind === 'live',
    );
  });

  it('a silent server causes timeouts, and later requests work', async () => {
    const server = await ownPostgres();
    const { registry } = await openOn(server.createDatabase());
    const account = await addAccount(registry);
    server.pause();
    onTestFinished(() => server.resume());
    const site = newSite(account);
    await expect(registry.sitesOf(account)).rejects.toThrow(/no answer within \d+ ms/);
    await expect(registry.createSite(site, null)).rejects.toThrow(StoreUnavailable);
    server.resume();
    await until(
      () => registry.sitesOf(account).catch(() => null),
      (answer) => answer !== null,
    );
    expect((await registry.createSite(newSite(account), null)).accountId).toBe(account);
  });
});
