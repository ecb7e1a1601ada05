import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Ledger } from '../src/api/ledger.ts';
import { splitPage } from '../src/collect/page.ts';
import { checkHosts, isHostAllowed } from '../src/domain/host-policy.ts';
import { isLocalHost, readDomain } from '../src/domain/hosts.ts';
import { newSiteKey } from '../src/domain/keys.ts';
import type { Site } from '../src/store/contract/store.ts';
import { BROWSER, World } from './support/world.ts';

/** The settings of a site and the evidence of a request, as people write them. */
interface Case {
  name: string;
  /** The domain as typed when the site was added; the default is `example.com`. */
  site?: string;
  subdomains?: boolean;
  extra?: string[];
  origin?: string;
  referer?: string;
  page: string;
  /** `fits`, `malformed`, or the reason and the host that is shown to the owner. */
  verdict: 'fits' | 'malformed' | `wrong-domain ${string}` | `local-host ${string}`;
}

function judge({
  site = 'example.com',
  subdomains = false,
  extra = [],
  origin,
  referer,
  page,
}: Case): string {
  const domain = readDomain(site);
  if (domain === null) throw new Error(`${site} cannot be registered`);
  const place = splitPage(page);
  if (place === null) return 'malformed';
  const policy = { domain, allowSubdomains: subdomains, extraHosts: extra };
  const verdict = checkHosts(policy, { origin, referer, pageHost: place.host });
  return verdict.isAllowed ? 'fits' : `${verdict.reason} ${verdict.host}`;
}

const HOME = 'https://example.com/';

const POLICY: readonly Case[] = [
  { name: 'the domain itself', page: HOME, origin: 'https://example.com', verdict: 'fits' },
  { name: 'over plain http', page: 'http://example.com/', origin: 'http://example.com', verdict: 'fits' },
  { name: 'its www twin', page: 'https://www.example.com/', verdict: 'fits' },
  { name: 'the twin of a www name', site: 'www.example.com', page: HOME, verdict: 'fits' },
  {
    name: 'www twice, where the plain name is registered',
    page: 'https://www.www.example.com/',
    verdict: 'wrong-domain www.www.example.com',
  },
  {
    name: 'www twice, where the www name is registered',
    site: 'www.example.com',
    page: 'https://www.www.example.com/',
    verdict: 'wrong-domain www.www.example.com',
  },
  {
    name: 'a subdomain, not switched on',
    page: 'https://blog.example.com/',
    verdict: 'wrong-domain blog.example.com',
  },
  { name: 'a subdomain, switched on', subdomains: true, page: 'https://blog.example.com/', verdict: 'fits' },
  { name: 'far below, switched on', subdomains: true, page: 'https://a.b.c.example.com/', verdict: 'fits' },
  {
    name: 'a subdomain of a site registered with www, switched on',
    site: 'www.example.com',
    subdomains: true,
    page: 'https://blog.example.com/',
    verdict: 'fits',
  },
  {
    name: 'the parent of the site',
    site: 'shop.example.com',
    subdomains: true,
    page: HOME,
    verdict: 'wrong-domain example.com',
  },
  {
    name: 'a neighbor under a public suffix',
    site: 'me.github.io',
    subdomains: true,
    page: 'https://you.github.io/',
    verdict: 'wrong-domain you.github.io',
  },
  { name: 'an extra host', extra: ['shop.example.net'], page: 'https://shop.example.net/', verdict: 'fits' },
  {
    name: 'the twin of an extra host, which was not named',
    extra: ['shop.example.net'],
    page: 'https://www.shop.example.net/',
    verdict: 'wrong-domain www.shop.example.net',
  },
  {
    name: 'below a wildcard',
    extra: ['*.preview.example.net'],
    page: 'https://pr-7.preview.example.net/',
    verdict: 'fits',
  },
  {
    name: 'a wildcard does not hold the name itself',
    extra: ['*.preview.example.net'],
    page: 'https://preview.example.net/',
    verdict: 'wrong-domain preview.example.net',
  },
];

const EVIDENCE: readonly Case[] = [
  { name: 'no header: the page decides alone', page: HOME, verdict: 'fits' },
  { name: 'no header, foreign page', page: 'https://copy.example/', verdict: 'wrong-domain copy.example' },
  { name: 'Origin: null says nothing', origin: 'null', page: HOME, verdict: 'fits' },
  {
    name: 'Origin: null, foreign page',
    origin: 'null',
    page: 'https://copy.example/',
    verdict: 'wrong-domain copy.example',
  },
  { name: 'an empty Origin says nothing', origin: '', page: HOME, verdict: 'fits' },
  {
    name: 'fitting origin, foreign page: both must fit',
    origin: 'https://example.com',
    page: 'https://copy.example/',
    verdict: 'wrong-domain copy.example',
  },
  {
    name: 'foreign origin, fitting page: both must fit',
    origin: 'https://copy.example',
    page: HOME,
    verdict: 'wrong-domain copy.example',
  },
  {
    name: 'origin and page on the two twins',
    origin: 'https://www.example.com',
    page: HOME,
    verdict: 'fits',
  },
  {
    name: 'a Referer instead of an Origin fits',
    referer: 'https://example.com/a?b',
    page: HOME,
    verdict: 'fits',
  },
  {
    name: 'a Referer instead of an Origin must fit',
    referer: 'https://copy.example/a',
    page: HOME,
    verdict: 'wrong-domain copy.example',
  },
  {
    name: 'a Referer beside Origin: null must fit',
    origin: 'null',
    referer: 'https://copy.example/',
    page: HOME,
    verdict: 'wrong-domain copy.example',
  },
  {
    name: 'a Referer beside a real Origin is ignored',
    origin: 'https://example.com',
    referer: 'https://copy.example/',
    page: HOME,
    verdict: 'fits',
  },
  {
    name: 'a browser extension',
    origin: 'chrome-extension://abcdef',
    page: HOME,
    verdict: 'wrong-domain chrome-extension://abcdef',
  },
  { name: 'a file', origin: 'file://', page: HOME, verdict: 'wrong-domain file://' },
  { name: 'a host without a scheme', origin: 'example.com', page: HOME, verdict: 'wrong-domain example.com' },
  {
    name: 'two origins in one header',
    origin: 'https://example.com, https://copy.example',
    page: HOME,
    verdict: 'wrong-domain https://example.com, https://copy.example',
  },
  { name: 'a page that is a file', page: 'file:///home/me/index.html', verdict: 'malformed' },
  { name: 'a page in an extension', page: 'chrome-extension://abcdef/a.html', verdict: 'malformed' },
  { name: 'about:blank', page: 'about:blank', verdict: 'malformed' },
  { name: 'data', page: 'data:text/html,x', verdict: 'malformed' },
  { name: 'javascript', page: 'javascript:alert(1)', verdict: 'malformed' },
  { name: 'blob, though of the site', page: 'blob:https://example.com/1', verdict: 'malformed' },
  { name: 'a path only', page: '/pricing', verdict: 'malformed' },
  { name: 'a page without a host', page: 'https://', verdict: 'malformed' },
];

const NORMALIZED: readonly Case[] = [
  { name: 'upper case', page: 'HTTPS://EXAMPLE.COM/', origin: 'https://Example.Com', verdict: 'fits' },
  { name: 'a trailing dot', page: 'https://example.com./', verdict: 'fits' },
  { name: 'a trailing dot at registration', site: 'example.com.', page: HOME, verdict: 'fits' },
  { name: 'a trailing dot in the origin', origin: 'https://example.com.', page: HOME, verdict: 'fits' },
  {
    name: 'an origin in the ASCII form of an IDN',
    site: 'münchen.example',
    origin: 'https://xn--mnchen-3ya.example',
    page: 'https://münchen.example/',
    verdict: 'fits',
  },
  {
    name: 'another IPv6 address as the origin',
    site: '2001:db8::1',
    origin: 'https://[2001:db8::2]:8443',
    page: 'https://[2001:db8::1]/',
    verdict: 'wrong-domain 2001:db8::2',
  },
  { name: 'the default port', page: 'https://example.com:443/', verdict: 'fits' },
  {
    name: 'any port',
    page: 'https://example.com:8443/',
    origin: 'https://example.com:8443',
    verdict: 'fits',
  },
  { name: 'a port at registration', site: 'example.com:8443', page: HOME, verdict: 'fits' },
  { name: 'an address at registration', site: 'https://Example.com/shop?x=1', page: HOME, verdict: 'fits' },
  {
    name: 'IDN and its ASCII form',
    site: 'münchen.example',
    page: 'https://xn--mnchen-3ya.example/',
    verdict: 'fits',
  },
  {
    name: 'the ASCII form and its IDN',
    site: 'xn--mnchen-3ya.example',
    page: 'https://MÜNCHEN.example/',
    verdict: 'fits',
  },
  { name: 'full-width letters', page: 'https://ｅｘａｍｐｌｅ．com/', verdict: 'fits' },
  {
    name: 'a look-alike letter',
    page: 'https://ex\u0430mple.com/',
    verdict: 'wrong-domain xn--exmple-4nf.com',
  },
  { name: 'a percent-encoded letter', page: 'https://ex%61mple.com/', verdict: 'fits' },
  { name: 'backslashes, as browsers read them', page: 'https:\\\\example.com\\a', verdict: 'fits' },
  { name: 'a line break inside, as browsers read it', page: 'https://exam\nple.com/', verdict: 'fits' },
  { name: 'credentials', page: 'https://ada:secret@example.com/', verdict: 'fits' },
  {
    name: 'the site as credentials',
    page: 'https://example.com@copy.example/',
    verdict: 'wrong-domain copy.example',
  },
  {
    name: 'the site as credentials with a backslash',
    page: 'https://copy.example\\@example.com/',
    verdict: 'wrong-domain copy.example',
  },
  {
    name: 'the site in the fragment, path and query',
    page: 'https://copy.example/example.com?https://example.com/#@example.com',
    verdict: 'wrong-domain copy.example',
  },
  { name: 'IPv4', site: '203.0.113.5', page: 'http://203.0.113.5:8080/', verdict: 'fits' },
  { name: 'IPv4 written otherwise', site: '203.0.113.5', page: 'http://0xcb.0.113.5/', verdict: 'fits' },
  {
    name: 'another IPv4',
    site: '203.0.113.5',
    page: 'http://203.0.113.50/',
    verdict: 'wrong-domain 203.0.113.50',
  },
  {
    name: 'no www of an address',
    site: '203.0.113.5',
    page: 'http://www.203.0.113.5/',
    verdict: 'malformed',
  },
  {
    name: 'nothing is below an address',
    site: '203.0.113.5',
    subdomains: true,
    extra: ['*.113.5'],
    page: 'http://198.0.113.5/',
    verdict: 'wrong-domain 198.0.113.5',
  },
  { name: 'IPv6', site: '[2001:db8::1]', page: 'https://[2001:db8::1]/', verdict: 'fits' },
  {
    name: 'IPv6 without brackets at registration',
    site: '2001:DB8:0::1',
    page: 'https://[2001:db8::1]/',
    verdict: 'fits',
  },
  {
    name: 'IPv6 with a port',
    site: '2001:db8::1',
    page: 'https://[2001:db8:0:0::1]:8443/',
    origin: 'https://[2001:db8::1]:8443',
    verdict: 'fits',
  },
  {
    name: 'another IPv6 whose last group looks like a port',
    site: '2001:db8::1',
    page: 'https://[2001:db8::1:8443]/',
    verdict: 'wrong-domain 2001:db8::1:8443',
  },
  ...['https://', 'https:', ' https:/\\/'].map(
    (start): Case => ({
      name: `a host longer than any, after ${JSON.stringify(start)}`,
      subdomains: true,
      page: `${start}me@${'字'.repeat(300)}.example.com/`,
      verdict: 'malformed',
    }),
  ),
  {
    name: 'an origin with a host longer than any',
    subdomains: true,
    origin: `https://${'a'.repeat(300)}.example.com`,
    page: 'https://example.com/',
    verdict: `wrong-domain https://${'a'.repeat(247)}`,
  },
  {
    name: 'credentials, a path and a query longer than any host',
    page: `https://${'u'.repeat(301)}:p@example.com/${'p'.repeat(301)}?q=${'@'.repeat(301)}`,
    origin: 'https://example.com',
    verdict: 'fits',
  },
];

/** Mistakes of other systems, one by one. */
const MISTAKES_OF_OTHERS: readonly Case[] = [
  { name: 'substring: in front', page: 'https://notexample.com/', verdict: 'wrong-domain notexample.com' },
  {
    name: 'substring: behind',
    page: 'https://example.com.evil.test/',
    verdict: 'wrong-domain example.com.evil.test',
  },
  {
    name: 'substring: a longer ending',
    page: 'https://example.community/',
    verdict: 'wrong-domain example.community',
  },
  {
    name: 'subdomains without a label boundary',
    subdomains: true,
    page: 'https://evil-example.com/',
    verdict: 'wrong-domain evil-example.com',
  },
  {
    name: 'an unanchored wildcard',
    extra: ['*.foo.com'],
    page: 'https://a.foo.com.evil.test/',
    verdict: 'wrong-domain a.foo.com.evil.test',
  },
  {
    name: 'a wildcard without a label boundary',
    extra: ['*.foo.com'],
    page: 'https://evilfoo.com/',
    verdict: 'wrong-domain evilfoo.com',
  },
  {
    name: 'www. taken out of the middle',
    site: 'notexample.com',
    page: 'https://notwww.example.com/',
    verdict: 'wrong-domain notwww.example.com',
  },
  {
    name: 'www. taken off a name that only begins like it',
    site: 'example.com',
    page: 'https://www2.example.com/',
    verdict: 'wrong-domain www2.example.com',
  },
  {
    name: 'the port cut at the last colon of an IPv6 address',
    site: '2001:db8::',
    page: 'https://[2001:db8::1]/',
    verdict: 'wrong-domain 2001:db8::1',
  },
  {
    name: 'dots of a name taken for a pattern',
    site: 'a.example.com',
    page: 'https://axexample.com/',
    verdict: 'wrong-domain axexample.com',
  },
  {
    name: 'a pattern in the list of hosts',
    extra: ['.*', '*', 'a|b', '*.*', '(a+)+$', '*.'],
    page: 'https://copy.example/',
    verdict: 'wrong-domain copy.example',
  },
  {
    name: 'the host of the page never compared',
    origin: 'https://example.com',
    page: 'https://evil.test/',
    verdict: 'wrong-domain evil.test',
  },
  {
    name: 'the header never compared',
    origin: 'https://evil.test',
    page: HOME,
    verdict: 'wrong-domain evil.test',
  },
  { name: 'without a header you are in', page: 'https://evil.test/', verdict: 'wrong-domain evil.test' },
  { name: 'a page that hides its origin is lost', origin: 'null', page: HOME, verdict: 'fits' },
  {
    name: 'a registrable domain taken for all that is below it',
    site: 'example.co.uk',
    page: 'https://blog.example.co.uk/',
    verdict: 'wrong-domain blog.example.co.uk',
  },
  {
    name: 'a public suffix taken for a domain',
    site: 'example.co.uk',
    subdomains: true,
    page: 'https://other.co.uk/',
    verdict: 'wrong-domain other.co.uk',
  },
  {
    name: 'previews of a host of others are lost, though the owner allowed them',
    extra: ['*.previews.example'],
    origin: 'https://pr-7--example.previews.example',
    page: 'https://pr-7--example.previews.example/',
    verdict: 'fits',
  },
  {
    name: 'www. is lost where the plain name is registered, and the other way round',
    site: 'www.example.com',
    origin: 'https://example.com',
    page: HOME,
    verdict: 'fits',
  },
  {
    name: 'language subdomains are lost, though the owner allowed them',
    subdomains: true,
    page: 'https://de.example.com/',
    verdict: 'fits',
  },
];

const LOCAL: readonly Case[] = [
  { name: 'localhost', page: 'http://localhost:3000/', verdict: 'local-host localhost' },
  {
    name: 'localhost as the origin',
    origin: 'http://localhost:3000',
    page: HOME,
    verdict: 'local-host localhost',
  },
  { name: 'below localhost', page: 'http://app.localhost/', verdict: 'local-host app.localhost' },
  { name: '127.0.0.1', page: 'http://127.0.0.1/', verdict: 'local-host 127.0.0.1' },
  { name: '127.0.0.1 in disguise', page: 'http://2130706433/', verdict: 'local-host 127.0.0.1' },
  { name: '::1', page: 'http://[::1]:3000/', verdict: 'local-host ::1' },
  { name: 'a private network', page: 'http://192.168.1.20/', verdict: 'local-host 192.168.1.20' },
  { name: 'the name of a machine', page: 'http://intranet/', verdict: 'local-host intranet' },
  { name: 'localhost as the site', site: 'localhost:3000', page: 'http://localhost:8080/', verdict: 'fits' },
  { name: '127.0.0.1 as the site', site: '127.0.0.1', page: 'http://127.0.0.1:3000/', verdict: 'fits' },
  { name: '::1 as the site', site: '::1', page: 'http://[::1]/', verdict: 'fits' },
  {
    name: 'another local host than the site',
    site: 'localhost',
    page: 'http://127.0.0.1/',
    verdict: 'local-host 127.0.0.1',
  },
  {
    name: 'a public page on a local site',
    site: 'localhost',
    page: HOME,
    verdict: 'wrong-domain example.com',
  },
];

describe('which hosts a site counts', () => {
  it.each(POLICY)('$name', (given) => expect(judge(given)).toBe(given.verdict));
});

describe('the two pieces of evidence', () => {
  it.each(EVIDENCE)('$name', (given) => expect(judge(given)).toBe(given.verdict));
});

describe('hosts are compared the way browsers read them', () => {
  it.each(NORMALIZED)('$name', (given) => expect(judge(given)).toBe(given.verdict));
});

describe('mistakes seen elsewhere', () => {
  it.each(MISTAKES_OF_OTHERS)('$name', (given) => expect(judge(given)).toBe(given.verdict));
});

describe('local hosts are seen and not counted', () => {
  it.each(LOCAL)('$name', (given) => expect(judge(given)).toBe(given.verdict));

  it.each([
    'localhost a.localhost printer.local intranet 127.0.0.1 127.255.0.9 10.1.2.3 0.0.0.0 192.168.0.1 169.254.1.1',
    '172.16.0.1 172.31.255.255 ::1 :: fe80::1 febf::1 fc00::1 fdab::1 ::ffff:7f00:1 ::ffff:c0a8:101',
  ])('%s', (hosts) => {
    for (const host of hosts.split(' ')) expect([host, isLocalHost(host)]).toEqual([host, true]);
  });

  it('does not mistake public hosts for local ones', () => {
    const hosts =
      'example.com localhost.example.com 127.example.com 10.example.com local.example xlocalhost.com a.localhost.com ' +
      '172.15.0.1 172.32.0.1 192.169.0.1 11.0.0.1 128.0.0.1 1.127.0.1 2001:db8::1 fe00::1 fec0::1 ::ffff:808:808 ::2 1::1';
    for (const host of hosts.split(' ')) expect([host, isLocalHost(host)]).toEqual([host, false]);
  });
});

describe('through the front door', () => {
  const STATUS: Readonly<Record<string, number>> = {
    ...{ fits: 202, malformed: 400, 'wrong-domain': 403, 'local-host': 403 },
  };

  it('answers each case as listed, counts it once, and records its host', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const { registry, events } = world.store;
    const scenes: { given: Case; site: Site }[] = [];
    for (const given of [...POLICY, ...EVIDENCE, ...NORMALIZED, ...MISTAKES_OF_OTHERS, ...LOCAL]) {
      const domain = readDomain(given.site ?? 'example.com') ?? '';
      const site = await world.addSite(await world.addAccount(), domain);
      const { subdomains: allowSubdomains = false, extra: extraHosts = [] } = given;
      await registry.setHostRules(site.id, { allowSubdomains, extraHosts });
      scenes.push({ given, site });
    }
    const server = await world.serve();
    for (const { given, site } of scenes) {
      const { name, origin, referer, page, verdict } = given;
      const { status } = await server.ask({
        method: 'POST',
        path: '/e',
        headers: {
          ...{ 'content-type': 'text/plain', 'user-agent': BROWSER },
          ...(origin === undefined ? {} : { origin }),
          ...(referer === undefined ? {} : { referer }),
        },
        body: JSON.stringify({ key: site.key, url: page }),
      });
      expect({ name, status }).toEqual({ name, status: STATUS[verdict.split(' ', 1)[0] ?? ''] });
    }
    await events.flush();
    for (const { given, site } of scenes) {
      const { name, page, verdict } = given;
      const [reason = '', ...words] = verdict.split(' ');
      const told =
        reason === 'fits'
          ? { outcome: 'stored', host: splitPage(page)?.host }
          : { outcome: reason, host: words.join(' ') };
      expect({ name, ledger: await events.ledger(site.id, { firstDay: 0, lastDay: 100_000 }) }).toMatchObject(
        {
          name,
          ledger: [{ ...told, count: 1 }],
        },
      );
    }
  });
});

it('refuses hosts that are too long, and shortens them in the ledger', async () => {
  const world = await World.open();
  onTestFinished(() => world.close());
  const { site, apiKey } = await world.addOwner();
  const { registry, events } = world.store;
  await registry.setHostRules(site.id, { allowSubdomains: true, extraHosts: ['*.example.net'] });
  const key = newSiteKey();
  await registry.addSiteKey(site.id, key, 0);
  await registry.retireSiteKey(site.key);
  const server = await world.serve();
  // In ASCII, the form in which it is stored, the name is three times as long.
  const name = Array.from({ length: 280 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7_919) % 20_000)));
  const longest = `${`${'a'.repeat(49)}.`.repeat(4)}${'a'.repeat(41)}.example.com`;
  for (const [host, of, status] of [
    [`${name.join('')}.example`, site.key, 410],
    [`${name.reverse().join('')}.example`, site.key, 410],
    [`${name.join('')}.example.com`, key, 403],
    [`${'a'.repeat(270)}.example.net`, key, 403],
    [`a${longest}`, key, 403],
    [longest, key, 202],
  ] as const) {
    const answer = await server.send({ key: of, url: `https://${host}/` }, { headers: { origin: 'null' } });
    expect([host, answer.status]).toEqual([host, status]);
  }
  await events.flush();
  let [hosts, cursor] = [0, ''];
  for (let pages = 0; pages < 10 && (pages === 0 || cursor !== ''); pages++) {
    const answer = await server.ask({
      path: `/api/v1/sites/${site.id}/ledger?limit=1${cursor}`,
      headers: { authorization: `Bearer ${apiKey}` },
    });
    expect(answer.status, answer.text).toBe(200);
    const { ledger, next_cursor: next } = answer.json() as Ledger;
    for (const { host } of ledger) expect(host.length).toBeLessThanOrEqual(255);
    hosts += ledger.length;
    cursor = next === null ? '' : `&cursor=${next}`;
  }
  expect({ hosts, cursor }).toEqual({ hosts: 6, cursor: '' });
});

describe('any combination of headers', () => {
  const label = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  const name = fc
    .array(label, { minLength: 2, maxLength: 5 })
    .map((labels) => `x${labels.join('.')}.example`);

  it('allows only the domain and its www twin without options', () => {
    fc.assert(
      fc.property(
        name,
        name,
        fc.constantFrom('', 'www.', 'x', 'x.', 'ww.', 'www.www.'),
        (domain, other, prefix) => {
          const policy = { domain, allowSubdomains: false, extraHosts: [] };
          expect(isHostAllowed(policy, `${prefix}${domain}`)).toBe(prefix === '' || prefix === 'www.');
          if (other !== domain) expect(isHostAllowed(policy, other)).toBe(false);
        },
      ),
    );
  });

  it('a subdomain ends with a dot and the domain', () => {
    fc.assert(
      fc.property(name, fc.stringMatching(/^[a-z0-9.-]{1,12}$/), (domain, prefix) => {
        const policy = { domain, allowSubdomains: true, extraHosts: [] };
        expect(isHostAllowed(policy, `${prefix}${domain}`)).toBe(prefix.endsWith('.'));
        expect(isHostAllowed(policy, `${domain}${prefix}`)).toBe(false);
      }),
    );
  });

  it('nothing throws, and an allowed request has an allowed page', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.stringMatching(/^https?:\/\/[a-z.]{1,20}(:\d{1,5})?\/[a-z]*$/),
      fc.constant('null'),
    );
    fc.assert(
      fc.property(
        fc.option(text, { nil: undefined }),
        fc.option(text, { nil: undefined }),
        text,
        (origin, referer, page) => {
          const place = splitPage(page);
          if (place === null) return;
          const policy = { domain: 'example.com', allowSubdomains: true, extraHosts: ['*.example.net'] };
          const verdict = checkHosts(policy, { origin, referer, pageHost: place.host });
          if (verdict.isAllowed) expect(isHostAllowed(policy, place.host)).toBe(true);
          else expect(verdict.host).not.toBe('');
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a typed domain', () => {
  it.each([
    ['example.com', 'example.com'],
    ['  Example.COM  ', 'example.com'],
    ['https://example.com/shop?x=1#y', 'example.com'],
    ['HTTP://example.com', 'example.com'],
    ['example.com/', 'example.com'],
    ['example.com/?from=https://other.example', 'example.com'],
    ['example.com:8080', 'example.com'],
    ['example.com.', 'example.com'],
    ['www.example.com', 'www.example.com'],
    ['my_shop.example', 'my_shop.example'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['localhost', 'localhost'],
    ['127.0.0.1:3000', '127.0.0.1'],
    ['::1', '::1'],
    ['[2001:DB8::0001]:443', '2001:db8::1'],
    [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  ])('%s is %s', (typed, domain) => expect(readDomain(typed)).toBe(domain));

  it.each([
    '',
    '   ',
    '.',
    '..',
    'exa mple.com',
    '*.example.com',
    '*',
    'example..com',
    '.example.com',
    '-example.com',
    'example-.com',
    'ftp://example.com',
    'chrome-extension://abcdef',
    'javascript:alert(1)',
    'http://',
    '[::1',
    '1.2.3.4.5',
    'example.com:99999',
    "example.com';--",
    '<script>',
    `${'a.'.repeat(127)}example`,
  ])('%j is invalid', (typed) => expect(readDomain(typed)).toBeNull());
});
