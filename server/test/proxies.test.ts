import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { hashPassword } from '../src/app/passwords.ts';
import { hopsOf } from '../src/domain/forwarded.ts';
import type { Site } from '../src/store/contract/store.ts';
import { signedIn } from './support/dashboard-person.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { readExposition, shownAs } from './support/exposition.ts';
import { BROWSER, type RunningServer, World } from './support/world.ts';

/** Visitors behind proxies, which name them in headers. */

type Headers = Record<string, string | string[]>;

describe('the hops of X-Forwarded-For', () => {
  it.each([
    ['203.0.113.9', ['203.0.113.9']],
    ['192.0.2.1, 203.0.113.9', ['203.0.113.9', '192.0.2.1']],
    [' ,192.0.2.1,,\t203.0.113.9:1 , ', ['203.0.113.9:1', '192.0.2.1']],
    ['"[2001:db8::1]:443",unknown', ['unknown', '"[2001:db8::1]:443"']],
    ['', []],
    [' , ', []],
  ])('%j are %j', (value, hops) => expect([...hopsOf('x-forwarded-for', value)]).toEqual(hops));
});

describe('the hops of Forwarded', () => {
  it.each([
    ['for=203.0.113.9', ['203.0.113.9']],
    ['For="[2001:db8:cafe::17]:4711"', ['[2001:db8:cafe::17]:4711']],
    ['for=192.0.2.60;proto=http;by=203.0.113.43', ['192.0.2.60']],
    ['proto=http; by=203.0.113.43 ; FOR=192.0.2.60 ', ['192.0.2.60']],
    ['for=192.0.2.43, for=198.51.100.17', ['198.51.100.17', '192.0.2.43']],
    ['for=192.0.2.43,for="[2001:db8::1]",for=unknown', ['unknown', '[2001:db8::1]', '192.0.2.43']],
    ['for=_hidden', ['_hidden']],
    // Some proxies omit the quotes that a colon and brackets need.
    ['for=203.0.113.9:4711;proto=https', ['203.0.113.9:4711']],
    ['for=[2001:db8::1]:443', ['[2001:db8::1]:443']],
    ['proto=https;host=www.example.com', ['unknown']],
    ['for=""', ['']],
    ['for="a\\"b"', ['a"b']],
    ['', []],
    [' , ,', []],
    // What a client writes into another parameter is not the client.
    ['host="a;for=192.0.2.66";for=203.0.113.9', ['203.0.113.9']],
    ['host="a, for=192.0.2.66";for=203.0.113.9', ['203.0.113.9']],
    ['host="a\\";for=192.0.2.66";for=203.0.113.9', ['203.0.113.9']],
    ['nonsense', ['nonsense']],
    ['for=1.2.3.4"x', ['for=1.2.3.4"x']],
  ])('%j are %j', (value, hops) => expect([...hopsOf('forwarded', value)]).toEqual(hops));

  it('end with the entry of the proxy, whatever the client has sent', () => {
    const sent = fc.string({ unit: fc.constantFrom(...'for=";,\\ 1.[]:_x') });
    fc.assert(
      fc.property(sent, fc.constantFrom('203.0.113.9', '"[2001:db8::1]:443"', '_x'), (before, node) => {
        const [last] = hopsOf('forwarded', `${before}, for=${node};proto=https`);
        expect(last).toBe(node.replaceAll('"', ''));
      }),
    );
  });

  it.each(['for=', '"', ' ', '\\', ';', 'for="', 'for= ', ',"'])(
    'are read in linear time: many %j',
    (part) => {
      expect([...hopsOf('forwarded', `${part.repeat(8_000)}x`)].length).toBeGreaterThan(0);
    },
  );
});

/** Three visitors as proxies name them, in neighboring networks. Each has two forms that mean the same. */
const IPV4 = [1, 2, 3].map((n) => `203.0.113.${n}`);
const IPV6 = [1, 2, 3].map((n) => `2001:db8:0:${n}::1`);

const NAMED: { name: string; settings?: Record<string, string>; people: Headers[]; again: Headers[] }[] = [
  {
    name: 'IPv4 addresses with ports',
    people: IPV4.map((address, i) => ({ 'x-forwarded-for': `${address}:${i + 1}` })),
    again: IPV4.map((address) => ({ 'x-forwarded-for': `192.0.2.66, ${address}:4711, 127.0.0.1:80` })),
  },
  {
    name: 'IPv6 addresses with ports',
    people: IPV6.map((address) => ({ 'x-forwarded-for': `[${address}]:443` })),
    again: IPV6.map((address) => ({ 'x-forwarded-for': `[${address}00]:9` })),
  },
  {
    name: 'IPv4 addresses within IPv6',
    people: IPV4.map((address) => ({ 'x-forwarded-for': `::ffff:${address}` })),
    again: [1, 2, 3].map((n) => ({ 'x-forwarded-for': `::FFFF:cb00:710${n}` })),
  },
  {
    name: 'quoted addresses',
    people: IPV4.map((address) => ({ 'x-forwarded-for': `"${address}"` })),
    again: IPV4.map((address) => ({ 'x-forwarded-for': `"${address}:80"` })),
  },
  {
    name: 'addresses with zones',
    people: [1, 2, 3].map((n) => ({ 'x-forwarded-for': `fe80:0:0:${n}::1%eth0` })),
    again: [1, 2, 3].map((n) => ({ 'x-forwarded-for': `[fe80:0:0:${n}::1%25eth0]:80` })),
  },
  {
    name: 'Forwarded',
    people: IPV4.map((address) => ({ forwarded: `for=${address}` })),
    again: IPV4.map((address) => ({
      forwarded: `For=192.0.2.66, proto=https;for="${address}:4711";by=_me, for="[::1]:80"`,
    })),
  },
  {
    name: 'Forwarded with IPv6',
    people: IPV6.map((address) => ({ forwarded: `for="[${address}]"` })),
    again: IPV6.map((address) => ({ forwarded: `proto=https;for="[${address}]:_x"` })),
  },
  {
    name: 'several Forwarded headers',
    people: IPV4.map((address) => ({ forwarded: ['for=192.0.2.66', `for=${address}`] })),
    again: IPV4.map((address) => ({ forwarded: [`for=${address}`, 'for=127.0.0.1'] })),
  },
  {
    name: 'several X-Forwarded-For headers',
    people: IPV4.map((address) => ({ 'x-forwarded-for': ['192.0.2.66', address] })),
    again: IPV4.map((address) => ({ 'x-forwarded-for': [address, '127.0.0.1'] })),
  },
  {
    name: 'CF-Connecting-IP, named in the settings',
    settings: { CLIENT_IP_HEADER: 'CF-Connecting-IP' },
    people: IPV4.map((address) => ({ 'cf-connecting-ip': address, 'x-forwarded-for': '192.0.2.66' })),
    again: IPV4.map((address) => ({ 'CF-Connecting-IP': address, forwarded: 'for=192.0.2.66' })),
  },
  {
    name: 'X-Real-IP, named in the settings, with ports',
    settings: { CLIENT_IP_HEADER: 'x-real-ip' },
    people: IPV6.map((address) => ({ 'x-real-ip': `[${address}]:80` })),
    again: IPV6.map((address) => ({ 'x-real-ip': address, 'x-forwarded-for': '192.0.2.66' })),
  },
  {
    name: 'Forwarded, named in the settings',
    settings: { CLIENT_IP_HEADER: 'Forwarded' },
    people: IPV4.map((address) => ({ forwarded: `for=${address}`, 'x-forwarded-for': '192.0.2.66' })),
    // Without the named header, the usual ones count.
    again: IPV4.map((address) => ({ 'x-forwarded-for': address })),
  },
  {
    name: 'what is not an address',
    people: ['_a', '_b', 'unknown'].map((name) => ({ 'x-forwarded-for': name })),
    again: ['_a:1', '"_b:_c"', 'unknown:80'].map((name) => ({
      forwarded: `for="${name.replaceAll('"', '')}"`,
    })),
  },
];

describe.each(NAMED)('three people behind a proxy that writes $name', ({ settings = {}, people, again }) => {
  let world: World;
  let server: RunningServer;
  let site: Site;

  beforeAll(async () => {
    world = await World.open();
    ({ site } = await world.addOwner());
    server = await world.serve({ settings: { TRUST_PROXY: 'loopback', ...settings } });
  });
  afterAll(() => world.close());

  it('are three visitors', async () => {
    const beacon = { key: site.key, url: 'https://example.com/' };
    for (const headers of [...people, ...again]) {
      const { status } = await server.send(beacon, { headers: { ...headers, 'user-agent': BROWSER } });
      expect(status).toBe(202);
    }
    const { events } = await world.store.events.page(site.id, { limit: 10 });
    const visitors = events.map(({ visitor }) => visitor).reverse();
    expect(new Set(visitors.slice(0, 3)).size).toBe(3);
    expect(visitors.slice(3)).toEqual(visitors.slice(0, 3));
  });

  it('have rate limits of their own', async () => {
    const left = async (headers: Headers) =>
      (await server.ask({ path: '/api/v1/sites', headers })).headers['x-ratelimit-remaining'];
    for (const headers of people) expect(await left(headers)).toBe('59');
    for (const headers of again) expect(await left(headers)).toBe('58');
  });
});

describe('login attempts', () => {
  it('are limited by the client that the proxy names', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const server = await world.serve({
      settings: { TRUST_PROXY: 'loopback', CLIENT_IP_HEADER: 'X-Real-IP' },
    });
    const account = await world.addAccount();
    await world.store.registry.setPassword(account.id, await hashPassword('correct horse battery'));
    const visitor = new DashboardVisitor(server.url);
    await visitor.get('/login');
    const signIn = async (address: string, email: string, password: string) =>
      (await visitor.post('/login', { email, password }, { 'x-real-ip': address })).status;
    for (let i = 0; i < 50; i++)
      expect(await signIn(`203.0.113.9:${i + 1}`, `guess${i}@example.com`, 'guess')).toBe(422);
    expect(await signIn('203.0.113.9', account.email, 'correct horse battery')).toBe(429);
    expect(await signIn('203.0.113.10', account.email, 'correct horse battery')).toBe(303);
  });
});

describe('the headers of proxies', () => {
  const beaconOf = ({ key }: Site) => ({ key, url: 'https://example.com/' });

  async function visitorsOf(settings: Record<string, string>, all: readonly Headers[]): Promise<unknown[]> {
    const world = await World.open();
    onTestFinished(() => world.close());
    const { site } = await world.addOwner();
    const server = await world.serve({ settings });
    for (const headers of all)
      expect(
        (await server.send(beaconOf(site), { headers: { ...headers, 'user-agent': BROWSER } })).status,
      ).toBe(202);
    const { events } = await world.store.events.page(site.id, { limit: 10 });
    return events.map(({ visitor }) => visitor).reverse();
  }

  it('are ignored if the connection does not come from a trusted proxy', async () => {
    const forged = ['x-forwarded-for', 'forwarded', 'cf-connecting-ip'].map((name, i) => ({
      [name]: name === 'forwarded' ? 'for=203.0.113.9' : `203.0.113.${i}`,
    }));
    const settings = { TRUST_PROXY: '10.0.0.0/8', CLIENT_IP_HEADER: 'CF-Connecting-IP' };
    expect(new Set(await visitorsOf(settings, [{}, ...forged])).size).toBe(1);
    expect(new Set(await visitorsOf({}, [{}, ...forged])).size).toBe(1);
  });

  it('cannot be forged by a client whose proxy appends to one of them', async () => {
    const real = { 'x-forwarded-for': '203.0.113.9' };
    const forged = [
      { 'x-forwarded-for': '192.0.2.66, 203.0.113.9' },
      { ...real, forwarded: 'for=192.0.2.66' },
      { ...real, 'x-real-ip': '192.0.2.66' },
      { forwarded: 'for="192.0.2.66, for=203.0.113.9' },
      { forwarded: ['for="', 'for=203.0.113.9'] },
    ];
    expect(new Set(await visitorsOf({ TRUST_PROXY: 'loopback' }, [real, ...forged])).size).toBe(1);
  });

  it('that are empty do not count', async () => {
    const empty = [
      { 'x-forwarded-for': '' },
      { 'x-forwarded-for': ' , ' },
      { forwarded: ' ' },
      { 'x-real-ip': '' },
    ];
    const settings = { TRUST_PROXY: 'loopback', CLIENT_IP_HEADER: 'X-Real-IP' };
    expect(new Set(await visitorsOf(settings, [{}, ...empty])).size).toBe(1);
  });

  it('never turn a client into a proxy', async () => {
    // The trusted proxy names its client `unknown`. What stands before it may be forged.
    const hidden = ['unknown', '203.0.113.9, unknown', '_hidden, unknown, 127.0.0.1'].map((list) => ({
      'x-forwarded-for': list,
    }));
    const [direct, ...unknown] = await visitorsOf({ TRUST_PROXY: 'loopback' }, [{}, ...hidden]);
    expect(new Set(unknown).size).toBe(1);
    expect(unknown).not.toContain(direct);
  });

  it('count entries that are not addresses, name them in the log once, and show them', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const { site, account } = await world.addOwner();
    const token = 'a-token-of-24-characters';
    const server = await world.serve({ settings: { TRUST_PROXY: 'loopback', METRICS_TOKEN: token } });
    const warned = vi.spyOn(server.app.log, 'warn');
    for (const name of ['_secret1', '_secret2', 'unknown', '203.0.113.9'])
      await server.send(beaconOf(site), { headers: { 'x-forwarded-for': name } });
    await server.send(beaconOf(site), { headers: { forwarded: 'for=_secret3' } });

    const headers = { authorization: `Bearer ${token}` };
    const exposed = readExposition((await server.ask({ path: '/metrics', headers })).text);
    expect(shownAs(exposed, 'attractos_unreadable_client_addresses_total')).toBe(4);

    expect(warned.mock.calls.map(([details]) => details)).toEqual([
      { header: 'x-forwarded-for' },
      { header: 'forwarded' },
    ]);
    expect(JSON.stringify(warned.mock.calls)).not.toMatch(/secret|203\.0\.113/);

    const visitor = await signedIn(world, server, account);
    const { text } = await visitor.get(`/dashboard/sites/${site.id}/you`, { 'x-forwarded-for': '_mine:1' });
    expect(text).toContain('<code>_mine</code>');
    expect(text).toContain('entry in X-Forwarded-For is not an IP address');
    expect(text).toContain('5 since the server started');
    const named = await visitor.get(`/dashboard/sites/${site.id}/you`, { forwarded: 'for="203.0.113.9:1"' });
    expect(named.text).toContain('<code>203.0.113.9</code>');
    expect(named.text).toContain('rightmost address in Forwarded');
  });
});
