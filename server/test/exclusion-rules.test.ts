import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utcDay } from '../src/domain/clock.ts';
import {
  allExclusions,
  type Exclusions,
  readExclusions,
  type TypedExclusions,
} from '../src/domain/exclusions.ts';
import { REFERRER_SPAM } from '../src/domain/lists/referrer-spam.ts';
import type { Site } from '../src/store/contract/store.ts';
import { signedIn } from './support/dashboard-person.ts';
import type { Answer } from './support/http.ts';
import { until } from './support/poll.ts';
import { BROWSER, type RunningServer, World } from './support/world.ts';

/** The one visitor whose address must be found nowhere. */
const SECRET_ADDRESS = '198.51.100.77';

describe('typed rules', () => {
  it('are stored in one form', () => {
    const typed: TypedExclusions = {
      addresses: '203.0.113.9/24, 2001:DB8::1 ::ffff:192.0.2.7 10.0.0.1/255.0.0.0 2001:db8:1:2:3::/64',
      referrers: 'https://Spam.example/ *Casino* bücher.example *.bücher.example com.example.app',
      hosts: 'Staging.example.com\n*.preview.example.com',
      agents: 'MyMonitor/1, beta\n*Foo*Bar*\n',
    };
    expect(readExclusions(typed)).toEqual({
      ...{ pages: [], countries: [] },
      addresses: ['203.0.113.0/24', '2001:db8::1', '192.0.2.7', '10.0.0.0/8', '2001:db8:1:2::/64'],
      referrers: [
        ...['spam.example', '*casino*', 'xn--bcher-kva.example', '*.xn--bcher-kva.example'],
        'com.example.app',
      ],
      hosts: ['staging.example.com', '*.preview.example.com'],
      agents: ['MyMonitor/1, beta', '*Foo*Bar*'],
    });
  });

  it('leave out what is the default', () => {
    expect(readExclusions({ referrerSpam: true, dataCenters: false, agents: ' \n' })).toBeNull();
    expect(readExclusions({ referrerSpam: false })).toEqual({
      ...{ pages: [], countries: [], referrerSpam: false },
    });
    expect(allExclusions({ pages: ['/a'], countries: [] })).toEqual({
      ...{ pages: ['/a'], countries: [], addresses: [], referrers: [], hosts: [], agents: [] },
      ...{ referrerSpam: true, dataCenters: false },
    });
  });

  const many = (text: (i: number) => string) => Array.from({ length: 101 }, (_, i) => text(i));

  it.each<[TypedExclusions, string]>([
    [{ addresses: '203.0.113' }, '“203.0.113” is not an IP address'],
    [{ addresses: '0.0.0.0/0' }, 'is not an IP address or network'],
    [{ addresses: '::/0' }, 'is not an IP address or network'],
    [{ addresses: '203.0.113.0/33' }, 'is not an IP address or network'],
    [{ addresses: 'localhost' }, 'is not an IP address or network'],
    [{ referrers: 'spam.example/path' }, '“spam.example/path” is not a host'],
    [{ referrers: '*' }, 'is not a host'],
    [{ hosts: '*.*' }, 'is not a host'],
    [{ hosts: 'a\u0001b*' }, 'is not a host'],
    [{ hosts: `*${'a'.repeat(300)}` }, 'is not a host'],
    [{ agents: '* *' }, 'matches every browser'],
    [{ agents: 'a'.repeat(201) }, 'longer than 200 characters'],
    [{ addresses: many((i) => `192.0.2.${i}`) }, 'at most 100 IP addresses'],
    [{ agents: many((i) => `agent ${i}`) }, 'at most 100 user agents'],
    [{ hosts: many((i) => `a${i}.example`) }, 'at most 100 hosts'],
    [{ referrers: many((i) => `a${i}.example`) }, 'at most 100 referrers'],
  ])('are refused with an error: %o', (typed, sentence) => {
    expect(readExclusions(typed)).toContain(sentence);
  });
});

describe('the collector', () => {
  let world: World;
  let server: RunningServer;

  beforeAll(async () => {
    world = await World.open();
    server = await world.serve({ settings: { TRUST_PROXY: 'loopback' } });
  });
  afterAll(() => world.close());

  /** Adds a site with exclusions that the server has loaded. */
  async function siteWith(domain: string, typed: TypedExclusions): Promise<Site> {
    const account = await world.addAccount();
    const site = await world.addSite(account, domain);
    await world.store.registry.setHostRules(site.id, { allowSubdomains: true, extraHosts: [] });
    await world.store.registry.setExclusions(site.id, readExclusions(typed) as Exclusions | null);
    await until(
      () => send(site, { name: 'leave' }),
      ({ status }) => status !== 404 && status !== 503,
    );
    return site;
  }

  interface Visit {
    host?: string;
    path?: string;
    ref?: string;
    address?: string;
    agent?: string;
    name?: string;
  }

  const send = (site: Site, { host, path = '/', ref, address, agent, name }: Visit): Promise<Answer> =>
    server.send(
      {
        key: site.key,
        url: `https://${host ?? site.domain}${path}`,
        ...(ref === undefined ? {} : { ref }),
        ...(name === undefined ? {} : { name }),
      },
      {
        headers: {
          origin: `https://${host ?? site.domain}`,
          'user-agent': agent ?? BROWSER,
          'x-forwarded-for': address ?? '192.0.2.1',
        },
      },
    );
  const outcomeOf = async (site: Site, visit: Visit) =>
    String((await send(site, visit)).headers['x-attractos-outcome']).replace('refused; reason=', '');

  /** The site's ledger of today by outcome. */
  async function ledgerOf(site: Site): Promise<Record<string, number>> {
    await world.store.events.flush();
    const day = utcDay(world.clock.now());
    const sums: Record<string, number> = {};
    for (const { outcome, count } of await world.store.events.ledger(site.id, {
      firstDay: day,
      lastDay: day,
    }))
      sums[outcome] = (sums[outcome] ?? 0) + count;
    return sums;
  }

  it.each([
    ['203.0.113.9', 'excluded-address'],
    ['203.0.113.8', 'stored'],
    ['203.0.113.10', 'stored'],
    ['::ffff:203.0.113.9', 'excluded-address'],
    ['198.51.100.0', 'excluded-address'],
    ['198.51.100.255', 'excluded-address'],
    ['198.51.101.0', 'stored'],
    ['198.51.99.255', 'stored'],
    ['2001:db8:1:2::1', 'excluded-address'],
    ['2001:DB8:1:2:ffff:ffff:ffff:ffff', 'excluded-address'],
    ['2001:db8:1:3::1', 'stored'],
    ['2001:db8:1:1::1', 'stored'],
    ['unknown', 'stored'],
  ])('judges the address %s: %s', async (address, outcome) => {
    addressSite ??= await siteWith('addresses.example', {
      addresses: '203.0.113.9 198.51.100.0/24 2001:db8:1:2::/64',
    });
    expect(await outcomeOf(addressSite, { address })).toBe(outcome);
  });
  let addressSite: Site | undefined;

  it('never keeps an excluded address', async () => {
    const site = await siteWith('secret.example', { addresses: '198.51.100.64/26', agents: 'SecretAgent' });
    expect(await outcomeOf(site, { address: SECRET_ADDRESS })).toBe('excluded-address');
    expect(await outcomeOf(site, { agent: 'SecretAgent/2.0 (someone)' })).toBe('excluded-agent');
    await world.store.events.flush();
    for (const name of await readdir(world.dataDir)) {
      const bytes = await readFile(join(world.dataDir, name)).catch(() => Buffer.alloc(0));
      expect(bytes.includes(SECRET_ADDRESS)).toBe(false);
      expect(bytes.includes('someone)')).toBe(false);
    }
  });

  it.each([
    ['https://spam.example/', 'excluded-referrer'],
    ['https://www.spam.example/path?q', 'excluded-referrer'],
    ['http://a.b.SPAM.example:8080/', 'excluded-referrer'],
    ['https://notspam.example/', 'stored'],
    ['https://spam.example.org/', 'stored'],
    ['https://other.example/?spam.example', 'stored'],
    ['https://best-casino-online.example/', 'excluded-referrer'],
    ['https://x.pattern.example/', 'excluded-referrer'],
    ['https://pattern.example/', 'stored'],
    ['android-app://com.noise.app/', 'excluded-referrer'],
    ['android-app://com.noise/', 'stored'],
    // The site's own pages are no referrers.
    ['https://www.referrers.example/', 'stored'],
    ['', 'stored'],
    ['not a url', 'stored'],
  ])('judges the referrer %s: %s', async (ref, outcome) => {
    referrerSite ??= await siteWith('referrers.example', {
      referrers: 'spam.example *casino* *.pattern.example com.noise.app referrers.example',
    });
    expect(await outcomeOf(referrerSite, { ref })).toBe(outcome);
  });
  let referrerSite: Site | undefined;

  it.each([
    ['staging.hosts.example', 'excluded-host'],
    ['STAGING.hosts.example', 'excluded-host'],
    ['www.staging.hosts.example', 'stored'],
    ['not-staging.hosts.example', 'stored'],
    ['a.preview.hosts.example', 'excluded-host'],
    ['preview.hosts.example', 'stored'],
    ['hosts.example', 'stored'],
  ])('judges the host %s: %s', async (host, outcome) => {
    hostSite ??= await siteWith('hosts.example', {
      hosts: 'staging.hosts.example *.preview.hosts.example',
    });
    expect(await outcomeOf(hostSite, { host })).toBe(outcome);
  });
  let hostSite: Site | undefined;

  it.each([
    [`${BROWSER} CORPKiosk/2`, 'excluded-agent'],
    [`${BROWSER} Corp Kiosk`, 'stored'],
    ['Mozilla/5.0 (Foo; Bar) X/1', 'excluded-agent'],
    ['Mozilla/5.0 (Bar; Foo) X/1', 'stored'],
    [BROWSER, 'stored'],
    // A rule also keeps crawlers out of the list of crawlers.
    ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'excluded-agent'],
    ['Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)', 'bot'],
  ])('judges the user agent %s: %s', async (agent, outcome) => {
    agentSite ??= await siteWith('agents.example', { agents: 'CorpKiosk\n(Foo*bar)\nGOOGLEBOT' });
    expect(await outcomeOf(agentSite, { agent })).toBe(outcome);
  });
  let agentSite: Site | undefined;

  it('refuses known referrer spam with its subdomains, unless the owner turns that off', async () => {
    const site = await siteWith('spammed.example', {});
    expect(await outcomeOf(site, { ref: 'http://semalt.com/' })).toBe('referrer-spam');
    expect(await outcomeOf(site, { ref: 'https://61.semalt.semalt.com/crawler.php?u=x' })).toBe(
      'referrer-spam',
    );
    expect(await outcomeOf(site, { ref: 'http://cookie-law-enforcement-qq.xyz/' })).toBe('referrer-spam');
    expect(await outcomeOf(site, { ref: 'http://notsemalt.com/' })).toBe('stored');
    expect(await outcomeOf(site, { ref: 'http://semalt.com.example.org/' })).toBe('stored');
    expect(await outcomeOf(site, { ref: 'https://www.google.com/' })).toBe('stored');
    expect(await ledgerOf(site)).toEqual({ 'referrer-spam': 3, stored: 3 });

    await world.store.registry.setExclusions(site.id, readExclusions({ referrerSpam: false }) as Exclusions);
    await until(
      () => outcomeOf(site, { ref: 'http://semalt.com/', name: 'leave' }),
      (outcome) => outcome === 'stored',
    );
    expect(await outcomeOf(site, { ref: 'http://semalt.com/' })).toBe('stored');
  });

  it('lists referrer spam as hosts without duplicates of their parents', () => {
    expect(REFERRER_SPAM.size).toBeGreaterThan(200);
    for (const host of REFERRER_SPAM) expect(host).toMatch(/^([a-z0-9-]+\.)+[a-z]{2,}$/);
  });

  it('balances the ledger, whatever rules refuse', async () => {
    const site = await siteWith('balance.example', {
      ...{ pages: '/admin/*', addresses: '203.0.113.0/24', referrers: 'spam.example' },
      ...{ hosts: 'staging.balance.example', agents: 'MyMonitor' },
    });
    const before = Object.values(await ledgerOf(site)).reduce((a, b) => a + b, 0);
    const visits: Visit[] = [
      { path: '/admin/1' },
      { address: '203.0.113.1' },
      { ref: 'https://spam.example/' },
      { ref: 'https://semalt.com/' },
      { host: 'staging.balance.example' },
      { agent: 'MyMonitor' },
      // Several rules match: it still counts once.
      { path: '/admin/1', address: '203.0.113.1', ref: 'https://spam.example/', agent: 'MyMonitor' },
      {},
    ];
    for (const visit of visits) await send(site, visit);
    const ledger = await ledgerOf(site);
    expect(Object.values(ledger).reduce((a, b) => a + b, 0) - before).toBe(visits.length);
    expect(ledger).toMatchObject({
      ...{ 'excluded-page': 1, 'excluded-address': 2, 'excluded-referrer': 1, 'referrer-spam': 1 },
      ...{ 'excluded-host': 1, 'excluded-agent': 1, stored: 1 },
    });
  });

  it('explains each on the page Not counted', async () => {
    const account = await world.addAccount();
    const site = await world.addSite(account, 'explained.example');
    const visitor = await signedIn(world, server, account);
    const saved = await visitor.post(`/dashboard/sites/${site.id}/settings/exclusions`, {
      ...{ 'excluded-addresses': '203.0.113.1', 'excluded-agents': 'MyMonitor', 'referrer-spam': 'on' },
      ...{ 'excluded-hosts': 'www.explained.example', 'excluded-referrers': 'spam.example' },
    });
    expect(saved.status).toBe(303);
    await until(
      () => outcomeOf(site, { address: '203.0.113.1' }),
      (outcome) => outcome === 'excluded-address',
    );
    await send(site, { ref: 'https://spam.example/' });
    await send(site, { ref: 'https://semalt.com/' });
    await send(site, { host: 'www.explained.example' });
    await send(site, { agent: 'MyMonitor' });
    const { text } = await visitor.get(`/dashboard/sites/${site.id}/not-counted`);
    for (const title of [
      ...[
        'Excluded IP address',
        'Excluded referrer',
        'Excluded host',
        'Excluded user agent',
        'Referrer spam',
      ],
    ])
      expect(text).toContain(title);
    expect(text).not.toContain('203.0.113.1');
    const settings = await visitor.get(`/dashboard/sites/${site.id}/settings`);
    expect(settings.text).toContain('>203.0.113.1</textarea>');
    expect(settings.text).toContain('name="referrer-spam" checked');
  });

  it('previews every stored event exactly, and says what it cannot know', async () => {
    const account = await world.addAccount();
    const site = await world.addSite(account, 'preview.example');
    const visitor = await signedIn(world, server, account);
    const form = `/dashboard/sites/${site.id}/settings/exclusions`;
    await visitor.post(form, {}); // without the list of referrer spam, so that some is counted
    await until(
      () => outcomeOf(site, { ref: 'https://semalt.com/' }),
      (outcome) => outcome === 'stored',
    );
    for (let i = 0; i < 1_200; i += 100)
      await Promise.all(Array.from({ length: 100 }, (_, j) => send(site, { path: `/draft/${i + j}` })));
    await send(site, { path: '/draft/1', ref: 'https://spam.example/a' });
    await send(site, { path: '/', ref: 'https://sub.spam.example/b' });
    await send(site, { path: '/', host: 'www.preview.example' });
    await send(site, { path: '/about' });
    const before = await ledgerOf(site);
    const { text } = await visitor.post(form, {
      ...{ 'excluded-pages': '/draft/*', 'excluded-referrers': 'spam.example', 'referrer-spam': 'on' },
      ...{ 'excluded-hosts': 'www.preview.example', do: 'preview' },
    });
    const shown = text.replaceAll('<!-- -->', '');
    const stored = (before.stored ?? 0).toLocaleString('en');
    const spam = (before.stored ?? 0) - 1_204;
    // 1,201 drafts, one host, one referrer that is on no draft, and the referrer spam.
    expect(shown).toContain(
      `Of ${stored} events counted in the last 7 days, ${(1_203 + spam).toLocaleString('en')} would have been excluded: /draft/1, `,
    );
    expect(shown).toContain('and 1,193 more.');
    expect(await ledgerOf(site)).toEqual(before);
    expect((await world.store.registry.siteById(site.id))?.exclusions).toEqual({
      ...{ pages: [], countries: [], referrerSpam: false },
    });

    const unknown = await visitor.post(form, {
      ...{ 'excluded-addresses': '127.0.0.1', 'excluded-agents': 'NoSuchAgent', do: 'preview' },
    });
    expect(unknown.text).toContain('all would have been counted with these exclusions.');
    expect(unknown.text).toContain('IP addresses are never stored');
    expect(unknown.text).toContain('Your current address would be excluded.');
    expect(unknown.text).toContain('This browser would be counted.');
  });

  it('excludes the address of the owner with one button', async () => {
    const account = await world.addAccount();
    const site = await world.addSite(account, 'button.example');
    const visitor = await signedIn(world, server, account);
    const settings = `/dashboard/sites/${site.id}/settings`;
    const forwarded = { 'x-forwarded-for': '2001:db8:7:8:9::1' };
    const page = await visitor.get(settings, forwarded);
    expect(page.text).toContain('Your current IP address is 2001:db8:7:8:9::1.');
    expect(page.text).toContain('>Exclude 2001:db8:7:8::/64</button>');
    expect((await visitor.post(`${settings}/exclusions/own-address`, {}, forwarded)).status).toBe(303);
    expect((await world.store.registry.siteById(site.id))?.exclusions?.addresses).toEqual([
      '2001:db8:7:8::/64',
    ]);
    const again = await visitor.get(settings, forwarded);
    expect(again.text).toContain('It is excluded.');
    expect(again.text).not.toContain('>Exclude 2001');
    await until(
      () => outcomeOf(site, { address: '2001:db8:7:8::2' }),
      (outcome) => outcome === 'excluded-address',
    );
  });

  it('does not offer to exclude the address of a proxy that is not trusted', async () => {
    const untrusting = await world.serve();
    const account = await world.addAccount();
    const site = await world.addSite(account, 'proxied.example');
    const visitor = await signedIn(world, untrusting, account);
    const { text } = await visitor.get(`/dashboard/sites/${site.id}/settings`, {
      'x-forwarded-for': '203.0.113.5',
    });
    expect(text).toContain('It may be the address of a proxy');
    expect(text).not.toContain('>Exclude 127.0.0.1</button>');
    const standard = await visitor.get(`/dashboard/sites/${site.id}/settings`, {
      forwarded: 'for=203.0.113.5',
    });
    expect(standard.text).not.toContain('>Exclude 127.0.0.1</button>');
  });

  it('does not offer to exclude the address of a trusted proxy that names no client', async () => {
    const account = await world.addAccount();
    const site = await world.addSite(account, 'silent-proxy.example');
    const visitor = await signedIn(world, server, account);
    const { text } = await visitor.get(`/dashboard/sites/${site.id}/settings`);
    expect(text).toContain('It may be the address of a proxy');
    expect(text).not.toContain('>Exclude 127.0.0.1</button>');
  });

  it('takes the longest lists, and keeps invalid ones in the form', async () => {
    const account = await world.addAccount();
    const site = await world.addSite(account, 'longest.example');
    const visitor = await signedIn(world, server, account);
    const form = `/dashboard/sites/${site.id}/settings/exclusions`;
    const lines = (start: string) =>
      Array.from({ length: 100 }, (_, i) => `${start}${i}`.padEnd(200, 'ü')).join('\n');
    const saved = await visitor.post(form, { 'excluded-pages': lines('/'), 'excluded-agents': lines('x') });
    expect(saved.status).toBe(303);
    // Their stored spelling is six times as long, and another change of the exclusions reads it again.
    expect((await visitor.post(`${form}/own-address`, {})).status).toBe(303);
    const wrong = await visitor.post(form, {
      'excluded-addresses': '203.0.113.300',
      'excluded-hosts': 'a.example',
    });
    expect(wrong.status).toBe(422);
    expect(wrong.text).toContain('id="excluded-addresses-error"');
    expect(wrong.text).toContain('>a.example</textarea>');
  });
});
