import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { inspect } from '../../src/store/offline/inspect.ts';
import { openShared } from '../../src/store/open.ts';
import {
  type ClickHouseCluster,
  endClickHouse,
  hasClickHouse,
  startClickHouse,
} from '../support/engines/clickhouse.ts';
import { hasPostgres, ownPostgres, type PostgresServer } from '../support/engines/postgres.ts';
import { ask } from '../support/http.ts';
import { type Link, linkTo } from '../support/link.ts';
import { Load } from '../support/load.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { command, type Program, startProgram } from '../support/program.ts';
import { Random } from '../support/random.ts';
import { SECRET_KEY } from '../support/secret-key.ts';

/**
 * Several hosts, simulated as processes and links that can be cut: two collectors and an API server in front of PostgreSQL and
 * two ClickHouse replicas. Both collectors get the same events, so each event arrives twice. No tolerance in either direction:
 * nothing acknowledged is lost, nothing is counted twice, and all numbers agree.
 */

const TIME_LIMIT_MS = 400_000;
const CATCH_UP_DEADLINE_MS = 120_000;
const BEFORE_MS = 400;
const FAULT_MS = 1_500;
const UNLIMITED = { SITE_RATE: '1000000', SITE_BURST: '1000000', LOG_LEVEL: 'error' };
const ALL_DAYS = { firstDay: 0, lastDay: 100_000 };
const NO_COMPLAINTS = { counters: [], ledger: [], rollups: [], integrity: [] };

interface World {
  folder: string;
  postgres: PostgresServer;
  cluster: ClickHouseCluster;
  databases: { postgres: string; clickhouse: string };
  clickhouseDatabase: string;
  siteId: string;
  siteKey: string;
  apiKey: string;
}

/** Creates databases that the test may kill, and an owner with a site. */
async function makeWorld(): Promise<World> {
  const folder = await temporaryFolder();
  mkdirSync(join(folder, 'clickhouse'));
  const [postgres, cluster] = await Promise.all([
    ownPostgres(),
    startClickHouse(join(folder, 'clickhouse'), 2),
  ]);
  onTestFinished(() => endClickHouse(cluster));
  const urls = await cluster.createDatabase();
  const databases = { postgres: postgres.createDatabase(), clickhouse: urls.join(',') };
  const settings = {
    ...{ DATABASE_URL: databases.postgres, CLICKHOUSE_URL: databases.clickhouse },
    SECRET_KEY,
  };
  const operator = async (...args: string[]) => {
    const { code, stdout, stderr } = await command(folder, [...args, '--json'], settings);
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  await operator('account', 'add', '--email', 'ada@example.com');
  const site = await operator('site', 'add', '--account', 'ada@example.com', '--domain', 'example.com');
  const key = await operator('key', 'add', '--account', 'ada@example.com', '--name', 'test');
  return {
    ...{ folder, postgres, cluster, databases },
    clickhouseDatabase: new URL(urls[0] ?? '').pathname.slice(1),
    siteId: String(site.id),
    siteKey: String(site.key),
    apiKey: String(key.key),
  };
}

/** A process on its own simulated host, with its own folder and its own links to each database. */
class Host {
  readonly #folder: string;
  readonly #settings: Record<string, string>;
  readonly postgres: Link;
  readonly replicas: readonly Link[];
  #program: Program | null = null;

  private constructor(folder: string, settings: Record<string, string>, postgres: Link, replicas: Link[]) {
    this.#folder = folder;
    this.#settings = settings;
    this.postgres = postgres;
    this.replicas = replicas;
  }

  static async make({ folder, postgres, cluster, databases }: World, name: string): Promise<Host> {
    const links = await Promise.all([
      linkTo(postgres.port),
      ...cluster.replicas.map(({ httpPort }) => linkTo(httpPort)),
    ]);
    onTestFinished(() => {
      for (const link of links) link.close();
    });
    const [toPostgres, ...toReplicas] = links;
    if (toPostgres === undefined) throw new Error('no link was made');
    const through = (url: string, { port }: Link) => Object.assign(new URL(url), { port: String(port) }).href;
    const dataDir = join(folder, name);
    mkdirSync(dataDir);
    return new Host(
      dataDir,
      {
        DATABASE_URL: through(databases.postgres, toPostgres),
        CLICKHOUSE_URL: databases.clickhouse
          .split(',')
          .map((url, i) => through(url, toReplicas[i] ?? toPostgres))
          .join(','),
        SECRET_KEY,
      },
      toPostgres,
      toReplicas,
    );
  }

  /** Starts the program if it is not running. @returns its address */
  async start(): Promise<string> {
    this.#program ??= startProgram(this.#folder, { ...UNLIMITED, ...this.#settings });
    return this.#program.address;
  }

  /** Returns what the program printed to standard error. */
  complaints(): string {
    return this.#program?.stderr() ?? '';
  }

  async end(signal: NodeJS.Signals): Promise<unknown> {
    this.#program?.kill(signal);
    const exit = await this.#program?.exit;
    this.#program = null;
    return exit;
  }
}

/** A fault: how to cause it and how to repair it. */
interface Fault {
  name: string;
  begin(): unknown;
  end(): unknown;
}

function faultsOf({ postgres, cluster }: World, [a, b]: readonly [Host, Host]): Fault[] {
  const [first, second] = cluster.replicas;
  if (first === undefined || second === undefined) throw new Error('there are two replicas');
  const cut = (name: string, link: Link | undefined): Fault => ({
    name,
    begin: () => link?.cut(),
    end: () => link?.mend(),
  });
  return [
    { name: 'a collector is killed', begin: () => a.end('SIGKILL'), end: () => undefined },
    { name: 'the other collector is killed', begin: () => b.end('SIGKILL'), end: () => undefined },
    { name: 'a replica is killed', begin: () => first.kill('SIGKILL'), end: () => first.start() },
    { name: 'the other replica is killed', begin: () => second.kill('SIGKILL'), end: () => second.start() },
    {
      name: 'ZooKeeper is killed',
      begin: () => cluster.keeper.kill('SIGKILL'),
      end: () => cluster.keeper.start(),
    },
    {
      name: 'PostgreSQL crashes',
      begin: () => postgres.stop('immediate'),
      end: () => postgres.start(),
    },
    cut('a collector loses PostgreSQL', a.postgres),
    cut('a collector loses a replica', b.replicas[0]),
    {
      name: 'a collector gets no answer from any database',
      begin: () => [a.postgres, ...a.replicas].map((link) => link.stall()),
      end: () => [a.postgres, ...a.replicas].map((link) => link.mend()),
    },
    {
      name: 'all databases are down',
      begin: () => [a, b].flatMap((host) => [host.postgres, ...host.replicas]).map((link) => link.cut()),
      end: () => [a, b].flatMap((host) => [host.postgres, ...host.replicas]).map((link) => link.mend()),
    },
  ];
}

async function eventsThisMonth(url: string, { apiKey }: World): Promise<unknown> {
  const answer = await ask(url, { path: '/api/v1/sites', headers: { authorization: `Bearer ${apiKey}` } });
  if (answer.status !== 200) return answer.status;
  const { sites } = answer.json() as { sites: { events_this_month: unknown }[] };
  return sites[0]?.events_this_month;
}

describe.skipIf(!hasClickHouse || !hasPostgres)('several hosts that may fail', () => {
  it(
    'lose nothing acknowledged and count nothing twice',
    async () => {
      const random = Random.fromEnvironment();
      console.log(`scale-out test: SEED=${random.seed}`);
      const world = await makeWorld();
      const hosts = [await Host.make(world, 'a'), await Host.make(world, 'b')] as const;
      const api = await Host.make(world, 'api');
      const apiUrl = await api.start();
      // Both send the same events, because they generate the same ids.
      const loads = [new Load(world.siteKey), new Load(world.siteKey)] as const;

      for (const fault of faultsOf(world, hosts)) {
        const before = loads.map((load) => load.acknowledged.size);
        const urls = await Promise.all(hosts.map((host) => host.start()));
        const running = loads.map((load, i) => load.start(urls[i] ?? ''));
        for (const [i, load] of loads.entries()) {
          await until(
            () => load.acknowledged.size,
            (size) => size > (before[i] ?? 0),
          );
        }
        await pause(random.below(BEFORE_MS));
        await fault.begin();
        await pause(FAULT_MS);
        await Promise.all(running.map((each) => each.stop()));
        await fault.end();
        const after = loads.map((load, i) => load.acknowledged.size - (before[i] ?? 0));
        expect(Math.max(...after), fault.name).toBeGreaterThan(0);
      }

      for (const host of hosts) expect(host.complaints()).toBe('');
      for (const [i, host] of hosts.entries()) {
        const load = loads[i];
        const url = await host.start();
        await until(
          async () => {
            await load?.again(url, [...load.unanswered]);
            return load?.unanswered.size ?? 0;
          },
          (left) => left === 0,
        );
        expect(load?.wrong).toEqual([]);
      }
      const sent = new Set(loads.flatMap((load) => [...load.acknowledged]));
      expect(sent.size).toBeLessThan(loads.reduce((sum, load) => sum + load.acknowledged.size, 0));

      await until(
        () => eventsThisMonth(apiUrl, world),
        (count) => count === sent.size,
        CATCH_UP_DEADLINE_MS,
      );
      const { audit } = await until(
        () => inspect({ dataDir: world.folder, databases: world.databases }),
        (found) => found.audit !== null && Object.values(found.audit).flat().length === 0,
        CATCH_UP_DEADLINE_MS,
      );
      expect(audit).toEqual(NO_COMPLAINTS);
      await expectAllRows(world, sent);
      await expectBalance(world, {
        sent: sent.size,
        acknowledged: loads.map((load) => load.acknowledged.size),
      });
      for (const host of [...hosts, api])
        expect(await host.end('SIGTERM')).toEqual({ code: 0, signal: null });
      console.log(`scale-out test: ${sent.size} events, each sent to two collectors`);
    },
    TIME_LIMIT_MS,
  );
});

/** Asserts that each replica has every event exactly once. */
async function expectAllRows(
  { cluster, clickhouseDatabase }: World,
  sent: ReadonlySet<string>,
): Promise<void> {
  for (const replica of cluster.replicas.keys()) {
    const rows = await until(
      () =>
        cluster.sql(
          replica,
          `SELECT path FROM ${clickhouseDatabase}.attractos_entries FINAL WHERE kind = 'event' FORMAT TabSeparated`,
        ),
      (text) => text.split('\n').length === sent.size,
      CATCH_UP_DEADLINE_MS,
    );
    expect(new Set(rows.split('\n'))).toEqual(new Set([...sent].map(Load.pathOf)));
  }
}

/** Asserts that received = stored + duplicate, and that the stored count matches the rows. */
async function expectBalance(
  { folder, databases, siteId }: World,
  { sent, acknowledged }: { sent: number; acknowledged: readonly number[] },
): Promise<void> {
  const shared = await openShared({ dataDir: folder, databases });
  try {
    const counts = { stored: 0, duplicate: 0 } as Record<string, number>;
    for (const { outcome, count } of await shared.events.ledger(siteId, ALL_DAYS))
      counts[outcome] = (counts[outcome] ?? 0) + count;
    expect(counts.stored).toBe(sent);
    // Events that were stored without a response were sent again, and became duplicates.
    expect((counts.stored ?? 0) + (counts.duplicate ?? 0)).toBeGreaterThanOrEqual(
      acknowledged.reduce((sum, each) => sum + each, 0),
    );
  } finally {
    await shared.close();
  }
}
