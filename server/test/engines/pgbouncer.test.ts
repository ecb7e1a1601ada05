import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Database } from '../../src/store/drivers/postgres.ts';
import { openShared } from '../../src/store/open.ts';
import { describeRegistry } from '../registry-contract.ts';
import { hasClickHouse, sharedClickHouse } from '../support/engines/clickhouse.ts';
import { hasPgBouncer, startPgBouncer } from '../support/engines/pgbouncer.ts';
import { hasPostgres, type PostgresServer, sharedPostgres } from '../support/engines/postgres.ts';
import { ask } from '../support/http.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { command, startProgram } from '../support/program.ts';
import { SECRET_KEY } from '../support/secret-key.ts';
import { pageHeaders } from '../support/world.ts';

/** PgBouncer refuses our limits at the start of a session, or drops them if it is told to ignore them. */

const IGNORING =
  'ignore_startup_parameters = statement_timeout, lock_timeout, idle_in_transaction_session_timeout';
const MODES = [
  { mode: 'session', lines: [] },
  { mode: 'session', lines: [IGNORING] },
  { mode: 'transaction', lines: [] },
  { mode: 'transaction', lines: [IGNORING] },
] as const;
const TIME_LIMIT_MS = 120_000;

describe.skipIf(!hasPostgres || !hasPgBouncer)('PostgreSQL behind PgBouncer', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await sharedPostgres();
  }, 150_000);

  it('ends what takes too long, in every mode', async () => {
    const ends = MODES.map(async (options) => {
      const through = await startPgBouncer(server.port, options);
      const db = new Database(through(server.createDatabase()));
      onTestFinished(() => db.close());
      const { rows } = await db.query(
        'SELECT name, setting FROM pg_settings WHERE name LIKE $1',
        '%_timeout',
      );
      for (const [name, setting] of [
        ['statement_timeout', '5000'],
        ['lock_timeout', '4000'],
        ['idle_in_transaction_session_timeout', '10000'],
      ])
        expect(rows).toContainEqual({ name, setting });
      await expect(db.query('SELECT pg_sleep(60)')).rejects.toThrow(/statement timeout/);
      const locking = db.transaction((tx) => tx.query('SELECT pg_sleep($1)', 60));
      await expect(locking).rejects.toThrow(/statement timeout/);
      expect((await db.query('SELECT $1::int AS n', 1)).rows).toEqual([{ n: 1 }]);
    });
    await Promise.all(ends);
  });

  it('goes on after sessions were ended', async () => {
    const through = await startPgBouncer(server.port, { mode: 'transaction' });
    const url = server.createDatabase();
    const db = new Database(through(url));
    onTestFinished(() => db.close());
    const ask = () => db.query('SELECT $1::int AS n', 1).then(({ count }) => count, String);
    expect(await ask()).toBe(1);
    const waiting = db.query('SELECT pg_sleep(60)');
    waiting.catch(() => undefined); // expected below
    const end = () =>
      server.sql(
        'postgres',
        `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = '${new URL(url).pathname.slice(1)}' AND query LIKE '%pg_sleep%'`,
      );
    await until(end, (ended) => ended === '1');
    await expect(waiting).rejects.toThrow(/^PostgreSQL: /);
    await until(ask, (count) => count === 1);
  });

  it.skipIf(!hasClickHouse).each(['session', 'transaction'] as const)(
    'serves the whole program in %s mode',
    async (mode) => {
      const through = await startPgBouncer(server.port, { mode });
      const cluster = await sharedClickHouse();
      const settings = {
        DATABASE_URL: through(server.createDatabase()),
        CLICKHOUSE_URL: (await cluster.createDatabase()).join(','),
        SECRET_KEY,
        LOG_LEVEL: 'error',
      };
      const dataDir = await temporaryFolder();
      const operator = async (...args: string[]) => {
        const { code, stdout, stderr } = await command(dataDir, [...args, '--json'], settings);
        if (code !== 0) throw new Error(stderr);
        return JSON.parse(stdout) as Record<string, unknown>;
      };
      await operator('account', 'add', '--email', 'ada@example.com');
      const program = startProgram(dataDir, settings);
      const url = await program.address;
      // The running server hears of the site from another process.
      const site = await operator('site', 'add', '--account', 'ada@example.com', '--domain', 'example.com');
      const { key } = await operator('key', 'add', '--account', 'ada@example.com', '--name', 'test');
      const send = async () =>
        (
          await ask(url, {
            ...{ method: 'POST', path: '/e', headers: pageHeaders() },
            body: JSON.stringify({ id: 'one', key: site.key, url: 'https://example.com/' }),
          })
        ).status;
      await until(send, (status) => status === 202);
      const listed = async () => {
        const answer = await ask(url, { path: '/api/v1/sites', headers: { authorization: `Bearer ${key}` } });
        return answer.json();
      };
      await until(listed, (answer) => JSON.stringify(answer).includes('"events_this_month":1'));
      program.kill('SIGTERM');
      expect(await program.exit).toEqual({ code: 0, signal: null });
      const complaints = program
        .stdout()
        .split('\n')
        .filter((line) => /"level":[56]0/.test(line));
      expect({ complaints, stderr: program.stderr() }).toEqual({ complaints: [], stderr: '' });
    },
    TIME_LIMIT_MS,
  );

  describeRegistry({
    name: 'PgBouncer in transaction mode',
    newPlace: async () => {
      const through = await startPgBouncer(server.port, { mode: 'transaction' });
      return through(server.createDatabase());
    },
    open: async (postgres) => {
      const store = await openShared({
        dataDir: await temporaryFolder(),
        databases: { postgres, clickhouse: 'http://127.0.0.1:1' },
      });
      onTestFinished(() => store.close());
      return store;
    },
    readsNulAs: '\uFFFD',
  });
});
