import { beforeAll, describe, expect, it } from 'vitest';
import { openShared } from '../src/store/open.ts';
import { newTotpSecret, totpCode } from '../src/totp.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { hasPostgres, type PostgresServer, sharedPostgres } from './support/engines/postgres.ts';
import { type Answer, ask } from './support/http.ts';
import { temporaryFolder } from './support/paths.ts';
import { until } from './support/poll.ts';
import { command, startProgram } from './support/program.ts';
import { pageHeaders } from './support/world.ts';

/** Two whole servers, each with a data folder of its own, on one PostgreSQL: what one knows, both hold to. */

const EMAIL = 'ada@example.com';
const PASSWORD = 'correct horse battery staple';
/** Attempts at one account in a quarter of an hour, and requests of a Free account in a minute, over all processes. */
const SIGN_IN_ATTEMPTS = 10;
const REQUESTS = 60;

describe.skipIf(!hasPostgres)('two servers on one PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await sharedPostgres();
  }, 150_000);

  async function start() {
    const databases = { postgres: server.createDatabase(), clickhouse: 'http://127.0.0.1:1' };
    const settings = { DATABASE_URL: databases.postgres, CLICKHOUSE_URL: databases.clickhouse };
    const dataDir = await temporaryFolder();
    const run = async (...args: string[]): Promise<Record<string, unknown>> => {
      const { code, stdout, stderr } = await command(dataDir, [...args, '--json'], settings);
      if (code !== 0) throw new Error(stderr);
      return JSON.parse(stdout) as Record<string, unknown>;
    };
    await run('account', 'add', '--email', EMAIL, '--password', PASSWORD);
    const programs = [startProgram(dataDir, settings), startProgram(await temporaryFolder(), settings)];
    const urls = await Promise.all(programs.map(({ address }) => address));
    /** One server after the other. */
    let turn = 0;
    const next = () => urls[turn++ % urls.length] ?? '';
    return { databases, urls, run, next };
  }

  const beacon = (url: string, key: unknown, domain: string) =>
    ask(url, {
      method: 'POST',
      path: '/e',
      headers: pageHeaders(`https://${domain}`),
      body: JSON.stringify({ key, url: `https://${domain}/` }),
    });

  it('holds the minute of an account over both, to the request', async () => {
    const { run, next } = await start();
    const { key } = await run('key', 'add', '--account', EMAIL, '--name', 'test');
    const question = { path: '/api/v1/sites', headers: { authorization: `Bearer ${key}` } };
    const resetOf = ({ headers }: Answer) => headers['x-ratelimit-reset'];
    // Where the minute turns in between, some are asked in one that has room for all of them.
    const answers = await until(
      async () => {
        const all: Answer[] = [];
        for (let i = 0; i < REQUESTS + 6; i++) all.push(await ask(next(), question));
        return all;
      },
      (all) =>
        new Set(all.map(resetOf)).size === 1 &&
        all[0]?.headers['x-ratelimit-remaining'] === String(REQUESTS - 1),
      180_000,
    );
    expect(resetOf(answers[0] as Answer)).toMatch(/^\d+$/);
    expect(answers.map(({ status }) => status)).toEqual(
      Array.from({ length: REQUESTS + 6 }, (_, i) => (i < REQUESTS ? 200 : 429)),
    );
    expect(answers.map(({ headers }) => headers['x-ratelimit-remaining'])).toEqual(
      Array.from({ length: REQUESTS + 6 }, (_, i) => String(Math.max(0, REQUESTS - 1 - i))),
    );
  }, 240_000);

  it('holds the attempts to guess a password over both', async () => {
    const { next } = await start();
    const statuses: number[] = [];
    for (let i = 0; i < SIGN_IN_ATTEMPTS + 2; i++) {
      const answer = await new DashboardVisitor(next()).signIn(EMAIL, `wrong ${i}`);
      statuses.push(answer.status);
    }
    expect(statuses).toEqual([...Array(SIGN_IN_ATTEMPTS).fill(422), 429, 429]);
    expect((await new DashboardVisitor(next()).signIn(EMAIL, PASSWORD)).status).toBe(429);
  });

  it('knows at one who signed in at the other, until signed out', async () => {
    const { urls } = await start();
    const [one, two] = urls.map((url) => new DashboardVisitor(url));
    if (one === undefined || two === undefined) throw new Error('two servers were started');
    expect((await one.signIn(EMAIL, PASSWORD)).status).toBe(303);
    for (const [name, value] of one.cookies) two.cookies.set(name, value);
    expect(await two.get('/dashboard/account')).toMatchObject({ status: 200 });
    expect((await two.post('/logout')).status).toBe(303);
    expect((await one.get('/dashboard/account')).status).toBe(303);
  });

  it('takes at one the second factor of a log-in that began at the other, and each code once', async () => {
    const { urls, databases } = await start();
    const secret = newTotpSecret();
    const shared = await openShared({ dataDir: await temporaryFolder(), databases });
    const account = await shared.registry.accountByEmail(EMAIL);
    await shared.registry.setTotp(account?.id ?? '', { secret, recoveryHashes: [] });
    await shared.close();
    const [first, second] = urls.map((url) => new DashboardVisitor(url));
    if (first === undefined || second === undefined) throw new Error('two servers were started');
    const begun = await first.signIn(EMAIL, PASSWORD);
    const ticket = /name="ticket" value="([^"]+)"/.exec(begun.text)?.[1] ?? '';
    expect(ticket).not.toBe('');
    await second.get('/login');
    const code = totpCode(secret, Math.floor(Date.now() / 30_000));
    const tampered = ticket.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    expect(await second.post('/login/second-factor', { ticket: tampered, code })).toMatchObject({
      status: 303,
      headers: { location: '/login' },
    });
    const finished = await second.post('/login/second-factor', { ticket, code });
    expect(finished).toMatchObject({ status: 303, headers: { location: '/dashboard' } });
    await first.get('/login');
    expect((await first.post('/login/second-factor', { ticket, code })).status).toBe(422);
  });

  it('takes beacons of a site at both as soon as it was added, and none once it is gone', async () => {
    const { urls, run } = await start();
    const site = await run('site', 'add', '--account', EMAIL, '--domain', 'new.example');
    for (const url of urls) {
      await until(
        async () => (await beacon(url, site.key, 'new.example')).status,
        (status) => status === 202,
      );
    }
    await run('account', 'remove', '--email', EMAIL);
    for (const url of urls) {
      await until(
        async () => (await beacon(url, site.key, 'new.example')).status,
        (status) => status === 404,
      );
    }
  });
});
