import { get, type IncomingMessage } from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';
import { newTotpSecret } from '../../src/app/second-factor.ts';
import { openShared } from '../../src/store/open.ts';
import { DashboardVisitor } from '../support/dashboard-visitor.ts';
import { hasPostgres, type PostgresServer, sharedPostgres } from '../support/engines/postgres.ts';
import { type Answer, ask } from '../support/http.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { command, startProgram } from '../support/program.ts';
import { SECRET_BOX, SECRET_KEY } from '../support/secret-key.ts';
import { totpCode } from '../support/totp.ts';
import { pageHeaders } from '../support/world.ts';

/** Two complete servers with separate data folders share one PostgreSQL: changes and limits apply to both. */

const EMAIL = 'ada@example.com';
const PASSWORD = 'correct horse battery staple';
/** Sign-in attempts per account in a quarter of an hour, over all processes. */
const SIGN_IN_ATTEMPTS = 10;
/** API requests per minute of a Free account, over all processes. */
const REQUESTS = 60;

describe.skipIf(!hasPostgres)('two servers on one PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await sharedPostgres();
  }, 150_000);

  async function start() {
    const databases = { postgres: server.createDatabase(), clickhouse: 'http://127.0.0.1:1' };
    const settings = {
      ...{ DATABASE_URL: databases.postgres, CLICKHOUSE_URL: databases.clickhouse },
      SECRET_KEY,
    };
    const dataDir = await temporaryFolder();
    const run = async (...args: string[]): Promise<Record<string, unknown>> => {
      const { code, stdout, stderr } = await command(dataDir, [...args, '--json'], settings);
      if (code !== 0) throw new Error(stderr);
      return JSON.parse(stdout) as Record<string, unknown>;
    };
    await run('account', 'add', '--email', EMAIL, '--password', PASSWORD);
    const programs = [startProgram(dataDir, settings), startProgram(await temporaryFolder(), settings)];
    const urls = await Promise.all(programs.map(({ address }) => address));
    /** Number of requests so far, to alternate between the servers. */
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

  it('shares the API rate limit of an account exactly', async () => {
    const { run, next } = await start();
    const { key } = await run('key', 'add', '--account', EMAIL, '--name', 'test');
    const question = { path: '/api/v1/sites', headers: { authorization: `Bearer ${key}` } };
    const resetOf = ({ headers }: Answer) => headers['x-ratelimit-reset'];
    // If the minute ends during the requests, they are repeated in a minute that has room for all of them.
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

  it('shares login throttling', async () => {
    const { next } = await start();
    const statuses: number[] = [];
    for (let i = 0; i < SIGN_IN_ATTEMPTS + 2; i++) {
      const answer = await new DashboardVisitor(next()).signIn(EMAIL, `wrong ${i}`);
      statuses.push(answer.status);
    }
    expect(statuses).toEqual([...Array(SIGN_IN_ATTEMPTS).fill(422), 429, 429]);
    expect((await new DashboardVisitor(next()).signIn(EMAIL, PASSWORD)).status).toBe(429);
  });

  it('shares sessions until sign-out', async () => {
    const { urls } = await start();
    const [one, two] = urls.map((url) => new DashboardVisitor(url));
    if (one === undefined || two === undefined) throw new Error('two servers were started');
    expect((await one.signIn(EMAIL, PASSWORD)).status).toBe(303);
    for (const [name, value] of one.cookies) two.cookies.set(name, value);
    expect(await two.get('/dashboard/account')).toMatchObject({ status: 200 });
    expect((await two.post('/logout')).status).toBe(303);
    expect((await one.get('/dashboard/account')).status).toBe(303);
  });

  it('ends a live stream on one server when its user signs out on the other', async () => {
    const { urls, run } = await start();
    const { id } = await run('site', 'add', '--account', EMAIL, '--domain', 'live.example');
    const [one, two] = urls.map((url) => new DashboardVisitor(url));
    if (one === undefined || two === undefined) throw new Error('two servers were started');
    await one.signIn(EMAIL, PASSWORD);
    for (const [name, value] of one.cookies) two.cookies.set(name, value);
    await two.get('/dashboard/account');
    const headers = { cookie: one.cookieHeader };
    const request = get(`${urls[0]}/dashboard/sites/${id}/live`, { headers });
    const response = await new Promise<IncomingMessage>((resolve) => request.on('response', resolve));
    expect(response.statusCode).toBe(200);
    const ended = new Promise((resolve) => response.resume().on('close', resolve));
    expect((await two.post('/logout')).status).toBe(303);
    await ended;
    expect(response.complete).toBe(true);
  });

  it('completes a login on the other server, and accepts each code once', async () => {
    const { urls, databases } = await start();
    const secret = newTotpSecret();
    const shared = await openShared({ dataDir: await temporaryFolder(), databases });
    const account = await shared.registry.accountByEmail(EMAIL);
    const sealed = SECRET_BOX.seal(secret, account?.id ?? '');
    await shared.registry.setTotp(account?.id ?? '', { secret: sealed, recoveryHashes: [] });
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

  it('accepts beacons of a new site on both servers, and none of a removed one', async () => {
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
