import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hashPassword } from '../src/app/passwords.ts';
import { newTotpSecret } from '../src/app/second-factor.ts';
import { listAccountActivity, SECURITY_LOG_DAYS } from '../src/app/security-log.ts';
import type { Account, Registry, SecurityEntry } from '../src/store/contract/store.ts';
import { StoreUnavailable } from '../src/store/contract/store.ts';
import { PASSWORD } from './support/dashboard-person.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { temporaryFolder } from './support/paths.ts';
import { until } from './support/poll.ts';
import { command, startProgram } from './support/program.ts';
import { totpCode } from './support/totp.ts';
import { BROWSER, type RunningServer, World } from './support/world.ts';

/** The security log: what happens to an account is in its activity, and in the server's log. */

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const ADDRESS = '203.0.113.77';

let world: World;
let server: RunningServer;

beforeAll(async () => {
  world = await World.open();
  // The oldest account administers the server, and cannot be deleted in the dashboard.
  await world.addAccount();
  server = await world.serve({ settings: { TRUST_PROXY: 'loopback', COUNTRY_HEADER: 'x-country' } });
});
afterAll(() => world.close());
// All requests come from few addresses, whose attempts are limited.
beforeEach(() => world.clock.advance(15 * MINUTE_MS));

const FROM_GERMANY = { 'user-agent': BROWSER, 'x-forwarded-for': ADDRESS, 'x-country': 'DE' };

/** A browser in Germany, behind a trusted proxy. */
class Person extends DashboardVisitor {
  override get(path: string) {
    return super.get(path, FROM_GERMANY);
  }

  override post(path: string, fields: Record<string, string> = {}) {
    return super.post(path, fields, FROM_GERMANY);
  }
}

async function addPerson(): Promise<Account> {
  const account = await world.addAccount();
  await world.store.registry.setPassword(account.id, await hashPassword(PASSWORD));
  return account;
}

async function signIn({ email }: Account, on = server): Promise<Person> {
  const person = new Person(on.url);
  expect((await person.signIn(email, PASSWORD)).status).toBe(303);
  return person;
}

const entriesOf = async ({ id }: Account): Promise<SecurityEntry[]> =>
  (await listAccountActivity({ registry: world.store.registry, clock: world.clock }, id, null)).entries;
/** The events of an account, oldest first. */
const eventsOf = async (account: Account) => (await entriesOf(account)).map(({ event }) => event).reverse();

describe('the activity of an account', () => {
  it('shows a sign-in with browser and country, and stores no address', async () => {
    const account = await addPerson();
    const person = await signIn(account);
    const page = (await person.get('/dashboard/account/activity')).text;
    expect(page).toMatch(/<strong>Signed in<\/strong>.*Chrome on Linux · Germany/s);
    const [entry] = await entriesOf(account);
    expect(entry).toMatchObject({ event: 'sign-in', country: 'DE', browser: 'Chrome on Linux', count: 1 });
    expect(JSON.stringify(entry)).not.toContain(ADDRESS);
    expect((await person.get('/dashboard/account')).text).toContain('href="/dashboard/account/activity"');
  });

  it('is shown to nobody else', async () => {
    const [account, other] = [await addPerson(), await addPerson()];
    await signIn(account);
    const page = (await (await signIn(other)).get('/dashboard/account/activity')).text;
    expect(page.match(/<strong>Signed in/g)).toHaveLength(1);
    expect((await new Person(server.url).get('/dashboard/account/activity')).status).toBe(303);
  });

  it('has every change of credentials and sessions', async () => {
    const account = await addPerson();
    let person = await signIn(account);
    await signIn(account);
    await person.post('/dashboard/account/sessions');
    const [next, email] = ['another horse battery', `changed-${account.email}`];
    await person.post('/dashboard/account/email', { email, 'email-password': 'wrong' });
    await person.post('/dashboard/account/email', { email, 'email-password': PASSWORD });
    // Forms of the session before are too old.
    await person.get('/dashboard/account');
    await person.post('/dashboard/account/password', { 'old-password': PASSWORD, 'new-password': next });
    await person.get('/dashboard/account');
    await person.post('/logout');
    person = new Person(server.url);
    expect((await person.signIn(email, next)).status).toBe(303);
    expect(await eventsOf(account)).toEqual([
      ...['sign-in', 'sign-in', 'sessions-ended', 'confirmation-failed', 'email-changed'],
      ...['password-changed', 'sign-out', 'sign-in'],
    ]);
    const page = (await person.get('/dashboard/account/activity')).text;
    expect(page).toContain('Email address changed to c…@example.com');
  });

  it('has changes of the second factor, and codes that fail after the right password', async () => {
    const account = await addPerson();
    const { registry } = world.store;
    const secret = newTotpSecret();
    await registry.setTotp(account.id, { secret, recoveryHashes: [] });
    const person = new Person(server.url);
    await person.get('/login');
    const asked = await person.post('/login', { email: account.email, password: PASSWORD });
    const ticket = /name="ticket" value="([^"]+)"/.exec(asked.text)?.[1] ?? '';
    const code = totpCode(secret, Math.floor(world.clock.now() / 30_000));
    expect((await person.post('/login/second-factor', { ticket, code: '000000' })).status).toBe(422);
    await until(
      () => eventsOf(account),
      (events) => events.includes('second-factor-failed'),
    );
    expect((await person.post('/login/second-factor', { ticket, code })).status).toBe(303);
    await person.get('/dashboard/account');
    world.clock.advance(30_000);
    const off = { do: 'off', 'totp-password': PASSWORD };
    const later = totpCode(secret, Math.floor(world.clock.now() / 30_000));
    await person.post('/dashboard/account/second-factor', { ...off, 'totp-code': later });
    expect(await eventsOf(account)).toEqual(['second-factor-failed', 'sign-in', 'second-factor-off']);
  });

  it('has keys, links and sites, and says who changed them', async () => {
    const owner = await addPerson();
    const admin = await addPerson();
    const site = await world.addSite(owner, 'shared.example');
    await world.store.registry.setMember(site.id, admin.id, 'admin');
    const [person, colleague] = [await signIn(owner), await signIn(admin)];
    await person.post('/dashboard/settings/api-keys', { name: 'Nightly report' });
    const [key] = await world.store.registry.apiKeysOf(owner.id);
    await person.post('/dashboard/settings/api-keys/revoke', { id: key?.id ?? '' });
    const settings = `/dashboard/sites/${site.id}/settings`;
    await colleague.post(`${settings}/shares`, { name: 'Board' });
    const [share] = await world.store.registry.sharesOf(site.id);
    await person.post(`${settings}/shares/remove`, { id: share?.id ?? '' });
    await colleague.post(`${settings}/keys`);
    await colleague.post(`${settings}/keys/retire`, { key: site.key });
    await person.post(`${settings}/delete`, { confirm: 'shared.example' });
    expect((await entriesOf(owner)).map(({ event, actorEmail }) => [event, actorEmail]).reverse()).toEqual([
      ['sign-in', null],
      ['api-key-created', owner.email],
      ['api-key-revoked', owner.email],
      ['share-created', admin.email],
      ['share-removed', owner.email],
      ['site-key-rotated', admin.email],
      ['site-key-retired', admin.email],
      ['site-removed', owner.email],
    ]);
    const { text } = await person.get('/dashboard/account/activity');
    expect(text).toMatch(/Public link “Board” to shared\.example created.*?By owner/s);
    expect(text).not.toContain(`By ${owner.email}`);
  });

  it('has invitations and roles on both sides', async () => {
    const [owner, guest] = [await addPerson(), await addPerson()];
    const site = await world.addSite(owner, 'invited.example');
    const [person, visitor] = [await signIn(owner), await signIn(guest)];
    const settings = `/dashboard/sites/${site.id}/settings`;
    const invite = async (email: string) => {
      const { text } = await person.post(`${settings}/members`, { email, role: 'viewer' });
      return /\/invitation\/([\w-]{43})/.exec(text)?.[1] ?? '';
    };
    await invite('else@example.org');
    await person.post(`${settings}/members/withdraw`, { email: 'else@example.org' });
    await visitor.post('/invitation', { invitation: await invite(guest.email) });
    await person.post(`${settings}/members/remove`, { account: guest.id });
    const entries = await entriesOf(owner);
    expect(entries.map(({ event }) => event).reverse()).toEqual([
      ...['sign-in', 'member-invited', 'invitation-withdrawn', 'member-invited', 'member-joined'],
      'member-removed',
    ]);
    expect(await eventsOf(guest)).toEqual(['sign-in', 'access-granted', 'access-removed']);
    expect(JSON.stringify(entries)).not.toContain('else@example.org');
  });

  it('has one entry a day for failed sign-ins, however many, and loses nothing to them', async () => {
    const account = await addPerson();
    await signIn(account);
    for (let round = 0; round < 3; round++) {
      world.clock.advance(15 * MINUTE_MS);
      const guesser = new Person(server.url);
      await guesser.get('/login');
      for (let i = 0; i < 13; i++)
        await guesser.post('/login', { email: account.email, password: `guess ${i}` });
    }
    const entries = await until(
      () => entriesOf(account),
      ([first, second]) => (first?.count ?? 0) + (second?.count ?? 0) >= 33,
    );
    expect(entries.map(({ event, count }) => [event, count])).toEqual(
      expect.arrayContaining([
        ['sign-in-failed', 30],
        // Once for each quarter of an hour, not for each attempt.
        ['sign-in-throttled', 3],
        ['sign-in', 1],
      ]),
    );
    world.clock.advance(DAY_MS);
    const page = (await (await signIn(account)).get('/dashboard/account/activity')).text;
    expect(page).toMatch(/incorrect password<\/strong>.*30 times since/s);
  });

  it('keeps the newest 500 entries and all repeated ones, for 180 days', async () => {
    const account = await addPerson();
    const { registry } = world.store;
    const add = (event: SecurityEntry['event'], repeatedOnDay: number | null) =>
      registry.addSecurityEntry(
        {
          ...{ accountId: account.id, event, repeatedOnDay, atMs: world.clock.now(), actorId: null },
          ...{ via: 'dashboard', browser: 'Firefox', country: null, details: {} },
        },
        500,
      );
    await add('password-changed', null);
    await add('sign-in-failed', 1);
    for (let i = 0; i < 500; i++) await add('sign-in', null);
    const person = await signIn(account);
    let address: string | undefined = '/dashboard/account/activity';
    const seen: string[] = [];
    for (let pages = 0; address !== undefined && pages < 20; pages++) {
      const { text } = await person.get(address);
      seen.push(
        ...[...text.matchAll(/<li>.*?<strong>(.*?)<\/strong>/gs)].map(([, sentence = '']) => sentence),
      );
      address = /href="(\/dashboard\/account\/activity\?cursor=[\d.]+)"/.exec(text)?.[1];
    }
    expect(seen).toHaveLength(501);
    expect(seen.at(-1)).toBe('Sign-in failed: incorrect password');
    expect(seen.filter((sentence) => sentence === 'Signed in')).toHaveLength(500);
    world.clock.advance(SECURITY_LOG_DAYS * DAY_MS + 1);
    expect(await entriesOf(account)).toEqual([]);
  });

  it('is deleted with the account, and by the hourly job', async () => {
    const account = await addPerson();
    const person = await signIn(account);
    const rows = async () =>
      world.store.registry.securityEntriesOf(account.id, { sinceMs: 0, before: null, limit: 10 });
    expect(await rows()).toHaveLength(1);
    await person.post('/dashboard/account/delete', { confirm: account.email, 'delete-password': PASSWORD });
    expect(await world.store.registry.accountById(account.id)).toBeNull();
    expect(await rows()).toEqual([]);

    const other = await addPerson();
    await signIn(other);
    world.clock.advance((SECURITY_LOG_DAYS + 1) * DAY_MS);
    // Jobs run at start.
    await world.serve();
    await until(
      () => world.store.registry.securityEntriesOf(other.id, { sinceMs: 0, before: null, limit: 10 }),
      (entries) => entries.length === 0,
    );
  });

  it('may lack an event that could not be stored, but the change is made', async () => {
    const account = await addPerson();
    const addSecurityEntry: Registry['addSecurityEntry'] = async () => {
      throw new StoreUnavailable('away');
    };
    const other = await world.serve({ registry: { ...world.store.registry, addSecurityEntry } });
    const person = await signIn(account, other);
    expect((await person.get('/dashboard/account/activity')).text).toContain('No activity yet');
  });
});

describe('the log of a server', () => {
  it('has a line for each event, without addresses, passwords and unknown emails', async () => {
    const dataDir = await temporaryFolder();
    const email = 'ada@example.com';
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await command(dataDir, [...args, '--json']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      return JSON.parse(stdout) as Record<string, string>;
    };
    const { id } = await run('account', 'add', '--email', email, '--password', PASSWORD);
    const program = startProgram(dataDir, { TRUST_PROXY: 'loopback', COUNTRY_HEADER: 'x-country' });
    const url = await program.address;
    const person = new Person(url);
    await person.get('/login');
    await person.post('/login', { email: 'stranger@example.org', password: 'a secret guess' });
    await person.post('/login', { email, password: 'a secret guess' });
    await person.signIn(email, PASSWORD);
    await person.post('/dashboard/settings/api-keys', { name: 'Nightly report' });
    await run('key', 'add', '--account', email, '--name', 'On the command line');
    const page = (await person.get('/dashboard/account/activity')).text;
    expect(page).toMatch(/“On the command line” created<\/strong>.*?By the server’s operator/s);
    expect(page).toMatch(/Account created<\/strong>.*?By the server’s operator/s);
    await person.post('/logout');

    const lines = () =>
      program
        .stdout()
        .split('\n')
        .filter((line) => line.includes('"security event"'))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const found = await until(lines, (all) => all.some(({ event }) => event === 'sign-out'));
    const from = { via: 'dashboard', browser: 'Chrome on Linux', country: 'DE' };
    expect(found).toEqual([
      expect.objectContaining({ event: 'sign-in-failed', actor: null, ...from }),
      expect.objectContaining({ event: 'sign-in-failed', account: id, actor: null, ...from }),
      expect.objectContaining({ event: 'sign-in', account: id, ...from }),
      expect.objectContaining({ event: 'api-key-created', account: id, actor: id, name: 'Nightly report' }),
      expect.objectContaining({ event: 'sign-out', account: id, actor: id, ...from }),
    ]);
    expect(found[0]).not.toHaveProperty('account');
    expect(new Set(found.map(({ client }) => client)).size).toBe(1);
    expect(found[0]?.client).toMatch(/^[\w-]{16}$/);
    for (const secret of [ADDRESS, '127.0.0.1"', 'stranger', 'secret guess', PASSWORD, email, 'Mozilla'])
      expect(JSON.stringify(found)).not.toContain(secret);
    program.kill('SIGTERM');
    await program.exit;
  });
});
