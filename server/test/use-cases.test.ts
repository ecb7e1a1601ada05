import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createResetLink } from '../src/app/password-reset.ts';
import { recordNothing } from '../src/app/security-log.ts';
import { UseCaseError } from '../src/app/use-case-error.ts';
import { accountCommands } from '../src/commands/account.ts';
import type { Commands, Options } from '../src/commands/command.ts';
import { keyCommands } from '../src/commands/key.ts';
import { siteCommands } from '../src/commands/site.ts';
import { signedIn } from './support/dashboard-person.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { event } from './support/entries.ts';
import type { Answer } from './support/http.ts';
import { type RunningServer, World } from './support/world.ts';

/** Pages and commands share their use cases: the same input gets the same verdict with the same wording. */

const COMMANDS: Commands = { ...accountCommands, ...siteCommands, ...keyCommands };

let world: World;
let server: RunningServer;

beforeAll(async () => {
  world = await World.open();
  await world.addAccount(); // completes the setup
  server = await world.serve({ settings: { SIGNUPS: 'open' } });
});
afterAll(() => world.close());

/** The refusal with its reason, or null if the action succeeded. */
type Verdict = string | null;

/** Runs a command after its options are parsed. `cli.test.ts` starts the program itself. */
async function byCommand(name: string, options: Options): Promise<{ verdict: Verdict; code: string | null }> {
  const command = COMMANDS[name];
  if (command === undefined || !('run' in command))
    throw new Error(`there is no command ${name} on the store`);
  try {
    const context = {
      ...world.store,
      clock: world.clock,
      record: recordNothing,
      refusesPasswords: false,
      basePath: '',
    };
    await command.run(context, options);
    return { verdict: null, code: null };
  } catch (error) {
    if (!(error instanceof UseCaseError)) throw error;
    return { verdict: error.message, code: error.code };
  }
}

/** Reads the verdict from a page: next to its field if the page shows it there, otherwise at the top of the form. */
function byPage({ status, text }: Answer): Verdict {
  if (status < 400) return null;
  expect(status).toBe(422);
  const said =
    /<p class="error"[^>]*>([^<]*)</.exec(text)?.[1] ??
    /<div class="notice notice-wrong"[^>]*>.*?<div>([^<]*)</.exec(text)?.[1] ??
    'nothing';
  return said.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&');
}

const PASSWORD = 'correct horse battery';

describe('a new account', () => {
  let people = 0;
  const add = (email: string, password: string) => byCommand('account add', { email, password });
  const signUp = async (email: string, password: string) => {
    const visitor = new DashboardVisitor(server.url);
    await visitor.get('/signup');
    return byPage(await visitor.post('/signup', { email, password }));
  };

  it.each([
    { email: 'nobody', code: 'INVALID_EMAIL' },
    { email: 'a@b@c', code: 'INVALID_EMAIL' },
    { email: 'two words@example.com', code: 'INVALID_EMAIL' },
    { email: 'a"b@example.com', code: 'INVALID_EMAIL' },
    { email: '<ada@example.com>', code: 'INVALID_EMAIL' },
    { email: `${'a'.repeat(243)}@example.com`, code: 'INVALID_EMAIL' },
    { email: `${'a'.repeat(242)}@example.com`, code: null },
    { email: ' blanks@example.com ', code: null },
  ])('checks the address $email of a new account: $code', async ({ email, code }) => {
    const refused = await add(email, PASSWORD);
    expect(refused.code).toBe(code);
    expect(await signUp(email, PASSWORD)).toBe(refused.verdict);
    if (code === null) expect(await world.store.registry.accountByEmail(email.trim())).not.toBeNull();
  });

  it.each([
    { chars: 0, code: 'INVALID_PASSWORD' },
    { chars: 9, code: 'INVALID_PASSWORD' },
    { chars: 10, code: null },
    { chars: 200, code: null },
    { chars: 201, code: 'INVALID_PASSWORD' },
  ])('checks a password of $chars characters: $code', async ({ chars, code }) => {
    const password = 'zQ8!vT3@xL'.repeat(21).slice(0, chars);
    const refused = await add(`cli${++people}@example.com`, password);
    expect(refused.code).toBe(code);
    expect(await signUp(`page${people}@example.com`, password)).toBe(refused.verdict);
  });
});

describe('the time zone of an account', () => {
  it.each([
    { zone: 'Mars/Olympus', code: 'INVALID_TIME_ZONE' },
    { zone: '', code: 'INVALID_TIME_ZONE' },
    { zone: '+02:00', code: 'INVALID_TIME_ZONE' },
    { zone: 'Europe/Berlin', code: null },
    { zone: 'US/Eastern', code: null }, // an older name of a time zone, which the page offers once an account uses it
  ])('$zone: $code', async ({ zone, code }) => {
    const account = await world.addAccount();
    const refused = await byCommand('account time-zone', { email: account.email, zone });
    expect(refused.code).toBe(code);
    const visitor = await signedIn(world, server, account);
    expect(byPage(await visitor.post('/dashboard/account/time-zone', { 'time-zone': zone }))).toBe(
      refused.verdict,
    );
    expect((await world.store.registry.accountById(account.id))?.timeZone).toBe(code === null ? zone : 'UTC');
  });
});

describe('a link for one purpose', () => {
  it('does not use up a link that is tried for another purpose', async () => {
    const { account, site } = await world.addOwner('purposes.example');
    const { path: resetPath } = await createResetLink(
      { ...world.store, clock: world.clock, record: recordNothing },
      account,
    );
    const reset = resetPath.split('/').at(-1) ?? '';
    const owner = await signedIn(world, server, account);
    expect((await owner.post('/invitation', { invitation: reset })).status).toBe(410);
    const stranger = new DashboardVisitor(server.url);
    await stranger.get('/signup');
    const typed = { email: 'purposes@example.org', password: PASSWORD };
    expect((await stranger.post('/signup', { ...typed, invitation: reset })).status).toBe(303);
    expect((await stranger.get(`/reset/${reset}`)).status).toBe(200);

    const invited = await owner.post(`/dashboard/sites/${site.id}/settings/members`, {
      email: 'friend@example.org',
    });
    const path = /\/invitation\/([\w-]{43})/.exec(invited.text);
    expect((await stranger.post('/reset', { token: path?.[1] ?? '', password: PASSWORD })).status).toBe(410);
    expect((await stranger.get(path?.[0] ?? '')).status).toBe(200);
  });
});

/** Creates an account whose owner uses both the pages and the command line. */
async function ownerOf(domain: string, plan: 'free' | 'pro' = 'free') {
  const { account, site } = await world.addOwner(domain, plan);
  return { account, site, visitor: await signedIn(world, server, account) };
}

describe('a new site', () => {
  it.each([
    { typed: 'not a domain', code: 'INVALID_DOMAIN' },
    { typed: '*.example.com', code: 'INVALID_DOMAIN' },
    { typed: '', code: 'INVALID_DOMAIN' },
    { typed: 'https://ONE.example/x', code: 'DOMAIN_TAKEN' },
  ])('$typed: $code', async ({ typed, code }) => {
    const { account, visitor } = await ownerOf('one.example');
    const refused = await byCommand('site add', { account: account.email, domain: typed });
    expect(refused.code).toBe(code);
    expect(byPage(await visitor.post('/dashboard/add-site', { domain: typed }))).toBe(refused.verdict);
  });

  it('needs room in the plan, which the error names', async () => {
    const { account, visitor } = await ownerOf('first.example');
    const add = (domain: string) => byCommand('site add', { account: account.email, domain });
    expect(await add('second.example')).toEqual({ verdict: null, code: null });
    expect(byPage(await visitor.post('/dashboard/add-site', { domain: 'third.example' }))).toBeNull();
    const refused = await add('münchen.example');
    expect(refused).toEqual({
      code: 'SITE_LIMIT_REACHED',
      verdict: 'All 3 sites of the Free plan are in use, so münchen.example was not added.',
    });
    expect(byPage(await visitor.post('/dashboard/add-site', { domain: 'münchen.example' }))).toBe(
      refused.verdict,
    );
    const page = await visitor.get('/dashboard/add-site');
    expect(page.text.replaceAll('<!-- -->', '')).toContain('All 3 sites of the Free plan are in use');
  });
});

describe('a new API key', () => {
  it.each([
    { name: '', scope: 'read', code: 'INVALID_NAME' },
    { name: '   ', scope: 'read', code: 'INVALID_NAME' },
    { name: 'x'.repeat(101), scope: 'read', code: 'INVALID_NAME' },
    { name: ` ${'x'.repeat(100)} `, scope: 'read', code: null },
    { name: 'all', scope: 'all', code: 'INVALID_SCOPE' },
    { name: 'nothing', scope: '', code: 'INVALID_SCOPE' },
    { name: 'writes', scope: 'write', code: null },
  ])('named "$name" that may "$scope": $code', async ({ name, scope, code }) => {
    const { account, visitor } = await ownerOf('keys.example');
    const refused = await byCommand('key add', { account: account.email, name, scopes: scope });
    expect(refused.code).toBe(code);
    expect(byPage(await visitor.post('/dashboard/settings/api-keys', { name, scope }))).toBe(refused.verdict);
    const made = (await world.store.registry.apiKeysOf(account.id)).filter((key) => key.name !== 'test');
    const wanted = { name: name.trim(), scopes: [scope] };
    expect(made.map((key) => ({ name: key.name, scopes: key.scopes }))).toEqual(
      code === null ? [wanted, wanted] : [],
    );
  });
});

describe('the settings of a site', () => {
  const hosts = (count: number) => Array.from({ length: count }, (_, i) => `h${i}.example`).join(',');

  it.each([
    { typed: 'a.example, b.example', code: null },
    { typed: '*.preview.example', code: null },
    { typed: 'not!a.host', code: 'INVALID_DOMAIN' },
    { typed: '*.*.example', code: 'INVALID_DOMAIN' },
    { typed: `${hosts(100)},h0.example`, code: null },
    { typed: hosts(101), code: 'TOO_MANY_HOSTS' },
  ])('accept the hosts $typed: $code', async ({ typed, code }) => {
    const { site, visitor } = await ownerOf('hosts.example');
    const refused = await byCommand('site rules', { site: site.id, allow: typed });
    expect(refused.code).toBe(code);
    const byCli = (await world.store.registry.siteById(site.id))?.extraHosts;
    const page = await visitor.post(`/dashboard/sites/${site.id}/settings/hosts`, { hosts: typed });
    expect(byPage(page)).toBe(refused.verdict);
    expect((await world.store.registry.siteById(site.id))?.extraHosts).toEqual(byCli);
  });

  it('accept hosts separated by spaces on the page, but not in a command', async () => {
    const { site, visitor } = await ownerOf('blanks.example');
    expect((await byCommand('site rules', { site: site.id, allow: 'not a host' })).code).toBe(
      'INVALID_DOMAIN',
    );
    const page = await visitor.post(`/dashboard/sites/${site.id}/settings/hosts`, {
      hosts: 'a.example b.example',
    });
    expect(byPage(page)).toBeNull();
    expect((await world.store.registry.siteById(site.id))?.extraHosts).toEqual(['a.example', 'b.example']);
  });

  it('allow a host with one click, or say why not', async () => {
    const { site, visitor } = await ownerOf('full.example');
    await byCommand('site rules', { site: site.id, allow: hosts(100) });
    const allow = (host: string) => visitor.post(`/dashboard/sites/${site.id}/allow`, { host });
    for (const [host, code] of [
      ['one-more.example', 'TOO_MANY_HOSTS'],
      ['not!a.host', 'INVALID_DOMAIN'],
    ] as const) {
      const refused = await byCommand('site rules', { site: site.id, allow: host });
      expect(refused.code).toBe(code);
      expect(byPage(await allow(host))).toBe(refused.verdict);
    }
    expect((await allow('h1.example')).status).toBe(303);
  });

  it.each([
    { days: 'soon', code: 'INVALID_DAYS' },
    { days: '0', code: 'INVALID_DAYS' },
    { days: '0x10', code: 'INVALID_DAYS' },
    { days: '1e2', code: 'INVALID_DAYS' },
    { days: '36501', code: 'INVALID_DAYS' },
    { days: '36500', code: null },
    { days: '007', code: null },
  ])('keep events for $days days: $code', async ({ days, code }) => {
    const { site, visitor } = await ownerOf('kept.example');
    const refused = await byCommand('site retention', { site: site.id, days });
    expect(refused.code).toBe(code);
    expect(byPage(await visitor.post(`/dashboard/sites/${site.id}/settings/retention`, { days }))).toBe(
      refused.verdict,
    );
    expect((await world.store.registry.siteById(site.id))?.retentionDays).toBe(
      code === null ? Number(days) : null,
    );
  });

  it.each([
    { zone: 'Nowhere', code: 'INVALID_TIME_ZONE' },
    { zone: 'US/Eastern', code: null },
  ])('set the time zone $zone: $code', async ({ zone, code }) => {
    const { site, visitor } = await ownerOf('zones.example');
    const refused = await byCommand('site time-zone', { site: site.id, zone });
    expect(refused.code).toBe(code);
    const page = await visitor.post(`/dashboard/sites/${site.id}/settings/time-zone`, { 'site-zone': zone });
    expect(byPage(page)).toBe(refused.verdict);
  });

  it('retire every key but the current one', async () => {
    const { site, visitor } = await ownerOf('retired.example');
    const refused = await byCommand('site retire-key', { key: site.key });
    expect(refused.code).toBe('CURRENT_KEY');
    const retire = (key: string) => visitor.post(`/dashboard/sites/${site.id}/settings/keys/retire`, { key });
    expect(byPage(await retire(site.key))).toBe(refused.verdict);
    const other = await ownerOf('not-retired.example');
    await byCommand('site rotate-key', { site: other.site.id });
    expect((await retire(other.site.key)).status).toBe(404);
    expect(await byCommand('site retire-key', { key: other.site.key })).toEqual({
      verdict: null,
      code: null,
    });
  });
});

it('counts the billing month of the owner for every viewer', async () => {
  const owner = await world.addAccount({ billingAnchorDay: 1 });
  const site = await world.addSite(owner, 'shared.example');
  const { key } = await world.addApiKey(owner);
  // The viewer's own billing month began a week later: the clock is at noon on 14 May.
  const viewer = await world.addAccount({ billingAnchorDay: 8 });
  await world.store.registry.setMember(site.id, viewer.id, 'viewer');
  for (const day of [2, 9])
    await world.store.events.append(
      event({ siteId: site.id, receivedAtMs: Date.UTC(2026, 4, day), id: `day ${day}` }),
    );
  const { sites } = (await server.sites(key)).json() as { sites: { events_this_month: number }[] };
  expect(sites.map(({ events_this_month }) => events_this_month)).toEqual([2]);
  for (const account of [owner, viewer]) {
    const { text } = await (await signedIn(world, server, account)).get('/dashboard');
    expect(text).toContain('<strong>2</strong> events this month');
  }
});
