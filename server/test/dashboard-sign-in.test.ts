import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hashPassword } from '../src/app/passwords.ts';
import { newTotpSecret, totpAddress, totpStep } from '../src/app/second-factor.ts';
import { readConfig } from '../src/config/config.ts';
import { digestToken, newToken } from '../src/domain/tokens.ts';
import { buildServer } from '../src/server.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
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
  it('sets a new password once and ends every session', async () => {
    const email = await addPerson();
    const account = await world.store.registry.accountByEmail(email);
    const old = anonymous();
    await old.signIn(email, PASSWORD);
    const token = newToken();
    await world.store.registry.createOneTimeToken(
      {
        kind: 'reset',
        email,
        accountId: account?.id ?? '',
        siteId: null,
        role: null,
        expiresAtMs: world.clock.now() + 1000,
      },
      digestToken(token),
    );
    const visitor = anonymous();
    expect((await visitor.get(`/reset/${token}`)).text).toContain(email);
    expect((await visitor.post('/reset', { token, password: 'short' })).status).toBe(422);
    expect((await visitor.post('/reset', { token, password: 'a new password' })).status).toBe(303);
    expect((await visitor.post('/reset', { token, password: 'another new one' })).status).toBe(410);
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
    const started = await visitor.post('/dashboard/account/second-factor');
    const secret = /name="secret" value="([A-Z2-7]{32})"/.exec(started.text)?.[1] ?? '';
    const code = () => totpCode(secret, Math.floor(world.clock.now() / 30_000));
    const turnOn = (typed: string) =>
      visitor.post('/dashboard/account/second-factor', { secret, code: typed, 'totp-password': PASSWORD });
    expect((await turnOn('000000')).status).toBe(422);
    expect((await turnOn('१२३४५६')).status).toBe(422);
    const on = await turnOn(code());
    const recovery = /<pre id="recovery-codes"[^>]*><code>([^<]+)/.exec(on.text)?.[1]?.split('\n') ?? [];
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
  });

  /** Signs in a user with two-factor authentication. @returns the user and a source of codes */
  async function withSecondFactor() {
    const email = await addPerson();
    const visitor = anonymous();
    await visitor.signIn(email, PASSWORD);
    const change = (fields: Record<string, string>) =>
      visitor.post('/dashboard/account/second-factor', fields);
    const secret = newTotpSecret();
    const codeOf = (shared: string) => totpCode(shared, Math.floor(world.clock.now() / 30_000));
    const on = await change({ secret, code: codeOf(secret), 'totp-password': PASSWORD });
    const recovery = /<pre id="recovery-codes"[^>]*><code>([^<]+)/.exec(on.text)?.[1]?.split('\n') ?? [];
    world.clock.advance(30_000);
    const present = async () => {
      const account = await world.store.registry.accountByEmail(email);
      return (await world.store.registry.credentialsOf(account?.id ?? ''))?.totpSecret ?? null;
    };
    return { email, change, secret, codeOf, recovery, present };
  }

  it('cannot be turned on from an open session without the password', async () => {
    const email = await addPerson();
    const visitor = anonymous();
    await visitor.signIn(email, PASSWORD);
    const secret = newTotpSecret();
    const code = totpCode(secret, Math.floor(world.clock.now() / 30_000));
    for (const fields of [{}, { 'totp-password': 'not the password' }]) {
      const answer = await visitor.post('/dashboard/account/second-factor', { secret, code, ...fields });
      expect(answer.status).toBe(422);
      expect(answer.text, 'the same key, to go on with').toContain(secret);
    }
    expect((await anonymous().signIn(email, PASSWORD)).status, 'signed in without a code').toBe(303);
  });

  it('replaces the second factor with the password and a code of the current app', async () => {
    const { change, secret, codeOf, recovery, present } = await withSecondFactor();
    const other = newTotpSecret();
    const replace = async (fields: Record<string, string>) =>
      (await change({ secret: other, code: codeOf(other), ...fields })).status;
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
    const { change, secret, codeOf, recovery, present } = await withSecondFactor();
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
    const { change, secret, codeOf, present } = await withSecondFactor();
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
    const changed = await here.post('/dashboard/account/password', {
      'old-password': PASSWORD,
      'new-password': 'a longer password',
    });
    expect(changed.headers.location).toBe('/dashboard/account?done=password');
    expect((await here.get('/dashboard/account')).status).toBe(200);
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
