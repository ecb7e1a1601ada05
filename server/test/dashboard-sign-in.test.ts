import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hashPassword } from '../src/app/passwords.ts';
import { newTotpSecret, totpAddress, totpStep } from '../src/app/second-factor.ts';
import { readConfig } from '../src/config/config.ts';
import { SecretBox } from '../src/domain/secret-box.ts';
import { digestToken, newToken } from '../src/domain/tokens.ts';
import { buildServer } from '../src/server.ts';
import { runAccountCommand } from './support/account-command.ts';
import { signedIn } from './support/dashboard-person.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { SECRET_BOX } from './support/secret-key.ts';
import { totpCode } from './support/totp.ts';
import { type RunningServer, World } from './support/world.ts';

const PASSWORD = 'correct horse battery';
const WINDOW_MS = 15 * 60_000;

let world: World;
let server: RunningServer;

beforeAll(async () => {
  world = await World.open();
  server = await world.serve();
});
afterAll(() => world.close());
// All requests come from one address, whose attempts are limited.
beforeEach(() => world.clock.advance(WINDOW_MS));

/** Creates an account that can sign in. */
async function addPerson(): Promise<string> {
  const account = await world.addAccount();
  await world.store.registry.setPassword(account.id, await hashPassword(PASSWORD));
  return account.email;
}

const anonymous = () => new DashboardVisitor(server.url);

describe('set-up', () => {
  const TOKEN = newToken();
  let fresh: World;
  let url: string;
  let stop: () => Promise<unknown>;

  beforeAll(async () => {
    fresh = await World.open();
    const app = await buildServer({
      config: readConfig({ LOG_LEVEL: 'silent', DATA_DIR: fresh.dataDir }),
      store: fresh.store,
      clock: fresh.clock,
      scripts: [],
      secretBox: SECRET_BOX,
      setupToken: TOKEN,
    });
    url = await app.listen({ port: 0, host: '127.0.0.1' });
    stop = () => app.close();
  });
  afterAll(async () => {
    await stop();
    await fresh.close();
  });

  it('redirects there from the home page, and needs the setup link', async () => {
    const visitor = new DashboardVisitor(url);
    expect((await visitor.get('/')).headers.location).toBe('/dashboard');
    expect((await visitor.get('/dashboard')).headers.location).toBe('/login?next=%2Fdashboard');
    expect((await visitor.get('/login')).headers.location).toBe('/setup');
    expect((await visitor.get('/setup')).status).toBe(403);
    expect((await visitor.get(`/setup?token=${newToken()}`)).status).toBe(403);
    expect((await visitor.post('/setup', { token: 'x', email: 'a@b.c', password: PASSWORD })).status).toBe(
      403,
    );
    expect((await visitor.get('/signup')).text).toContain('Sign-up is closed');
  });

  it('explains errors in the form, and creates nothing', async () => {
    const visitor = new DashboardVisitor(url);
    await visitor.get(`/setup?token=${TOKEN}`);
    const answer = await visitor.post('/setup', { token: TOKEN, email: 'nobody', password: 'short' });
    expect(answer.status).toBe(422);
    expect(answer.text).toContain('Enter a valid email address.');
    expect(answer.text).toContain('Use a password of 10 to 200 characters.');
    expect(await fresh.store.registry.hasAccounts()).toBe(false);
  });

  it('creates one account even for concurrent requests, signs in, and closes', async () => {
    const visitors = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const visitor = new DashboardVisitor(url);
        await visitor.get(`/setup?token=${TOKEN}`);
        return visitor;
      }),
    );
    const answers = await Promise.all(
      visitors.map((visitor, i) =>
        visitor.post('/setup', { token: TOKEN, email: `first${i}@example.com`, password: PASSWORD }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 410, 410, 410, 410]);
    const winner = visitors[answers.findIndex(({ status }) => status === 303)];
    expect((await winner?.get('/dashboard/add-site'))?.status).toBe(200);
    for (const name of ['a', 'b', 'c', 'd'])
      expect((await winner?.post('/dashboard/add-site', { domain: `${name}.example` }))?.status).toBe(303);
    expect((await new DashboardVisitor(url).get(`/setup?token=${TOKEN}`)).status).toBe(410);
  });
});

describe('signing in', () => {
  it('creates a session that scripts and other sites cannot use, and ends it', async () => {
    const email = await addPerson();
    const visitor = anonymous();
    await visitor.get('/login');
    const answer = await visitor.post('/login', { email: email.toUpperCase(), password: PASSWORD });
    const cookie = answer.headers['set-cookie']?.[0] ?? '';
    expect(answer.status).toBe(303);
    expect(cookie).toMatch(/^attractos_session=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/);
    expect((await visitor.get('/dashboard/account')).status).toBe(200);

    const stolen = new DashboardVisitor(server.url);
    for (const [name, value] of visitor.cookies) stolen.cookies.set(name, value);
    expect((await visitor.post('/logout')).headers.location).toBe('/login');
    expect((await stolen.get('/dashboard/account')).status).toBe(303);
  });

  it('ends everywhere with a command', async () => {
    const email = await addPerson();
    const visitors = [anonymous(), anonymous()];
    for (const visitor of visitors) await visitor.signIn(email, PASSWORD);
    await runAccountCommand(world, 'account sign-out', email);
    for (const visitor of visitors) expect((await visitor.get('/dashboard')).status).toBe(303);
    expect((await visitors[0]?.signIn(email, PASSWORD))?.status).toBe(303);
  });

  it('stores nothing that could open a session', async () => {
    const email = await addPerson();
    const visitor = anonymous();
    await visitor.signIn(email, PASSWORD);
    const token = visitor.cookies.get('attractos_session') ?? '';
    const found = await world.store.registry.sessionByToken(digestToken(token), world.clock.now());
    expect(found?.accountId).toBe((await world.store.registry.accountByEmail(email))?.id);
    expect(await world.store.registry.sessionByToken(token, world.clock.now())).toBeNull();
  });

  it('marks cookies Secure with an https PUBLIC_URL', async () => {
    const secure = await world.serve({ settings: { PUBLIC_URL: 'https://stats.example' } });
    const visitor = new DashboardVisitor(secure.url);
    await visitor.get('/login');
    const answer = await visitor.post('/login', { email: await addPerson(), password: PASSWORD });
    expect(answer.headers['set-cookie']?.[0]).toMatch(
      /^__Host-attractos_session=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
  });

  it.each(['%E0%A4%A', '"', '', 'x'.repeat(5_000), '__proto__', `${'a'.repeat(42)}%`])(
    'ignores the cookie %j',
    async (value) => {
      for (const cookie of [`attractos_session=${value}`, `__proto__=x; attractos_session=${value};;=`]) {
        const answer = await anonymous().get('/dashboard/account', { cookie });
        expect(answer.status).toBe(303);
        expect(answer.headers.location).toMatch(/^\/login/);
      }
    },
  );

  it('does not continue a session that was set by someone else', async () => {
    const planted = newToken();
    const visitor = anonymous();
    visitor.cookies.set('attractos_session', planted);
    await visitor.signIn(await addPerson(), PASSWORD);
    expect(visitor.cookies.get('attractos_session')).not.toBe(planted);
    expect(await world.store.registry.sessionByToken(digestToken(planted), world.clock.now())).toBeNull();
  });

  it('gives the same response whether or not the account exists', async () => {
    const email = await addPerson();
    const tell = async (typed: string) => {
      const visitor = anonymous();
      await visitor.get('/login');
      const { status, text } = await visitor.post('/login', { email: typed, password: 'not the password' });
      return { status, text: text.replaceAll(typed, 'E').replaceAll(/value="[\w-]{80,}"/g, 'value=""') };
    };
    expect(await tell(email)).toEqual(await tell('nobody@example.com'));
  });

  it('throttles guesses at one account for a while', async () => {
    const email = await addPerson();
    const visitor = anonymous();
    await visitor.get('/login');
    const statuses: number[] = [];
    for (let i = 0; i < 11; i++)
      statuses.push((await visitor.post('/login', { email, password: `guess ${i}` })).status);
    expect(statuses).toEqual([...Array<number>(10).fill(422), 429]);
    expect((await visitor.post('/login', { email, password: PASSWORD })).status).toBe(429);
    world.clock.advance(WINDOW_MS);
    expect((await visitor.post('/login', { email, password: PASSWORD })).status).toBe(303);
  });

  describe('from other addresses', () => {
    let proxied: RunningServer;
    beforeAll(async () => {
      proxied = await world.serve({ settings: { TRUST_PROXY: 'loopback' } });
    });
    const from = (address: string) => ({ 'x-forwarded-for': address });
    /** Guesses the password of an account from so many addresses that only the account's limit is reached. */
    async function lockOut(email: string): Promise<void> {
      const statuses: number[] = [];
      for (let i = 0; i < 12; i++) {
        const guesser = new DashboardVisitor(proxied.url);
        await guesser.get('/login');
        const guess = { email, password: `guess ${i}` };
        statuses.push((await guesser.post('/login', guess, from(`198.51.100.${i}`))).status);
      }
      expect(statuses.slice(0, 10)).toEqual(Array<number>(10).fill(422));
    }

    it('throttles a whole IPv6 network', async () => {
      const statuses = new Set<number>();
      for (let i = 0; i < 60; i++) {
        const guesser = new DashboardVisitor(proxied.url);
        await guesser.get('/login');
        const guess = { email: `nobody${i}@example.com`, password: 'guess' };
        statuses.add((await guesser.post('/login', guess, from(`2001:db8:1:1::${i}`))).status);
      }
      expect(statuses).toEqual(new Set([422, 429]));
    });

    it('does not lock an owner out of a browser in which they signed in before', async () => {
      const email = await addPerson();
      const owner = new DashboardVisitor(proxied.url);
      await owner.signIn(email, PASSWORD);
      await owner.post('/logout');
      await lockOut(email);
      const stranger = new DashboardVisitor(proxied.url);
      expect((await stranger.signIn(email, PASSWORD)).status).toBe(429);
      expect((await owner.signIn(email, PASSWORD)).status).toBe(303);
      // Guesses in a known browser are limited, too.
      await owner.post('/logout');
      await owner.get('/login');
      const statuses: number[] = [];
      for (let i = 0; i < 11; i++)
        statuses.push((await owner.post('/login', { email, password: `guess ${i}` })).status);
      expect(statuses).toEqual([...Array<number>(10).fill(422), 429]);
    });

    it('does not know a browser by the cookie of another account, or of an earlier password', async () => {
      const [email, other] = [await addPerson(), await addPerson()];
      const owner = new DashboardVisitor(proxied.url);
      await owner.signIn(email, PASSWORD);
      await owner.post('/logout');
      await lockOut(other);
      expect((await owner.signIn(other, PASSWORD)).status).toBe(429);
      const account = await world.store.registry.accountByEmail(email);
      await world.store.registry.setPassword(account?.id ?? '', await hashPassword('a new password'));
      await lockOut(email);
      expect((await owner.signIn(email, 'a new password')).status).toBe(429);
    });

    it('lets whoever has the second factor pass, and does not tell strangers which password is right', async () => {
      const account = await world.addAccount();
      const { registry } = world.store;
      await registry.setPassword(account.id, await hashPassword(PASSWORD));
      const secret = newTotpSecret();
      await registry.setTotp(account.id, { secret, recoveryHashes: [] });
      await lockOut(account.email);

      const enter = async (address: string, password: string, code: string) => {
        const visitor = new DashboardVisitor(proxied.url);
        await visitor.get('/login');
        const asked = await visitor.post('/login', { email: account.email, password }, from(address));
        const ticket = /name="ticket" value="([^"]+)"/.exec(asked.text)?.[1] ?? '';
        const { status, text } = await visitor.post('/login/second-factor', { ticket, code }, from(address));
        return {
          asked: asked.text.replaceAll(/value="[^"]+"/g, ''),
          status,
          text: text.replaceAll(/value="[^"]+"/g, ''),
        };
      };
      const code = totpCode(secret, Math.floor(world.clock.now() / 30_000));
      const wrong = await enter('203.0.113.1', 'guess', code);
      expect(wrong.status).toBe(422);
      expect(await enter('203.0.113.2', PASSWORD, '000000')).toEqual(wrong);
      // More wrong passwords than an account may have wrong codes.
      for (let i = 0; i < 11; i++)
        expect((await enter(`203.0.113.${10 + i}`, `guess ${i}`, code)).status).toBe(422);
      expect((await enter('203.0.113.3', PASSWORD, code)).status).toBe(303);

      // Nor does the limit of codes, whichever addresses they come from.
      world.clock.advance(WINDOW_MS);
      await lockOut(account.email);
      const statuses = async (password: string, network: string) => {
        const seen: number[] = [];
        for (let i = 0; i < 12; i++) seen.push((await enter(`${network}.${i}`, password, '000000')).status);
        return seen;
      };
      const limited = [...Array<number>(10).fill(422), 429, 429];
      expect(await statuses(PASSWORD, '192.0.2')).toEqual(limited);
      expect(await statuses('a guess', '198.51.100')).toEqual(limited);
    });
  });

  it.each([
    ['//evil.example/', '/dashboard'],
    ['/\\evil.example', '/dashboard'],
    ['https://evil.example/dashboard', '/dashboard'],
    ['javascript:alert(1)', '/dashboard'],
    ['/dashboard/../..//evil.example', '/dashboard'],
    ['/logout', '/dashboard'],
    ['/dashboardevil', '/dashboard'],
    ['/dashboard/account?done=email', '/dashboard/account?done=email'],
  ])('redirects to %s as %s', async (next, to) => {
    const visitor = anonymous();
    await visitor.get('/login');
    const answer = await visitor.post('/login', { email: await addPerson(), password: PASSWORD, next });
    expect(answer.headers.location).toBe(to);
  });
});

describe('a session', () => {
  const [MINUTE_MS, HOUR_MS] = [60_000, 3_600_000];
  const DAY_MS = 24 * HOUR_MS;

  /** Signs a new person in. */
  async function newSession(on: RunningServer): Promise<{ visitor: DashboardVisitor; accountId: string }> {
    const email = await addPerson();
    const visitor = new DashboardVisitor(on.url);
    await visitor.signIn(email, PASSWORD);
    return { visitor, accountId: (await world.store.registry.accountByEmail(email))?.id ?? '' };
  }
  const isIn = async (visitor: DashboardVisitor) => (await visitor.get('/dashboard/account')).status === 200;

  it('ends after a week without use, but not while it is used', async () => {
    const { visitor } = await newSession(server);
    for (let i = 0; i < 3; i++) {
      world.clock.advance(6 * DAY_MS);
      expect(await isIn(visitor)).toBe(true);
    }
    world.clock.advance(7 * DAY_MS);
    expect(await isIn(visitor)).toBe(false);
  });

  it('ends after 30 days, however often it is used', async () => {
    const { visitor } = await newSession(server);
    for (let i = 0; i < 29; i++) {
      world.clock.advance(DAY_MS);
      expect(await isIn(visitor)).toBe(true);
    }
    world.clock.advance(DAY_MS);
    expect(await isIn(visitor)).toBe(false);
  });

  it('does not last until a clock that was set back is there again', async () => {
    const { visitor } = await newSession(server);
    world.clock.advance(-8 * DAY_MS);
    expect(await isIn(visitor)).toBe(false);
    world.clock.advance(8 * DAY_MS);
    expect(await isIn(visitor)).toBe(true);
  });

  it('does not begin with a password that was changed while it was checked', async () => {
    const { registry } = world.store;
    const email = await addPerson();
    const createSession: typeof registry.createSession = async (session, tokenHash) => {
      await registry.setPassword(session.accountId, await hashPassword('a new password'));
      await registry.endSessionsOf(session.accountId, null);
      await registry.createSession(session, tokenHash);
    };
    const racing = await world.serve({ registry: { ...registry, createSession } });
    const visitor = new DashboardVisitor(racing.url);
    expect((await visitor.signIn(email, PASSWORD)).headers.location).toBe('/login');
    const account = await registry.accountByEmail(email);
    expect(await registry.sessionsOf(account?.id ?? '', world.clock.now())).toEqual([]);
  });

  it('is not kept alive by pages that update themselves', async () => {
    const { visitor, accountId } = await newSession(server);
    const account = await world.store.registry.accountById(accountId);
    if (account === null) throw new Error('the account was just created');
    const site = await world.addSite(account);
    for (let i = 0; i < 7; i++) {
      expect((await visitor.get(`/dashboard/sites/${site.id}/now`)).status).toBe(200);
      world.clock.advance(DAY_MS);
    }
    expect((await visitor.get(`/dashboard/sites/${site.id}/now`)).status).toBe(303);
  });

  it('obeys the settings, also if it began under others, and is no longer listed', async () => {
    const strict = await world.serve({ settings: { SESSION_IDLE_HOURS: '0.5', SESSION_MAX_DAYS: '2' } });
    const { visitor } = await newSession(server);
    const cookie = { cookie: visitor.cookieHeader };
    world.clock.advance(30 * MINUTE_MS);
    const onStrict = new DashboardVisitor(strict.url);
    expect((await onStrict.get('/dashboard/account', cookie)).status).toBe(303);
    expect(await isIn(visitor)).toBe(true);
    expect((await onStrict.get('/dashboard/account', cookie)).status).toBe(200);

    const { accountId } = await newSession(strict);
    world.clock.advance(20 * MINUTE_MS);
    const email = (await world.store.registry.accountById(accountId))?.email ?? '';
    const later = new DashboardVisitor(strict.url);
    await later.signIn(email, PASSWORD);
    const count = async () =>
      [...(await later.get('/dashboard/account')).text.matchAll(/Signed in <time/g)].length;
    expect(await count()).toBe(2);
    world.clock.advance(20 * MINUTE_MS);
    expect(await count()).toBe(1);
  });

  it('is written at most once a minute', async () => {
    let writes = 0;
    const { registry } = world.store;
    const touchSession: typeof registry.touchSession = (...args) => {
      writes += 1;
      return registry.touchSession(...args);
    };
    const counting = await world.serve({ registry: { ...registry, touchSession } });
    const { visitor } = await newSession(counting);
    for (let i = 0; i < 5; i++) await isIn(visitor);
    expect(writes).toBe(0);
    world.clock.advance(MINUTE_MS);
    for (let i = 0; i < 5; i++) await isIn(visitor);
    expect(writes).toBe(1);
  });
});

describe('a new password', () => {
  it.each(['password123', '1234567890', 'sunshine12', 'attractos1', 'aaaaaaaaaaaaaaa', 'Password2026'])(
    'is not %s, which is easy to guess',
    async (password) => {
      const email = await addPerson();
      const owner = anonymous();
      await owner.signIn(email, PASSWORD);
      const fields = { 'old-password': PASSWORD, 'new-password': password };
      const answer = await owner.post('/dashboard/account/password', fields);
      expect(answer.status).toBe(422);
      expect(answer.text).toContain('This password is easy to guess.');
      expect((await anonymous().signIn(email, PASSWORD)).status).toBe(303);
    },
  );
});

describe('sign-up', () => {
  it('closes sign-up by default, and does not reveal who has an account', async () => {
    const email = await addPerson();
    expect((await anonymous().get('/signup')).text).toContain('Sign-up is closed');
    const open = await world.serve({ settings: { SIGNUPS: 'open' } });
    for (const typed of [email, 'new@example.org']) {
      const visitor = new DashboardVisitor(open.url);
      await visitor.get('/signup');
      const answer = await visitor.post('/signup', { email: typed, password: 'another password' });
      expect(answer.headers.location).toBe('/login?note=signed-up');
    }
    const visitor = anonymous();
    expect((await visitor.signIn('new@example.org', 'another password')).status).toBe(303);
    expect((await anonymous().signIn(email, 'another password')).status).toBe(422);
  });
});

describe('a reset link', () => {
  async function addResetLink(email: string, token: string): Promise<void> {
    const { registry } = world.store;
    const accountId = (await registry.accountByEmail(email))?.id ?? '';
    const expiresAtMs = world.clock.now() + 1000;
    await registry.createOneTimeToken(
      { kind: 'reset', email, accountId, siteId: null, role: null, expiresAtMs },
      digestToken(token),
    );
  }

  it.each([
    ['password', { 'old-password': PASSWORD, 'new-password': 'a longer password' }],
    ['email', { 'email-password': PASSWORD, email: 'elsewhere@example.com' }],
  ])('is worthless once the %s was changed', async (what, fields) => {
    const email = await addPerson();
    const token = newToken();
    await addResetLink(email, token);
    const owner = anonymous();
    await owner.signIn(email, PASSWORD);
    expect((await owner.post(`/dashboard/account/${what}`, fields)).status).toBe(303);
    expect((await anonymous().get(`/reset/${token}`)).status).toBe(410);
  });

  it('sets a new password once and ends every session', async () => {
    const email = await addPerson();
    const old = anonymous();
    await old.signIn(email, PASSWORD);
    const token = newToken();
    await addResetLink(email, token);
    const other = newToken();
    await addResetLink(email, other);
    const visitor = anonymous();
    expect((await visitor.get(`/reset/${token}`)).text).toContain(email);
    expect((await visitor.post('/reset', { token, password: 'short' })).status).toBe(422);
    expect((await visitor.post('/reset', { token, password: 'a new password' })).status).toBe(303);
    expect((await visitor.post('/reset', { token, password: 'another new one' })).status).toBe(410);
    expect((await visitor.post('/reset', { token: other, password: 'another new one' })).status).toBe(410);
    expect((await old.get('/dashboard/account')).status).toBe(303);
    expect((await anonymous().signIn(email, 'a new password')).status).toBe(303);
  });
});

describe('two-factor authentication', () => {
  it('computes the codes of RFC 6238', () => {
    const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
    const times = [59, 1111111109, 1234567890, 20000000000];
    const codes = ['287082', '081804', '005924', '353130'];
    expect(times.map((s) => totpCode(secret, Math.floor(s / 30)))).toEqual(codes);
    expect(times.map((s, i) => totpStep(secret, codes[i] ?? '', s * 1000))).toEqual(
      times.map((s) => Math.floor(s / 30)),
    );
    const made = newTotpSecret();
    expect(made).toMatch(/^[A-Z2-7]{32}$/);
    expect(totpStep(made, totpCode(made, 100), 100 * 30_000)).toBe(100);
    expect([99, 101].map((step) => totpStep(made, totpCode(made, step), 100 * 30_000))).toEqual([99, 101]);
    expect(totpStep(made, totpCode(made, 98), 100 * 30_000)).toBeNull();
    expect(totpStep(made, totpCode(made, 102), 100 * 30_000)).toBeNull();
  });

  it.each(['', '12345', '1234567', 'abcdef', '12345é', '१२३४५६', '123456\0', '-12345', '1e5000'])(
    'refuses %j as a code',
    (typed) => expect(totpStep(newTotpSecret(), typed, 1_000_000_000)).toBeNull(),
  );

  it('accepts a code with spaces, and gives an app its parameters', () => {
    const secret = newTotpSecret();
    expect(totpStep(secret, ` ${totpCode(secret, 9).replace(/^.../, '$& ')} `, 9 * 30_000)).toBe(9);
    const address = new URL(totpAddress(secret, 'ada+x@example.com'));
    expect(address.href).toMatch(/^otpauth:\/\/totp\/AttractOS:ada%2Bx%40example\.com\?/);
    expect(Object.fromEntries(address.searchParams)).toEqual({
      ...{ issuer: 'AttractOS', secret, algorithm: 'SHA1', digits: '6', period: '30' },
    });
  });

  it('asks for a second factor once it is on; each code and recovery code works once', async () => {
    const email = await addPerson();
    const visitor = anonymous();
    await visitor.signIn(email, PASSWORD);
    const secret = await newApp(visitor);
    const code = () => codeOf(secret);
    const turnOn = (typed: string) => confirmApp(visitor, { code: typed, 'totp-password': PASSWORD });
    expect((await turnOn('000000')).status).toBe(422);
    expect((await turnOn('१२३४५६')).status).toBe(422);
    const on = await turnOn(code());
    const recovery = recoveryCodesIn(on.text);
    expect(recovery).toHaveLength(8);

    const enter = async (typed: string) => {
      const again = anonymous();
      await again.get('/login');
      const asked = await again.post('/login', { email, password: PASSWORD });
      expect(asked.text).toContain('Two-factor authentication');
      expect((await again.get('/dashboard/account')).status).toBe(303);
      const ticket = /name="ticket" value="([^"]+)"/.exec(asked.text)?.[1] ?? '';
      await again.get('/login');
      return (await again.post('/login/second-factor', { ticket, code: typed })).status;
    };
    expect(await enter(code()), 'the code that turned it on').toBe(422);
    world.clock.advance(30_000);
    const next = code();
    expect(await enter(next)).toBe(303);
    expect(await enter(next), 'the same code again').toBe(422);
    expect(await enter(recovery[0] ?? '')).toBe(303);
    expect(await enter(recovery[0] ?? ''), 'the same recovery code again').toBe(422);
    expect(await enter(` ${recovery[1]?.toUpperCase().replace(/^.{4}/, '$& ')} `)).toBe(303);
    expect(await enter(''), 'no code').toBe(422);
    expect(await enter('f'.repeat(16)), 'a code that never was').toBe(422);
  });

  /** Begins to set up an app in an open session. @returns the secret that the server made */
  async function newApp(visitor: DashboardVisitor): Promise<string> {
    const { text } = await visitor.post('/dashboard/account/second-factor', { do: 'start' });
    return /<pre id="totp-secret"[^>]*><code>([A-Z2-7 ]+)/.exec(text)?.[1]?.replaceAll(' ', '') ?? '';
  }

  const confirmApp = (visitor: DashboardVisitor, fields: Record<string, string>) =>
    visitor.post('/dashboard/account/second-factor', { do: 'confirm', ...fields });

  const codeOf = (shared: string) => totpCode(shared, Math.floor(world.clock.now() / 30_000));

  const recoveryCodesIn = (text: string) =>
    /<pre id="recovery-codes"[^>]*><code>([^<]+)/.exec(text)?.[1]?.split('\n') ?? [];

  /** Returns what is stored of the second factor of an account. */
  async function stored(email: string) {
    const account = await world.store.registry.accountByEmail(email);
    const id = account?.id ?? '';
    const { totpSecret } = (await world.store.registry.credentialsOf(id)) ?? { totpSecret: null };
    return { id, totpSecret, hashes: await world.store.registry.recoveryHashesOf(id) };
  }

  /** Signs in a user with two-factor authentication. @returns the user and the secret */
  async function withSecondFactor() {
    const email = await addPerson();
    const visitor = anonymous();
    await visitor.signIn(email, PASSWORD);
    const secret = await newApp(visitor);
    const on = await confirmApp(visitor, { code: codeOf(secret), 'totp-password': PASSWORD });
    world.clock.advance(30_000);
    const change = (fields: Record<string, string>) =>
      visitor.post('/dashboard/account/second-factor', fields);
    /** The secret in use, which only this server can read. */
    const present = async () => {
      const { id, totpSecret } = await stored(email);
      return totpSecret === null ? null : SECRET_BOX.open(totpSecret, id);
    };
    return { email, visitor, change, secret, recovery: recoveryCodesIn(on.text), present };
  }

  it('cannot be turned on from an open session without the password', async () => {
    const email = await addPerson();
    const visitor = anonymous();
    await visitor.signIn(email, PASSWORD);
    const secret = await newApp(visitor);
    const spaced = secret.replaceAll(/(.{4})(?=.)/g, '$1 ');
    for (const fields of [{}, { 'totp-password': 'not the password' }]) {
      const answer = await confirmApp(visitor, { code: codeOf(secret), ...fields });
      expect(answer.status).toBe(422);
      expect(answer.text, 'the same key, to go on with').toContain(spaced);
    }
    expect((await stored(email)).totpSecret).toBeNull();
    expect((await anonymous().signIn(email, PASSWORD)).status, 'signed in without a code').toBe(303);
  });

  it('is set up only with a secret that the server made for this session', async () => {
    const email = await addPerson();
    const [visitor, elsewhere] = [anonymous(), anonymous()];
    await visitor.signIn(email, PASSWORD);
    await elsewhere.signIn(email, PASSWORD);
    const own = newTotpSecret();
    const confirm = async (from: DashboardVisitor, secret: string) => {
      const fields = { secret, code: codeOf(secret), 'totp-password': PASSWORD };
      return (await confirmApp(from, fields)).status;
    };
    expect(await confirm(visitor, own), 'not set up').toBe(422);
    const [first, second] = [await newApp(visitor), await newApp(visitor)];
    expect(await confirm(visitor, own), 'a secret of the browser').toBe(422);
    expect(await confirm(visitor, first), 'a secret that was replaced').toBe(422);
    expect(await confirm(elsewhere, second), 'a secret of another session').toBe(422);
    world.clock.advance(WINDOW_MS);
    expect(await confirm(visitor, second), 'too late').toBe(422);
    expect((await stored(email)).totpSecret).toBeNull();
    const third = await newApp(visitor);
    const both = await Promise.all([confirm(visitor, third), confirm(visitor, third)]);
    expect(both.sort(), 'used once').toEqual([200, 422]);
    expect((await stored(email)).hashes).toHaveLength(8);
  });

  it('is stored encrypted for its account, with slow hashes of recovery codes that share a salt', async () => {
    const { email, secret, recovery } = await withSecondFactor();
    const { id, totpSecret, hashes } = await stored(email);
    expect(SECRET_BOX.open(totpSecret ?? '', id)).toBe(secret);
    expect(SECRET_BOX.open(totpSecret ?? '', 'acc_another')).toBeNull();
    expect(new SecretBox(newToken()).open(totpSecret ?? '', id)).toBeNull();
    const changed = totpSecret?.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')) ?? '';
    expect(SECRET_BOX.open(`${changed}AAAA`, id)).toBeNull();
    for (const hash of hashes) expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(new Set(hashes.map((hash) => hash.split('$')[4])).size).toBe(1);
    // Everything else that is stored: tables, free pages and logs.
    const files = readdirSync(world.dataDir).filter((name) => name.startsWith('registry.db'));
    const bytes = files.map((name) => readFileSync(join(world.dataDir, name), 'latin1')).join('');
    expect(bytes, 'the search finds what is there').toContain(id);
    for (const text of [secret, ...recovery, ...recovery.map(digestToken)]) expect(bytes).not.toContain(text);
  });

  it('says so if the secret was encrypted with another key, and lets recovery codes pass', async () => {
    const { email, secret, recovery } = await withSecondFactor();
    const other = await world.serve({ secretBox: new SecretBox(newToken()) });
    const enter = async (code: string) => {
      const visitor = new DashboardVisitor(other.url);
      await visitor.get('/login');
      const asked = await visitor.post('/login', { email, password: PASSWORD });
      const ticket = /name="ticket" value="([^"]+)"/.exec(asked.text)?.[1] ?? '';
      return { visitor, answer: await visitor.post('/login/second-factor', { ticket, code }) };
    };
    const refused = (await enter(codeOf(secret))).answer;
    expect(refused.status).toBe(422);
    expect(refused.text).toContain('its secret key has changed');
    const { visitor, answer } = await enter(recovery[0] ?? '');
    expect(answer.status).toBe(303);
    await visitor.get('/dashboard/account');
    const next = await newApp(visitor);
    const replace = (code: string) =>
      confirmApp(visitor, { code: codeOf(next), 'totp-password': PASSWORD, 'totp-code': code });
    expect((await replace(codeOf(secret))).text).toContain('its secret key has changed');
    expect((await replace(recovery[1] ?? '')).status, 'an app for the key of now').toBe(200);
    world.clock.advance(30_000);
    expect((await enter(codeOf(next))).answer.status).toBe(303);
  });

  it('replaces the second factor with the password and a code of the current app', async () => {
    const { visitor, change, secret, recovery, present } = await withSecondFactor();
    const other = await newApp(visitor);
    const replace = async (fields: Record<string, string>) =>
      (await confirmApp(visitor, { code: codeOf(other), ...fields })).status;
    expect(await replace({})).toBe(422);
    expect(await replace({ 'totp-code': codeOf(secret) }), 'no password').toBe(422);
    expect(await replace({ 'totp-password': PASSWORD }), 'no code').toBe(422);
    expect(await replace({ 'totp-password': PASSWORD, 'totp-code': codeOf(other) })).toBe(422);
    expect(await present()).toBe(secret);
    expect(await replace({ 'totp-password': PASSWORD, 'totp-code': codeOf(secret) })).toBe(200);
    expect(await present()).toBe(other);
    expect(
      await change({ do: 'off', 'totp-password': PASSWORD, 'totp-code': recovery[0] ?? '' }),
    ).toMatchObject({ status: 422 });
  });

  it.each(['code', 'recovery code'] as const)('turns 2FA off with the password and a %s', async (kind) => {
    const { change, secret, recovery, present } = await withSecondFactor();
    const off = (fields: Record<string, string>) => change({ do: 'off', ...fields });
    const shown = kind === 'code' ? codeOf(secret) : (recovery[0] ?? '');
    expect((await off({ 'totp-code': shown })).status, 'no password').toBe(422);
    expect((await off({ 'totp-password': PASSWORD })).status, 'no code').toBe(422);
    expect(await present()).toBe(secret);
    const done = await off({ 'totp-password': PASSWORD, 'totp-code': shown });
    expect(done.headers.location).toBe('/dashboard/account?done=totp-off');
    expect(await present()).toBeNull();
  });

  it('throttles guesses of password and code from an open session', async () => {
    const { change, secret, present } = await withSecondFactor();
    const off = async (password: string, code: string) =>
      (await change({ do: 'off', 'totp-password': password, 'totp-code': code })).status;
    const guesses: number[] = [];
    for (let i = 0; i < 11; i++) guesses.push(await off('not the password', codeOf(secret)));
    expect(guesses).toEqual([...Array<number>(10).fill(422), 429]);
    expect(await off(PASSWORD, codeOf(secret))).toBe(429);
    world.clock.advance(WINDOW_MS);
    guesses.length = 0;
    for (let i = 0; i < 11; i++) guesses.push(await off(PASSWORD, 'no code'));
    expect(guesses).toEqual([...Array<number>(10).fill(422), 429]);
    expect(await present()).toBe(secret);
    world.clock.advance(WINDOW_MS);
    expect(await off(PASSWORD, codeOf(secret))).toBe(303);
  });
});

describe('the account', () => {
  it('changes email and password only with the password, and ends other sessions', async () => {
    const email = await addPerson();
    const here = anonymous();
    const there = anonymous();
    await here.signIn(email, PASSWORD);
    await there.signIn(email, PASSWORD);
    expect(
      (await here.post('/dashboard/account/email', { email: 'moved@example.com', 'email-password': 'wrong' }))
        .status,
    ).toBe(422);
    expect(
      (
        await here.post('/dashboard/account/email', {
          email: 'moved@example.com',
          'email-password': PASSWORD,
        })
      ).status,
    ).toBe(303);
    expect((await there.get('/dashboard/account')).status).toBe(303);
    await there.signIn('moved@example.com', PASSWORD);
    const before = here.cookies.get('attractos_session');
    await here.get('/dashboard/account');
    const changed = await here.post('/dashboard/account/password', {
      'old-password': PASSWORD,
      'new-password': 'a longer password',
    });
    expect(changed.headers.location).toBe('/dashboard/account?done=password');
    expect((await here.get('/dashboard/account')).status).toBe(200);
    expect(here.cookies.get('attractos_session')).not.toBe(before);
    expect((await there.get('/dashboard/account')).status).toBe(303);
    expect((await anonymous().signIn('moved@example.com', 'a longer password')).status).toBe(303);
  });

  it('lists and ends only the sessions of its own account', async () => {
    const [mine, theirs] = [anonymous(), anonymous()];
    await mine.signIn(await addPerson(), PASSWORD);
    await theirs.signIn(await addPerson(), PASSWORD);
    const page = await theirs.get('/dashboard/account');
    const id = /name="id" value="(ses_[^"]+)"/.exec(page.text)?.[1] ?? '';
    expect((await mine.post('/dashboard/account/sessions', { id })).status).toBe(404);
    expect((await theirs.get('/dashboard/account')).status).toBe(200);
    await theirs.post('/dashboard/account/sessions', { id });
    expect((await theirs.get('/dashboard/account')).status).toBe(303);
  });

  it('does not delete the account of the operator, whose rights the next oldest would have', async () => {
    const operator = await world.store.registry.oldestAccount();
    if (operator === null) throw new Error('there is an account');
    const visitor = await signedIn(world, server, operator);
    const { text } = await visitor.get('/dashboard/account');
    expect(text).toContain(`attractos account remove --email ${operator.email}`);
    expect(text).not.toContain('/dashboard/account/delete');
    const answer = await visitor.post('/dashboard/account/delete', {
      confirm: operator.email,
      'delete-password': PASSWORD,
    });
    expect(answer.status).toBe(422);
    expect(await world.store.registry.oldestAccount()).toEqual(operator);
  });

  it('deletes the account with everything after its email and password are typed', async () => {
    const email = await addPerson();
    const visitor = anonymous();
    await visitor.signIn(email, PASSWORD);
    expect(
      (await visitor.post('/dashboard/account/delete', { confirm: 'x', 'delete-password': PASSWORD })).status,
    ).toBe(422);
    expect(
      (await visitor.post('/dashboard/account/delete', { confirm: email, 'delete-password': 'x' })).status,
    ).toBe(422);
    expect(
      (await visitor.post('/dashboard/account/delete', { confirm: email, 'delete-password': PASSWORD }))
        .status,
    ).toBe(303);
    expect(await world.store.registry.accountByEmail(email)).toBeNull();
  });
});
