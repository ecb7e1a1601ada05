import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type ClickHouseCluster, hasClickHouse, sharedClickHouse } from '../support/engines/clickhouse.ts';
import { hasPostgres, type PostgresServer, sharedPostgres } from '../support/engines/postgres.ts';
import { ask } from '../support/http.ts';
import { linkTo } from '../support/link.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { command, type Program, startProgram } from '../support/program.ts';
import { SECRET_KEY } from '../support/secret-key.ts';
import { pageHeaders } from '../support/world.ts';

/** What CLICKHOUSE_URL names must be one table. Otherwise events would silently be missing from counts. */

const LIMIT_MS = 240_000;
/** Checks repeat every ten seconds, and after failures up to every thirty. */
const NOTICED_MS = 90_000;
const TABLE = 'attractos_entries';
const PLACES = { first: 0, second: 1 } as const;
/** Columns of a table of somebody else. */
const COLUMNS = '(site_id String, day Date, event_id UUID, rank UInt64)';
const ORDER = 'PARTITION BY toYYYYMM(day) ORDER BY (site_id, day, event_id)';

interface Readiness {
  status: string;
  reason?: string;
  checks: { name: string; ok: boolean; reason?: string }[];
}

describe.skipIf(!hasClickHouse || !hasPostgres)('the servers of CLICKHOUSE_URL', () => {
  let cluster: ClickHouseCluster;
  let postgres: PostgresServer;
  beforeAll(async () => {
    [cluster, postgres] = await Promise.all([sharedClickHouse(), sharedPostgres()]);
  }, 150_000);

  /** Runs a statement on one server. `{db}` stands for the database. */
  async function sql(
    place: keyof typeof PLACES,
    [url = '']: readonly string[],
    text: string,
  ): Promise<string> {
    const statement = text.replaceAll('{db}', new URL(url).pathname.slice(1));
    return cluster.sql(PLACES[place], statement);
  }

  /** Starts the program and sends one event, which it must acknowledge whatever is wrong. */
  async function startWith(urls: readonly string[]): Promise<{
    program: Program;
    readiness(): Promise<Readiness>;
    report(): Promise<number>;
  }> {
    const dataDir = await temporaryFolder();
    const settings = {
      ...{ DATABASE_URL: postgres.createDatabase(), CLICKHOUSE_URL: urls.join(',') },
      SECRET_KEY,
      LOG_LEVEL: 'error',
    };
    const operator = async (...args: string[]) => {
      const { code, stdout, stderr } = await command(dataDir, [...args, '--json'], settings);
      if (code !== 0) throw new Error(stderr);
      return JSON.parse(stdout) as Record<string, unknown>;
    };
    await operator('account', 'add', '--email', 'ada@example.com');
    const site = await operator('site', 'add', '--account', 'ada@example.com', '--domain', 'example.com');
    const { key } = await operator('key', 'add', '--account', 'ada@example.com', '--name', 'test');
    const program = startProgram(dataDir, settings);
    const url = await program.address;
    const sent = await ask(url, {
      ...{ method: 'POST', path: '/e', headers: pageHeaders() },
      body: JSON.stringify({ key: site.key, url: 'https://example.com/' }),
    });
    expect(sent.status).toBe(202);
    return {
      program,
      readiness: async () => (await ask(url, { path: '/readyz' })).json() as Readiness,
      report: async () =>
        (
          await ask(url, {
            // A list of events, which old servers answer, too.
            path: `/api/v1/sites/${site.id}/events`,
            headers: { authorization: `Bearer ${key}` },
          })
        ).status,
    };
  }

  const isReady = ({ status }: Readiness) => status === 'ready';
  const isRefused = ({ reason = '' }: Readiness) => reason.includes(TABLE);
  const shipped = (place: keyof typeof PLACES, urls: readonly string[]) => async () =>
    Number(await sql(place, urls, `SELECT count() FROM {db}.${TABLE}`).catch(() => 0));

  it.each([
    {
      what: 'tables that are not replicated',
      make: [`ReplacingMergeTree(rank) ${ORDER}`, `ReplacingMergeTree(rank) ${ORDER}`],
      says: /must be a ReplicatedReplacingMergeTree on each; on 127\.0\.0\.1:\d+ it is a ReplacingMergeTree\./,
    },
    {
      what: 'tables of two shards',
      make: [
        `ReplicatedReplacingMergeTree('/tables/1/{db}', 'a', rank) ${ORDER}`,
        `ReplicatedReplacingMergeTree('/tables/2/{db}', 'b', rank) ${ORDER}`,
      ],
      says: /\/tables\/1\/test_\w+\) and on .*\/tables\/2\/test_\w+\) are not replicas of one table\. The macro shard/,
    },
    {
      what: 'a table distributed over shards',
      make: ['Distributed(both, {db}, rows, rand())'],
      says: /is a Distributed; AttractOS needs a ReplacingMergeTree and does not work with tables distributed/,
    },
  ])(
    'refuses $what, and goes on once they are gone',
    async ({ make, says }) => {
      const urls = (await cluster.createDatabase()).slice(0, make.length);
      const places = (['first', 'second'] as const).slice(0, make.length);
      for (const [i, place] of places.entries())
        await sql(place, urls, `CREATE TABLE {db}.${TABLE} ${COLUMNS} ENGINE = ${make[i]}`);
      const { program, readiness, report } = await startWith(urls);
      const { reason } = await until(readiness, isRefused, NOTICED_MS);
      expect(reason).toMatch(says);
      expect(await report()).toBe(503);
      await until(
        () => program.stdout().match(/"work":"checking the warehouse"/g)?.length ?? 0,
        (lines) => lines > 0,
      );
      for (const place of places)
        expect(await sql(place, urls, `EXISTS {db}.${TABLE}`), 'it is left alone').toBe('1');

      for (const place of places) await sql(place, urls, `DROP TABLE {db}.${TABLE}`);
      await until(readiness, isReady, NOTICED_MS);
      for (const place of places) await until(shipped(place, urls), (rows) => rows === 1, NOTICED_MS);
      const lines = program
        .stdout()
        .split('\n')
        .filter((line) => line.includes('checking the warehouse'));
      expect(
        lines.filter((line) => says.test(line)),
        'it is logged once',
      ).toHaveLength(1);
    },
    LIMIT_MS,
  );

  it(
    'must be different ones',
    async () => {
      const [first = ''] = await cluster.createDatabase();
      const link = await linkTo(cluster.replicas[PLACES.first]?.httpPort ?? 0);
      onTestFinished(() => link.close());
      const again = Object.assign(new URL(first), { port: String(link.port) }).href;
      const { readiness } = await startWith([first, again]);
      const { reason } = await until(readiness, isRefused, NOTICED_MS);
      expect(reason).toMatch(
        / and 127\.0\.0\.1:\d+ have the same replica "replica-0" of attractos_entries\./,
      );
      expect(await shipped('first', [first])()).toBe(0);
    },
    LIMIT_MS,
  );

  it(
    'are watched while the program runs',
    async () => {
      const urls = await cluster.createDatabase();
      const { readiness, report } = await startWith(urls);
      for (const place of ['first', 'second'] as const)
        await until(shipped(place, urls), (rows) => rows === 1, NOTICED_MS);
      expect((await until(readiness, isReady, NOTICED_MS)).reason).toBeUndefined();
      expect(await report()).toBe(200);

      await sql('second', urls, `RENAME TABLE {db}.${TABLE} TO {db}.kept`);
      await sql(
        'second',
        urls,
        `CREATE TABLE {db}.${TABLE} ${COLUMNS} ENGINE = ReplacingMergeTree(rank) ${ORDER}`,
      );
      expect((await until(readiness, isRefused, NOTICED_MS)).reason).toMatch(/must be a Replicated/);
      expect(await report()).toBe(503);

      await sql('second', urls, `DROP TABLE {db}.${TABLE}`);
      await sql('second', urls, `RENAME TABLE {db}.kept TO {db}.${TABLE}`);
      await until(readiness, isReady, NOTICED_MS);
      expect(await report()).toBe(200);
    },
    LIMIT_MS,
  );

  it(
    'get nothing before each of them has been reached once',
    async () => {
      const [first = '', second = ''] = await cluster.createDatabase();
      const link = await linkTo(cluster.replicas[PLACES.second]?.httpPort ?? 0);
      onTestFinished(() => link.close());
      link.cut();
      const through = Object.assign(new URL(second), { port: String(link.port) }).href;
      const { readiness } = await startWith([through, first]);
      const isWaiting = ({ checks }: Readiness) =>
        checks.some(({ name, reason }) => name === 'databases' && reason?.includes('has 1 replicas'));
      expect((await until(readiness, isWaiting, NOTICED_MS)).status, 'as with a server that is down').toBe(
        'ready',
      );
      expect(await shipped('first', [first])()).toBe(0);
      link.mend();
      await until(shipped('first', [first]), (rows) => rows === 1, NOTICED_MS);
    },
    LIMIT_MS,
  );
});
