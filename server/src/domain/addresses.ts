import { isIP, isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Parses IP addresses, and recognizes client networks, local addresses and trusted proxies. */

const QUOTED = /^"(.*)"$/;
/** A port, or its hidden form in RFC 7239 (6.3). */
const PORT = /:(?:\d{1,5}|_[\w.-]+)$/;
const BRACKETED = /^\[(.*)\]$/;
/** A client without an address in RFC 7239 (6.2, 6.3), and its port. */
const HIDDEN_NODE = /^(unknown|_[\w.-]+):(?:\d{1,5}|_[\w.-]+)$/i;

interface Parsed {
  ip: ipaddr.IPv4 | ipaddr.IPv6;
  /** The IPv6 zone, as in `fe80::1%eth0`; empty if there is none. */
  zone: string;
}

/** Parses a bare address. Node validates it first, because ipaddr.js accepts `1` and `0x7f.1` as IPv4. */
function parseBare(text: string): Parsed | null {
  if (isIPv4(text)) return { ip: ipaddr.IPv4.parse(text), zone: '' };
  if (!isIPv6(text)) return null;
  const [address = '', zone = ''] = text.split('%', 2); // ipaddr.js refuses zones such as eth0.100
  const ip = ipaddr.IPv6.parse(address);
  const embedded = embeddedIPv4(ip);
  return embedded === null ? { ip, zone } : { ip: embedded, zone: '' };
}

/**
 * Returns the IPv4 address that an IPv6 address stands for; null if there is none. A translator's address (RFC 6052) that
 * stands for a local one is left as it is, so that no client can pose as one of this network.
 */
function embeddedIPv4(ip: ipaddr.IPv6): ipaddr.IPv4 | null {
  if (ip.isIPv4MappedAddress()) return ip.toIPv4Address();
  if (ip.range() !== 'rfc6052') return null;
  const client = new ipaddr.IPv4(ip.toByteArray().slice(-4));
  return LOCAL_RANGES.includes(client.range()) ? null : client;
}

/** Parses an address in any form that proxies write. */
function parse(text: string): Parsed | null {
  const bare = parseBare(text);
  if (bare !== null) return bare;
  const unquoted = text.trim().replace(QUOTED, '$1');
  const node = unquoted.replace(PORT, '');
  const bracketed = BRACKETED.exec(node)?.[1];
  if (bracketed !== undefined) return parseBare(bracketed);
  return parseBare(unquoted) ?? parseBare(node);
}

/** Whether a text is an IPv4 address, or an IPv6 address without brackets. */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0;
}

/**
 * Parses an address in any form that proxies write: with quotes, brackets, a port or a zone.
 *
 * @param text such as `203.0.113.9:4711`, `"[2001:db8::1]:443"`, `fe80::1%eth0` or `::ffff:203.0.113.9`
 * @returns the address in canonical form (https://www.rfc-editor.org/rfc/rfc5952), one that stands for an IPv4 address as that; null if there
 *   is none
 */
export function readAddress(text: string): string | null {
  // A fast path: most addresses are already canonical.
  return isIPv4(text) ? text : (parse(text)?.ip.toString() ?? null);
}

/** Returns a proxy's name of a client that is not an address, without quotes and port, which change from request to request. */
export function nodeName(text: string): string {
  return text.trim().replace(QUOTED, '$1').replace(HIDDEN_NODE, '$1');
}

/**
 * Returns the network that is one client, to rate limits and to visitor hashes: an IPv4 address, or the /64 of an IPv6 address
 * as its four groups, such as `2001:db8:0:0`. A text that is not an address is returned unchanged.
 */
export function clientNetwork(address: string): string {
  if (isIPv4(address)) return address;
  const ip = parse(address)?.ip;
  if (ip === undefined) return address;
  if (ip instanceof ipaddr.IPv4) return ip.toString();
  return ip.parts
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':');
}

const LOCAL_RANGES: readonly string[] = ['unspecified', 'loopback', 'private', 'linkLocal', 'uniqueLocal'];

/** Whether an address belongs to this machine or a private network. */
export function isLocalAddress(address: string): boolean {
  const parsed = parseBare(address);
  return parsed !== null && LOCAL_RANGES.includes(parsed.ip.range());
}

/** Matches the first group of most public IPv6 addresses, in a range without reserved networks of visitors. */
const SURELY_PUBLIC = /^2[4-9a-f][\da-f]{2}:/;

/** Whether a text is an address that can belong to a host on the internet: not a private, reserved or tunnel address. */
export function isPublicAddress(address: string): boolean {
  // A fast path: comparing an IPv6 address with all ranges takes as long as finding its country.
  if (SURELY_PUBLIC.test(address)) return isIPv6(address);
  return parseBare(address)?.ip.range() === 'unicast';
}

/** Names of networks in `TRUST_PROXY`, as in Express and Fastify. */
const NAMED_NETWORKS: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/** A network: its address, with any bits below the prefix, and the length of the prefix. */
export interface Network extends Parsed {
  bits: number;
}

/**
 * Creates the test for Fastify's `trustProxy`: whether an address, in any form that `readAddress` reads, is a trusted proxy.
 *
 * @param networks addresses, networks (`10.0.0.0/8`, `10.0.0.0/255.0.0.0`) and names (`loopback`, `linklocal`, `uniquelocal`).
 *   One with a zone matches only addresses of that zone
 * @returns the test; false if no proxy is trusted
 * @throws TypeError if an entry is invalid, or covers all of IPv4 or IPv6
 */
export function trustedProxies(networks: readonly string[]): ((address: string) => boolean) | false {
  if (networks.length === 0) return false;
  const trusted = networks.flatMap((text) =>
    (Object.hasOwn(NAMED_NETWORKS, text) ? (NAMED_NETWORKS[text] ?? []) : [text]).map(readNetwork),
  );
  return (address) => {
    const parsed = parse(address);
    return parsed !== null && trusted.some((network) => isWithin(parsed, network));
  };
}

function isWithin({ ip, zone }: Parsed, network: Network): boolean {
  if (network.zone !== '' && network.zone !== zone) return false;
  if (ip instanceof ipaddr.IPv4)
    return network.ip instanceof ipaddr.IPv4 && ip.match(network.ip, network.bits);
  return network.ip instanceof ipaddr.IPv6 && ip.match(network.ip, network.bits);
}

/**
 * Parses an address or a network, such as `203.0.113.0/24`.
 *
 * @throws TypeError if it is invalid, or covers all of IPv4 or IPv6
 */
export function readNetwork(text: string): Network {
  const [address = '', suffix, ...rest] = text.split('/');
  const parsed = parseBare(address);
  if (parsed === null || rest.length > 0) throw new TypeError(`${text} is not a network`);
  const all = parsed.ip instanceof ipaddr.IPv4 ? 32 : 128;
  if (suffix === undefined) return { ...parsed, bits: all };
  // The first 96 bits of an IPv4-mapped network are the mapping prefix.
  const bits = prefixLength(suffix, all) - (all === 32 && isIPv6(address) ? 96 : 0);
  if (!(bits >= 1 && bits <= all)) throw new TypeError(`${text} has no valid prefix length`);
  return { ...parsed, bits };
}

/** Parses a prefix length, such as `8`, or an IPv4 netmask, such as `255.0.0.0`. @returns NaN for anything else */
function prefixLength(suffix: string, all: number): number {
  if (/^\d{1,3}$/.test(suffix)) return Number(suffix);
  if (all !== 32 || !isIPv4(suffix)) return Number.NaN;
  return ipaddr.IPv4.parse(suffix).prefixLengthFromSubnetMask() ?? Number.NaN;
}
