import { readdirSync, readFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clientNetwork,
  isLocalAddress,
  nodeName,
  readAddress,
  trustedProxies,
} from '../src/domain/addresses.ts';
import { root } from './support/paths.ts';

/** Generates IPv6 addresses in every form that RFC 4291 allows: full, shortened, and ending in IPv4. */
const ipv6 = fc.oneof(
  fc.ipV6(),
  fc
    .tuple(fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }), fc.boolean())
    .map(([groups, upper]) =>
      groups.map((group) => group.toString(16)[upper ? 'toUpperCase' : 'trim']()).join(':'),
    ),
);
const port = fc.integer({ min: 0, max: 65_535 });

describe('an address', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['203.0.113.9:1', '203.0.113.9'],
    ['203.0.113.9:65535', '203.0.113.9'],
    ['"203.0.113.9:1"', '203.0.113.9'],
    [' 203.0.113.9 ', '203.0.113.9'],
    ['2001:DB8:1:0::1', '2001:db8:1::1'],
    ['[2001:db8:1::1]', '2001:db8:1::1'],
    ['[2001:db8:1::1]:443', '2001:db8:1::1'],
    ['"[2001:db8:1::1]:443"', '2001:db8:1::1'],
    ['"2001:db8:1::1"', '2001:db8:1::1'],
    ['2001:db8:1:2:3:4:5:6:443', '2001:db8:1:2:3:4:5:6'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%25eth0]:80', 'fe80::1'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::FFFF:cb00:7109', '203.0.113.9'],
    ['[::ffff:203.0.113.9]:4711', '203.0.113.9'],
    ['64:ff9b::203.0.113.9', '203.0.113.9'],
    ['64:ff9b::8.8.8.8', '8.8.8.8'],
    ['[64:ff9b::808:808]:443', '8.8.8.8'],
    ['64:ff9b::127.0.0.1', '64:ff9b::7f00:1'],
    ['64:ff9b::10.0.0.1', '64:ff9b::a00:1'],
    ['::1', '::1'],
    ['unknown', null],
    ['_hidden', null],
    ['', null],
    ['1', null],
    ['0x7f.1', null],
    ['203.0.113.9:', null],
    ['203.0.113.9:http', null],
    ['203.0.113.9:123456', null],
    ['203.0.113.256:1', null],
    ['[203.0.113.9', null],
    ['[2001:db8::1]443', null],
    ['"203.0.113.9', null],
    ['203.0.113.9:_hidden', '203.0.113.9'],
    ['[2001:db8:1::1]:_p.1', '2001:db8:1::1'],
    ['203.0.113.9:_', null],
    ['for=203.0.113.9', null],
  ])('%s is read as %s', (text, address) => expect(readAddress(text)).toBe(address));

  it('reads the same with a port, in brackets and in quotes', () => {
    fc.assert(
      fc.property(fc.ipV4(), port, (address, number) => {
        for (const text of [address, `${address}:${number}`, `"${address}:${number}"`, `::ffff:${address}`])
          expect(readAddress(text)).toBe(address);
      }),
    );
    fc.assert(
      fc.property(ipv6, port, (address, number) => {
        const read = readAddress(address) ?? '';
        expect(isIPv6(read) || isIPv4(read)).toBe(true);
        expect(readAddress(read), 'what was read is read as itself').toBe(read);
        for (const text of [
          `[${address}]`,
          `[${address}]:${number}`,
          `"[${address}]:${number}"`,
          `${address}%en0`,
        ])
          expect(readAddress(text)).toBe(read);
      }),
    );
  });

  it('any text is read as an address or null', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789abcdef:.[]"% ') })),
        (text) => {
          const read = readAddress(text);
          expect(read === null || isIPv4(read) || isIPv6(read)).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('the sender of a request', () => {
  it.each([
    ['unknown', 'unknown'],
    ['unknown:4711', 'unknown'],
    ['_a', '_a'],
    ['"_a:_b"', '_a'],
    ['_a:4711', '_a'],
    ['_a:b', '_a:b'],
    ['a:1', 'a:1'],
    ['', ''],
  ])('has the name %s if it is not an address: %s', (text, name) => expect(nodeName(text)).toBe(name));

  it('is read in one place only', () => {
    const sources = join(root, 'server/src');
    const reading = readdirSync(sources, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .filter((path) => /\brequest\.ips?\b/.test(readFileSync(join(sources, path), 'utf8')));
    expect(reading).toEqual([]);
  });
});

describe('the network of a client', () => {
  it.each([
    { name: 'is the address, of IPv4', address: '203.0.113.9', is: '203.0.113.9' },
    { name: 'also where that is written in IPv6', address: '::ffff:203.0.113.9', is: '203.0.113.9' },
    { name: 'also in hexadecimal', address: '::ffff:cb00:7109', is: '203.0.113.9' },
    { name: 'is the /64, of IPv6', address: '2001:db8:1:2:3:4:5:6', is: '2001:db8:1:2' },
    { name: 'ends with zeros that are left out', address: '2001:db8::1', is: '2001:db8:0:0' },
    { name: 'does not end at the gap', address: '2001:db8::3:4:5:6:7', is: '2001:db8:0:3' },
    { name: 'begins with zeros that are left out', address: '::1:2:3:4:5', is: '0:0:0:1' },
    { name: 'is the same however the address is written', address: '2001:0DB8:0:0::1', is: '2001:db8:0:0' },
    { name: 'has no zone', address: 'fe80::1%eth0', is: 'fe80:0:0:0' },
    { name: 'keeps what is not an address', address: 'unknown', is: 'unknown' },
    { name: 'is all of that, gaps included', address: 'host::b', is: 'host::b' },
  ])('$name', ({ address, is }) => expect(clientNetwork(address)).toBe(is));

  it('contains exactly its own addresses', () => {
    const group = fc.nat(0xffff);
    const groups = fc.array(group, { minLength: 4, maxLength: 4 });
    const written = (all: number[]) => all.map((each) => each.toString(16)).join(':');
    fc.assert(
      fc.property(groups, groups, groups, groups, (net, otherNet, host, otherHost) => {
        const network = clientNetwork(written([...net, ...host]));
        expect(network).toBe(written(net));
        expect(clientNetwork(written([...net, ...otherHost]))).toBe(network);
        if (written(otherNet) !== written(net))
          expect(clientNetwork(written([...otherNet, ...host]))).not.toBe(network);
      }),
    );
  });
});

describe('a local address', () => {
  it('takes addresses of this machine and of private networks as local, by whole ranges', () => {
    for (const local of ['127.9.9.9', '10.0.0.1', '::1', 'fd00::1', 'fe80::1', '::ffff:10.0.0.1'])
      expect(isLocalAddress(local), local).toBe(true);
    // Its first group is 00fd: a written prefix of `fd` does not imply fc00::/7.
    for (const other of ['100.64.0.1', '203.0.113.9', 'fd::1', 'fe::9', '::ffff:8.8.8.8', '10.example', ''])
      expect(isLocalAddress(other), other).toBe(false);
  });
});

describe('trusted proxies', () => {
  it.each<{ networks: string; yes: readonly string[]; no: readonly string[] }>([
    {
      networks: 'loopback',
      yes: ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'],
      no: ['128.0.0.1', '10.0.0.1', '::2', ''],
    },
    { networks: 'linklocal', yes: ['169.254.1.1', 'fe80::1', 'fe80::1%eth0', 'febf::1'], no: ['fec0::1'] },
    {
      networks: 'uniquelocal',
      yes: ['10.1.2.3', '172.31.255.255', '192.168.1.1', 'fd00::1', 'fc00::1'],
      no: ['172.32.0.1', '192.169.0.1', 'fe00::1', 'fd::1', '100.64.0.1'],
    },
    {
      networks: '10.0.0.0/8 2001:db8::/32',
      yes: [
        ...['10.0.0.1', '10.0.0.1:80', '::ffff:10.0.0.1', '"10.0.0.1"'],
        ...['[2001:db8::1]:443', '"[2001:db8::1]"', '2001:db8:ffff::'],
      ],
      no: [
        '11.0.0.1',
        '192.0.2.1:10',
        '[2001:db9::1]:443',
        'unknown',
        '10.0.0.1.example:80',
        '10.1',
        '167772161',
      ],
    },
    { networks: '10.0.0.0/255.255.0.0', yes: ['10.0.9.9'], no: ['10.1.0.0'] },
    { networks: '192.0.2.7', yes: ['192.0.2.7', '::ffff:192.0.2.7'], no: ['192.0.2.8'] },
    { networks: '::ffff:192.0.2.7', yes: ['192.0.2.7', '::ffff:192.0.2.7'], no: ['192.0.2.8'] },
    { networks: '::ffff:10.0.0.0/104', yes: ['10.1.2.3', '::ffff:10.1.2.3'], no: ['11.0.0.1', '::a01:203'] },
    { networks: 'fe80::/10', yes: ['fe80::1', 'fe80::1%eth0.100'], no: ['fec0::1'] },
    { networks: 'fe80::1%eth0', yes: ['fe80::1%eth0'], no: ['fe80::1', 'fe80::1%eth1', 'fe80::2%eth0'] },
    { networks: '128.0.0.0/1', yes: ['128.0.0.1', '255.255.255.255'], no: ['127.255.255.255'] },
  ])('trusts proxies in $networks', ({ networks, yes, no }) => {
    const isTrusted = trustedProxies(networks.split(' '));
    if (isTrusted === false) throw new Error('networks were given');
    for (const proxy of yes) expect(isTrusted(proxy), proxy).toBe(true);
    for (const other of no) expect(isTrusted(other), other).toBe(false);
  });

  it.each([
    ...['', '1', '0x7f.1', '10.1', 'everybody', 'constructor', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8'],
    ...[
      '10.0.0.0/-1',
      '10.0.0.0/8.0',
      '10.0.0.0/255.0.255.0',
      '::1/129',
      '::1/255.0.0.0',
      '[::1]',
      '10.0.0.1:80',
    ],
    ...['0.0.0.0/0', '::/0', '::ffff:0.0.0.0/96', '::ffff:10.0.0.0/8'],
  ])('refuses the network %s', (network) => expect(() => trustedProxies([network])).toThrow(TypeError));

  it('trusts no proxies by default', () => expect(trustedProxies([])).toBe(false));
});
