import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { hashPassword } from '../src/app/passwords.ts';
import { SingleSignOn } from '../src/app/single-sign-on.ts';
import { readConfig } from '../src/config/config.ts';
import type { Account } from '../src/store/contract/store.ts';
import { runAccountCommand } from './support/account-command.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import type { Answer } from './support/http.ts';
import { CLIENT, type IdentityProvider, startIdentityProvider } from './support/identity-provider.ts';
import { until } from './support/poll.ts';
import { SECRET_BOX } from './support/secret-key.ts';
import { totpCode } from './support/totp.ts';
import { type RunningServer, World } from './support/world.ts';

/** Sign-in with a real identity provider, over real HTTP. */

const PASSWORD = 'correct horse battery';
const PUBLIC_URL = 'http://stats.example';
const MINUTE_MS = 60_000;
const WINDOW_MS = 15 * MINUTE_MS;
const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

let world: World;
let operator: Account;
let provider: IdentityProvider;
let server: RunningServer;
/** The same server, without passwords. */
let only: RunningServer;
/** The same server, without domains: only people who have an account may sign in. */
let closed: RunningServer;
let people = 0;

const settings = (more: Record<string, string> = {}) => ({
  ...{ PUBLIC_URL, OIDC_ISSUER: provider.issuer, OIDC_CLIENT_ID: CLIENT.id },
  ...{ OIDC_CLIENT_SECRET: CLIENT.secret, OIDC_DOMAINS: 'example.com, Example.ORG' },
  ...more,
});

beforeAll(async () => {
  world = await World.open();
  operator = await world.addAccount();
  provider = await startIdentityProvider(`${PUBLIC_URL}/login/sso/callback`);
  server = await world.serve({ settings: settings() });
  only = await world.serve({ settings: settings({ OIDC_ONLY: 'on' }) });
  closed = await world.serve({ settings: settings({ OIDC_DOMAINS: '' }) });
});
afterAll(async () => {
  await world.close();
  await provider.close();
});
beforeEach(() => {
  // All requests come from one address, whose attempts are limited.
  world.clock.advance(WINDOW_MS);
  Object.assign(provider, { behavior: 'works', forge: null, person: newPerson() });
});

/** Makes up a person whose address the provider has verified. */
function newPerson() {
  const name = `person${++people}`;
  return { sub: name, email: `${name}@example.com`, email_verified: true };
}

/** Adds an account with a password, for the person at the provider unless another address is given. */
async function addLocal(email = String(provider.person.email)): Promise<Account> {
  const account = await world.addAccount();
  await world.store.registry.setEmail(account.id, email);
  await world.store.registry.setPassword(account.id, await hashPassword(PASSWORD));
  return { ...account, email };
}

const pathOf = (url: URL) => `${url.pathname}${url.search}`;

/** Goes to the provider with a new browser. @returns the browser, and the URL at which it comes back */
async function goThere(to = server, next = '/dashboard') {
  const visitor = new DashboardVisitor(to.url);
  await visitor.get('/login');
  const begun = await visitor.get(`/login/sso?next=${encodeURIComponent(next)}`);
  expect(begun.status, begun.text).toBe(303);
  return { visitor, back: await provider.visit(String(begun.headers.location)) };
}

/** Signs in with the provider. @returns the browser and the last answer */
async function signIn(to = server, next?: string): Promise<{ visitor: DashboardVisitor; answer: Answer }> {
  const { visitor, back } = await goThere(to, next);
  return { visitor, answer: await visitor.get(pathOf(back)) };
}

/** Returns whose account a browser is signed in to. */
async function emailIn(visitor: DashboardVisitor): Promise<string | undefined> {
  return /Type (\S+) to confirm/.exec((await visitor.get('/dashboard/account')).text)?.[1];
}

/** Returns the events in the activity of an account. */
async function eventsOf(accountId: string): Promise<string[]> {
  const found = await world.store.registry.securityEntriesOf(accountId, {
    ...{ sinceMs: 0, before: null, limit: 100 },
  });
  return found.map(({ event }) => event);
}

const accountOf = (email: unknown) => world.store.registry.accountByEmail(String(email));

/** Asserts that a sign-in is refused with a reason, and opens nothing. */
async function expectRefused(
  { visitor, answer }: { visitor: DashboardVisitor; answer: Answer },
  status: number,
  reason: string | RegExp,
): Promise<void> {
  expect(answer.status).toBe(status);
  expect(answer.text).toMatch(reason);
  expect(answer.text, 'the way to try again').toContain('href="/login/sso?next=');
  expect((await visitor.get('/dashboard/account')).status).toBe(303);
}

describe('single sign-on', () => {
  it('creates an account at the first sign-in, and opens the page that was asked for', async () => {
    const { visitor, answer } = await signIn(server, '/dashboard/add-site');
    expect(answer).toMatchObject({ status: 303, headers: { location: '/dashboard/add-site' } });
    expect(await emailIn(visitor)).toBe(provider.person.email);
  });

  it('knows a person by the subject, also after their address has changed', async () => {
    await signIn();
    const { email } = provider.person;
    const account = await accountOf(email);
    provider.person = { ...provider.person, email: 'married@example.org' };
    const { visitor, answer } = await signIn();
    expect(answer.status).toBe(303);
    expect(await emailIn(visitor)).toBe(email);
    expect(await accountOf('married@example.org')).toBeNull();
    expect((await accountOf(email))?.id).toBe(account?.id);
  });

  it('creates one account for concurrent first sign-ins', async () => {
    const browsers = await Promise.all([goThere(), goThere(), goThere()]);
    const answers = await Promise.all(browsers.map(({ visitor, back }) => visitor.get(pathOf(back))));
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303]);
    for (const { visitor } of browsers) expect(await emailIn(visitor)).toBe(provider.person.email);
  });

  it('can be finished by another server of the instance', async () => {
    const { visitor, back } = await goThere();
    const twin = new DashboardVisitor((await world.serve({ settings: settings() })).url);
    for (const [name, value] of visitor.cookies) twin.cookies.set(name, value);
    expect((await twin.get(pathOf(back))).status).toBe(303);
    expect(await emailIn(twin)).toBe(provider.person.email);
  });

  it('asks the provider with PKCE, a nonce and a state that differ each time', async () => {
    const visitor = new DashboardVisitor(server.url);
    const asked = async () => {
      await visitor.get('/login');
      const { headers } = await visitor.get('/login/sso');
      return Object.fromEntries(new URL(String(headers.location)).searchParams);
    };
    const [one, two] = [await asked(), await asked()];
    expect(one).toMatchObject({
      ...{ response_type: 'code', client_id: CLIENT.id, code_challenge_method: 'S256' },
      ...{ scope: 'openid email profile', redirect_uri: `${PUBLIC_URL}/login/sso/callback` },
    });
    for (const name of ['state', 'nonce', 'code_challenge']) expect(one[name]).not.toBe(two[name]);
  });

  it('is offered only if it is set up', async () => {
    const plain = await world.serve();
    const [without, offered] = [new DashboardVisitor(plain.url), new DashboardVisitor(server.url)];
    expect((await without.get('/login')).text).not.toContain('single sign-on');
    expect((await without.get('/login/sso')).status).toBe(404);
    expect((await without.get('/login/sso/callback?code=x&state=y')).status).toBe(404);
    const { text } = await offered.get('/login?next=/dashboard/add-site');
    expect(text).toContain('Continue with single sign-on');
    expect(text).toContain('href="/login/sso?next=%2Fdashboard%2Fadd-site"');
    expect(text).toContain('action="/login"');
  });

  it('is not begun by another site', async () => {
    const begin = async (site: string) => {
      const headers = { 'sec-fetch-site': site };
      const answer = await new DashboardVisitor(server.url).get(
        '/login/sso?next=/dashboard/account',
        headers,
      );
      return new URL(String(answer.headers.location), PUBLIC_URL);
    };
    for (const site of ['cross-site', 'same-site'])
      expect((await begin(site)).href).toBe(`${PUBLIC_URL}/login?next=%2Fdashboard%2Faccount`);
    for (const site of ['same-origin', 'none'])
      expect((await begin(site)).searchParams.get('response_type')).toBe('code');
  });

  it('does not make the first person of the provider the operator', async () => {
    const empty = await World.open();
    onTestFinished(() => empty.close());
    const { visitor, answer } = await signIn(await empty.serve({ settings: settings() })).catch(() => ({
      visitor: null,
      answer: null,
    }));
    expect([visitor, answer]).toEqual([null, null]);
    const fresh = new DashboardVisitor((await empty.serve({ settings: settings() })).url);
    for (const path of ['/login/sso', '/login/sso/callback?code=x&state=y'])
      expect((await fresh.get(path)).headers.location).toBe('/setup');
    expect(await empty.store.registry.hasAccounts()).toBe(false);
  });

  it('is throttled like other sign-ins', async () => {
    const visitor = new DashboardVisitor(server.url);
    const statusesOf = async (path: string) => {
      const statuses: number[] = [];
      for (let i = 0; i < 52; i++) statuses.push((await visitor.get(path)).status);
      return statuses;
    };
    const [back, begun] = [
      await statusesOf('/login/sso/callback?code=x&state=y'),
      await statusesOf('/login/sso'),
    ];
    expect(back).toEqual([...Array<number>(50).fill(400), 429, 429]);
    expect(begun).toEqual([...Array<number>(50).fill(303), 429, 429]);
    world.clock.advance(WINDOW_MS);
    expect((await signIn()).answer.status).toBe(303);
  });
});

describe('a person who may not sign in', () => {
  it.each([
    { email_verified: false },
    { email_verified: undefined },
    { email_verified: 'true' },
    { email: undefined },
  ])('has no verified address: %j', async (claims) => {
    const { email } = provider.person;
    provider.person = { ...provider.person, ...claims };
    await expectRefused(await signIn(), 403, 'has not verified your email address');
    expect(await accountOf(email)).toBeNull();
  });

  it.each(['ada@example.net', 'ada@sub.example.com', 'ada@evil-example.com', 'example.com@evil.example'])(
    'has an address of another domain: %s',
    async (email) => {
      provider.person = { ...provider.person, email };
      await expectRefused(await signIn(), 403, `${email} may not sign in here, because of its domain`);
      expect(await accountOf(email)).toBeNull();
    },
  );

  it('has left the domain', async () => {
    await signIn();
    provider.person = { ...provider.person, email: 'elsewhere@example.net' };
    await expectRefused(await signIn(), 403, 'because of its domain');
  });

  it('has no account, and no domain is set', async () => {
    await expectRefused(await signIn(closed), 403, `There is no account for ${provider.person.email}`);
    expect(await accountOf(provider.person.email)).toBeNull();
  });

  it('is denied by the provider', async () => {
    provider.behavior = 'denies';
    await expectRefused(await signIn(), 403, 'did not let you sign in here');
  });
});

describe('an answer of the provider', () => {
  it('opens nothing in another browser, with another state, or too late', async () => {
    const stolen = await goThere();
    const other = new DashboardVisitor(server.url);
    const arrive = async (visitor: DashboardVisitor, back: URL) => ({
      visitor,
      answer: await visitor.get(pathOf(back)),
    });
    const late = 'took too long, or began in another browser';
    await expectRefused(await arrive(other, stolen.back), 400, late);
    await other.get('/login');
    await expectRefused(await arrive(other, stolen.back), 400, late);
    await other.get('/login/sso');
    await expectRefused(await arrive(other, stolen.back), 400, late);

    const changed = new URL(stolen.back);
    for (const state of ['', 'x', `${stolen.back.searchParams.get('state')}A`]) {
      changed.searchParams.set('state', state);
      await expectRefused(await arrive(stolen.visitor, changed), 400, late);
    }
    changed.searchParams.delete('state');
    await expectRefused(await arrive(stolen.visitor, changed), 400, late);
    world.clock.advance(10 * MINUTE_MS);
    await expectRefused(await arrive(stolen.visitor, stolen.back), 400, late);
    expect(await accountOf(provider.person.email)).toBeNull();
  });

  it('works once, and not with the code or the issuer of another', async () => {
    const invalid = 'The answer of the identity provider is not valid';
    const [first, second] = [await goThere(), await goThere()];
    const swapped = new URL(first.back);
    swapped.searchParams.set('code', second.back.searchParams.get('code') ?? '');
    const answer = await first.visitor.get(pathOf(swapped));
    await expectRefused({ visitor: first.visitor, answer }, 403, invalid);

    const mixed = new URL(first.back);
    mixed.searchParams.set('iss', 'https://evil.example');
    const mixedUp = await first.visitor.get(pathOf(mixed));
    await expectRefused({ visitor: first.visitor, answer: mixedUp }, 403, invalid);

    expect((await first.visitor.get(pathOf(first.back))).status).toBe(303);
    await first.visitor.get('/dashboard/account');
    await first.visitor.post('/logout');
    const again = await first.visitor.get(pathOf(first.back));
    await expectRefused({ visitor: first.visitor, answer: again }, 403, invalid);
  });

  it.each([
    { name: 'of another issuer', claims: { iss: 'https://evil.example' } },
    { name: 'for another client', claims: { aud: 'another' } },
    { name: 'for another sign-in', claims: { nonce: 'another' } },
    { name: 'without a nonce', claims: { nonce: undefined } },
    { name: 'that has expired', claims: { exp: 1_700_000_000 } },
  ])('is refused with a token $name', async ({ claims }) => {
    provider.forge = { claims };
    await expectRefused(await signIn(), 403, 'The answer of the identity provider is not valid');
    expect(await accountOf(provider.person.email)).toBeNull();
  });

  it('is refused with a token that another key has signed', async () => {
    provider.forge = { claims: {} };
    expect((await signIn()).answer.status, 'the same token with the right key').toBe(303);
    provider.person = newPerson();
    provider.forge = { claims: {}, key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey };
    await expectRefused(await signIn(), 403, 'The answer of the identity provider is not valid');
  });
});

describe('a provider that is down', () => {
  const sentence = 'Single sign-on is unavailable, because the identity provider does not answer.';

  it('is named, and works again once it is back', async () => {
    const fresh = await world.serve({ settings: settings() });
    const visitor = new DashboardVisitor(fresh.url);
    provider.behavior = 'fails';
    const begin = async () => {
      await visitor.get('/login');
      return { visitor, answer: await visitor.get('/login/sso') };
    };
    await expectRefused(await begin(), 503, sentence);
    provider.behavior = 'works';
    expect((await signIn(fresh)).answer.status).toBe(303);
    const { visitor: there, back } = await goThere(fresh);
    provider.behavior = 'fails';
    await expectRefused({ visitor: there, answer: await there.get(pathOf(back)) }, 503, sentence);
  });

  it('is not another one, whose description names another issuer', async () => {
    const url = provider.issuer.replace('127.0.0.1', 'localhost');
    const other = await world.serve({ settings: settings({ OIDC_ISSUER: url }) });
    const visitor = new DashboardVisitor(other.url);
    await visitor.get('/login');
    const answer = await visitor.get('/login/sso');
    await expectRefused({ visitor, answer }, 403, 'The answer of the identity provider is not valid');
  });

  it('is named if nothing listens there', async () => {
    const away = await world.serve({ settings: settings({ OIDC_ISSUER: 'http://127.0.0.1:1' }) });
    const visitor = new DashboardVisitor(away.url);
    await visitor.get('/login');
    await expectRefused({ visitor, answer: await visitor.get('/login/sso') }, 503, sentence);
  });

  it('is not waited for any longer than a request may take', async () => {
    const { singleSignOn } = readConfig(settings());
    if (singleSignOn === null) throw new Error('the settings have a provider');
    const failures: unknown[] = [];
    const sso = new SingleSignOn({
      ...{ settings: singleSignOn, publicUrl: PUBLIC_URL, secretBox: SECRET_BOX, clock: world.clock },
      ...{ onFailure: (error) => failures.push(error), timeoutSeconds: 0.1 },
    });
    provider.behavior = 'silent';
    await expect(sso.begin('browser', '/dashboard')).rejects.toMatchObject({ code: 'SSO_UNAVAILABLE' });
    expect(failures).toMatchObject([{ code: 'OAUTH_TIMEOUT' }]);
  });
});

describe('an account that exists under the address', () => {
  const ticketIn = (text: string) => /name="ticket" value="([^"]+)"/.exec(text)?.[1] ?? '';

  it('is linked once its password is entered, and then opens without it', async () => {
    const account = await addLocal();
    const { visitor, answer } = await signIn();
    expect(answer.status).toBe(200);
    expect(answer.text).toContain(`There is already an account for ${account.email}.`);
    expect((await visitor.get('/dashboard/account')).status, 'not signed in').toBe(303);
    await visitor.get('/login');
    const ticket = ticketIn(answer.text);
    const link = (from: DashboardVisitor, password: string) =>
      from.post('/login/sso/link', { ticket, password });
    const stranger = new DashboardVisitor(server.url);
    await stranger.get('/login');
    expect((await link(stranger, PASSWORD)).headers.location, 'of another browser').toBe('/login');
    expect((await link(visitor, 'a guess')).status).toBe(422);
    expect((await link(visitor, '')).status).toBe(422);
    expect(await world.store.registry.hasIdentity(account.id)).toBe(false);
    expect((await link(visitor, PASSWORD)).status).toBe(303);
    expect(await emailIn(visitor)).toBe(account.email);
    expect((await signIn()).answer.status, 'the next time').toBe(303);
    const events = await until(
      () => eventsOf(account.id),
      (found) => found.includes('sign-in-failed'),
    );
    expect(events.filter((event) => event === 'sign-in')).toHaveLength(2);
    expect(events.filter((event) => event === 'single-sign-on-linked')).toHaveLength(1);
    expect((await new DashboardVisitor(server.url).signIn(account.email, PASSWORD)).status).toBe(303);
  });

  it('is linked with the password and a code, and asks for a code each time', async () => {
    const account = await addLocal();
    const { registry } = world.store;
    await registry.setTotp(account.id, { secret: SECRET_BOX.seal(SECRET, account.id), recoveryHashes: [] });
    const code = () => totpCode(SECRET, Math.floor(world.clock.now() / 30_000));
    const { visitor, answer } = await signIn();
    const ticket = ticketIn(answer.text);
    await visitor.get('/login');
    const link = async (fields: Record<string, string>) =>
      (await visitor.post('/login/sso/link', { ticket, ...fields })).status;
    expect(await link({ password: PASSWORD })).toBe(422);
    expect(await link({ password: PASSWORD, code: '000000' })).toBe(422);
    expect(await link({ password: 'a guess', code: code() })).toBe(422);
    expect(await registry.hasIdentity(account.id)).toBe(false);
    expect(await link({ password: PASSWORD, code: code() })).toBe(303);
    world.clock.advance(30_000);
    const next = await signIn();
    expect(next.answer.text).toContain('Enter the six-digit code');
    expect((await next.visitor.get('/dashboard/account')).status, 'not signed in').toBe(303);
    await next.visitor.get('/login');
    const second = { ticket: ticketIn(next.answer.text), code: code() };
    expect((await next.visitor.post('/login/second-factor', second)).status).toBe(303);
  });

  it('throttles guesses of its password', async () => {
    await addLocal();
    const { visitor, answer } = await signIn();
    await visitor.get('/login');
    const statuses: number[] = [];
    const ticket = ticketIn(answer.text);
    for (let i = 0; i < 11; i++)
      statuses.push((await visitor.post('/login/sso/link', { ticket, password: `guess ${i}` })).status);
    expect(statuses).toEqual([...Array<number>(10).fill(422), 429]);
    world.clock.advance(WINDOW_MS);
    const late = await visitor.post('/login/sso/link', { ticket, password: PASSWORD });
    expect(late.headers.location, 'too late').toBe('/login');
  });

  it('never gets another person, until the operator unlinks it', async () => {
    await signIn();
    const { email } = provider.person;
    provider.person = { sub: 'the next employee', email, email_verified: true };
    await expectRefused(await signIn(), 403, 'belongs to another person at your identity provider');
    await expectRefused(await signIn(only), 403, 'belongs to another person at your identity provider');
    await runAccountCommand(world, 'account unlink', String(email));
    const { visitor, answer } = await signIn(only);
    expect(answer.status).toBe(303);
    expect(await emailIn(visitor)).toBe(email);
  });
});

describe('OIDC_ONLY', () => {
  it('refuses passwords, sign-up and resets', async () => {
    const account = await addLocal('with-password@example.com');
    const visitor = new DashboardVisitor(only.url);
    const page = await visitor.get('/login');
    expect(page.text).toContain('Continue with single sign-on');
    expect(page.text).not.toContain('type="password"');
    // The page has no form, so the token is that of another page.
    const other = new DashboardVisitor(server.url);
    await other.get('/login');
    for (const [name, value] of other.cookies) visitor.cookies.set(name, value);
    visitor.csrf = other.csrf;
    const typed = { email: account.email, password: PASSWORD };
    for (const path of ['/login', '/signup', '/forgot']) {
      const answer = await visitor.post(path, typed);
      expect([path, answer.status]).toEqual([path, 403]);
      expect(answer.text).toContain('Passwords are not used on this server.');
    }
    for (const path of ['/signup', '/forgot']) expect((await visitor.get(path)).status).toBe(403);
    expect((await visitor.get('/dashboard/account')).status).toBe(303);
  });

  it('links an account by the verified address, and ends what its password had opened', async () => {
    const account = await addLocal();
    const before = new DashboardVisitor(server.url);
    await before.signIn(account.email, PASSWORD);
    const { visitor, answer } = await signIn(only);
    expect(answer.status).toBe(303);
    expect(await emailIn(visitor)).toBe(account.email);
    expect((await before.get('/dashboard/account')).status).toBe(303);
    const later = await new DashboardVisitor(server.url).signIn(account.email, PASSWORD);
    expect(later.status, 'the old password, with passwords on again').toBe(422);
  });

  it('confirms changes with a recent sign-in instead of a password', async () => {
    const { visitor } = await signIn(only);
    const page = await visitor.get('/dashboard/account');
    expect(page.text).not.toContain('type="password"');
    const email = `moved-${provider.person.email}`;
    world.clock.advance(10 * MINUTE_MS + 1);
    const late = await visitor.post('/dashboard/account/email', { email });
    expect(late.status).toBe(422);
    expect(late.text).toContain('sign out, sign in again, and repeat it within 10 minutes');
    const { visitor: recent } = await signIn(only);
    await recent.get('/dashboard/account');
    const password = { 'old-password': '', 'new-password': 'a longer password' };
    expect((await recent.post('/dashboard/account/password', password)).status).toBe(404);
    expect((await recent.post('/dashboard/account/email', { email })).status).toBe(303);
    expect(await accountOf(email)).not.toBeNull();
  });

  it('lets people in by a link of the command line, which works once', async () => {
    const account = await addLocal();
    const { answer: made, said } = await runAccountCommand(world, 'account reset-link', account.email);
    expect(said).toContain(`to sign in as ${account.email}`);
    const path = String(made.path);
    const visitor = new DashboardVisitor(only.url);
    const page = await visitor.get(path);
    expect(page.text).toContain(`This link signs you in once as ${account.email}.`);
    expect(page.text).not.toContain('type="password"');
    const token = path.replace('/reset/', '');
    const again = new DashboardVisitor(only.url);
    await again.get(path);
    expect((await visitor.post('/reset', { token: 'made-up' })).status).toBe(410);
    expect((await visitor.post('/reset', { token })).headers.location).toBe('/dashboard');
    expect(await emailIn(visitor)).toBe(account.email);
    expect((await again.post('/reset', { token })).status).toBe(410);
    expect((await again.get(path)).status).toBe(410);
  });
});

describe('roles', () => {
  const ROLES = { OIDC_ROLE_CLAIM: 'groups', OIDC_ADMINS: 'it, leads', OIDC_VIEWERS: 'staff' };

  it('follow the claim at each sign-in, on the sites of the operator', async () => {
    const withRoles = await world.serve({ settings: settings(ROLES) });
    const site = await world.addSite(operator, 'company.example');
    const roleWith = async (groups: unknown) => {
      provider.person = { ...provider.person, groups };
      expect((await signIn(withRoles)).answer.status).toBe(303);
      const account = await accountOf(provider.person.email);
      return world.store.registry.roleOn(site.id, account?.id ?? '');
    };
    expect(await roleWith(['staff'])).toBe('viewer');
    expect(await roleWith(['staff', 'leads'])).toBe('admin');
    expect(await roleWith('it')).toBe('admin');
    expect(await roleWith(['everyone'])).toBeNull();
    expect(await roleWith('staff')).toBe('viewer');
    expect(await roleWith(undefined)).toBeNull();
    expect(await roleWith({ staff: true })).toBeNull();
    const account = await accountOf(provider.person.email);
    const events = (await eventsOf(account?.id ?? '')).filter((event) => event.startsWith('access-'));
    const [granted, removed] = ['access-granted', 'access-removed'];
    // Newest first. Nothing is recorded for a role that stays.
    expect(events).toEqual([removed, granted, removed, granted, granted]);
    await world.store.registry.setMember(site.id, account?.id ?? '', 'admin');
    expect((await signIn(server)).answer.status).toBe(303);
    expect(await world.store.registry.roleOn(site.id, account?.id ?? ''), 'without a claim').toBe('admin');
  });

  it('never change those of the operator', async () => {
    const withRoles = await world.serve({ settings: settings({ ...ROLES, OIDC_ONLY: 'on' }) });
    const site = await world.addSite(operator, 'operator.example');
    await world.store.registry.setEmail(operator.id, String(provider.person.email));
    const { visitor, answer } = await signIn(withRoles);
    expect(answer.status).toBe(303);
    expect((await visitor.get(`/dashboard/sites/${site.id}/settings`)).status).toBe(200);
    expect(await world.store.registry.membersOf(site.id)).toEqual([]);
  });
});

describe('the settings', () => {
  const good = {
    ...{ PUBLIC_URL, OIDC_ISSUER: 'https://id.example/tenant', OIDC_CLIENT_ID: 'c' },
    OIDC_CLIENT_SECRET: 'top secret',
  };

  it('are off by default', () => {
    expect(readConfig({}).singleSignOn).toBeNull();
    expect(readConfig(good).singleSignOn).toEqual({
      ...{ issuer: 'https://id.example/tenant', clientId: 'c', clientSecret: 'top secret' },
      ...{ scopes: 'openid email profile', domains: [], roles: null, only: false },
    });
  });

  it.each([
    [{ OIDC_ISSUER: '' }, 'OIDC_ISSUER must be set if OIDC_CLIENT_ID is set.'],
    [{ OIDC_CLIENT_ID: '' }, 'OIDC_CLIENT_ID must be set if OIDC_ISSUER is set.'],
    [{ OIDC_CLIENT_SECRET: '' }, 'OIDC_CLIENT_SECRET must be set if OIDC_ISSUER is set.'],
    [{ PUBLIC_URL: '' }, /^PUBLIC_URL must be set if OIDC_ISSUER is set/],
    [{ OIDC_ISSUER: 'http://id.example' }, /^OIDC_ISSUER must be an https URL.*; got "http:\/\/id\.example"/],
    [{ OIDC_ISSUER: 'http://127.evil.example' }, /^OIDC_ISSUER must be an https URL/],
    [{ OIDC_ISSUER: 'https://id.example/?a=b' }, /^OIDC_ISSUER must be an https URL/],
    [{ OIDC_ISSUER: 'id.example' }, /^OIDC_ISSUER must be an https URL/],
    [{ OIDC_DOMAINS: 'example.com, @example.org' }, /^OIDC_DOMAINS must list domains.*; got "@example\.org"/],
    [{ OIDC_SCOPES: 'openid' }, /^OIDC_SCOPES must list scopes with single spaces, openid and email among/],
    [{ OIDC_ROLE_CLAIM: 'groups' }, 'OIDC_ADMINS or OIDC_VIEWERS must be set if OIDC_ROLE_CLAIM is set.'],
    [{ OIDC_VIEWERS: 'staff' }, 'OIDC_ROLE_CLAIM must be set if OIDC_ADMINS or OIDC_VIEWERS is set.'],
    [{ OIDC_ONLY: 'yes' }, /^OIDC_ONLY must be one of off, on/],
  ])('are refused with %j', (change, message) => {
    const read = () => readConfig({ ...good, ...change });
    expect(read).toThrow(message);
    expect(read).not.toThrow('top secret');
  });

  it('allow http on this machine only', () => {
    for (const host of ['localhost', '127.0.0.1:8080', '[::1]:8080'])
      expect(readConfig({ ...good, OIDC_ISSUER: `http://${host}` }).singleSignOn).not.toBeNull();
  });

  it('with OIDC_ONLY need a provider', () => {
    expect(() => readConfig({ OIDC_ONLY: 'on' })).toThrow('OIDC_ISSUER must be set if OIDC_ONLY is set.');
  });
});
