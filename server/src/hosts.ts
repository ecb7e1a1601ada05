import { isIPv4, isIPv6 } from 'node:net';
import { domainToUnicode } from 'node:url';

/** Host names and addresses, the way browsers read them. */

/** No name that can be looked up is longer: https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4 */
export const HOST_MAX_CHARS = 253;
/** What is longer, as it is written, is no host with a port. */
const WRITTEN_HOST_MAX_CHARS = 300;
/** From the scheme on, as the WHATWG URL parser goes: any number of slashes, and up to the next one all that names the host. */
const AUTHORITY = /^[^:/?#]*:[/\\\s]*([^/\\?#]*)/;
const NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

/**
 * An address, parsed as in the browser that sent it. Null for none, and for one whose host is longer than any: to write such
 * a host in ASCII takes time that grows with the square of its length.
 */
export function parseAddress(text: string): URL | null {
  if (text.length > WRITTEN_HOST_MAX_CHARS) {
    const authority = AUTHORITY.exec(text)?.[1] ?? '';
    if (authority.length - (authority.lastIndexOf('@') + 1) > WRITTEN_HOST_MAX_CHARS) return null;
  }
  return URL.parse(text);
}

/**
 * The host of an http or https address as it is compared: lower case, IDN in ASCII, no port, no trailing dot, IPv6 without
 * brackets. The parsing is the WHATWG URL parser's, as in the browser that sent it. Null for anything else.
 */
export function hostOf(address: string): string | null {
  const url = parseAddress(address);
  return url === null ? null : hostOfUrl(url);
}

/** The normalised host of a parsed address, null where it is neither http nor https. */
export function hostOfUrl(url: URL): string | null {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  const { hostname } = url;
  // Mostly a name that has neither, and no pattern has to run over it.
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  const host = bare.endsWith('.') ? bare.slice(0, -1) : bare;
  return host === '' ? null : host;
}

/** Whether a host is this machine or a private network: never a public site, unless registered as one. */
export function isLocalHost(host: string): boolean {
  if (isIPv4(host)) return /^(127|10|0|192\.168|169\.254|172\.(1[6-9]|2\d|3[01]))\./.test(host);
  if (isIPv6(host))
    return host === '::1' || host === '::' || /^f[cd]|^fe[89ab]/.test(host) || isMappedLocal(host);
  return (
    host === 'localhost' || host.endsWith('.localhost') || host.endsWith('.local') || !host.includes('.')
  );
}

/** IPv4-mapped addresses arrive from the URL parser as `::ffff:7f00:1`. */
function isMappedLocal(host: string): boolean {
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host);
  if (mapped === null) return false;
  const [high, low] = [Number.parseInt(mapped[1] ?? '', 16), Number.parseInt(mapped[2] ?? '', 16)];
  return isLocalHost([high >> 8, high & 0xff, low >> 8, low & 0xff].join('.'));
}

export function isAddress(host: string): boolean {
  return isIPv4(host) || isIPv6(host);
}

/** Of http and https browsers forgive slashes that are missing. */
const IS_ADDRESS = /^(https?:|[a-z][a-z0-9+.-]*:\/\/)/i;

/**
 * The domain a person means: `example.com`, `https://Example.com/shop?x=1`, `münchen.example:8443`.
 *
 * @returns the normalised host, or null where none can be read
 */
export function readDomain(typed: string): string | null {
  const text = typed.trim();
  const host = isIPv6(text)
    ? hostOf(`http://[${text}]/`)
    : hostOf(IS_ADDRESS.test(text) ? text : `http://${text}`);
  if (host === null || host.length > HOST_MAX_CHARS) return null;
  return isAddress(host) || NAME.test(host) ? host : null;
}

/**
 * A site's domain as its people write it. Only for those who look after the site: to anybody else a name with letters that
 * look like others may pass for what it is not.
 */
export function shownDomain(domain: string): string {
  return domainToUnicode(domain) || domain; // nothing for addresses of IPv6
}
