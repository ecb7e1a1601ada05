import { domainToASCII, domainToUnicode } from 'node:url';
import { isAddress, isLocalAddress } from './addresses.ts';

/** Parses host names and URLs as browsers do. */

/** The longest host name in the DNS. https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4 */
export const HOST_MAX_CHARS = 253;
/** The longest written form of a host with a port. */
const WRITTEN_HOST_MAX_CHARS = 300;
/** Matches a URL's authority as the WHATWG parser finds it: after the scheme and any number of slashes, up to the next one. */
const AUTHORITY = /^[^:/?#]*:[/\\\s]*([^/\\?#]*)/;
const NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

/**
 * Parses a URL as browsers do. Null if it is invalid or its host is too long: converting a long host to ASCII takes quadratic
 * time.
 */
export function parseAddress(text: string): URL | null {
  if (text.length > WRITTEN_HOST_MAX_CHARS) {
    const authority = AUTHORITY.exec(text)?.[1] ?? '';
    if (authority.length - (authority.lastIndexOf('@') + 1) > WRITTEN_HOST_MAX_CHARS) return null;
  }
  return URL.parse(text);
}

/**
 * Returns the normalized host of an http(s) URL: lower case, IDN in ASCII, without port, trailing dot and IPv6 brackets. Null
 * for anything else.
 */
export function hostOf(address: string): string | null {
  const url = parseAddress(address);
  return url === null ? null : hostOfUrl(url);
}

/** Returns the normalized host of a parsed URL; null if it is neither http nor https. */
export function hostOfUrl(url: URL): string | null {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  const { hostname } = url;
  // Without regular expressions, because this runs for every beacon.
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  const host = bare.endsWith('.') ? bare.slice(0, -1) : bare;
  return host === '' ? null : host;
}

/** Whether a host is this machine or in a private network. */
export function isLocalHost(host: string): boolean {
  if (isAddress(host)) return isLocalAddress(host);
  return (
    host === 'localhost' || host.endsWith('.localhost') || host.endsWith('.local') || !host.includes('.')
  );
}

/** The start of a URL. Browsers accept http and https without slashes. */
const IS_ADDRESS = /^(https?:|[a-z][a-z0-9+.-]*:\/\/)/i;

/**
 * Reads a domain as people type it: `example.com`, `https://Example.com/shop?x=1`, `münchen.example:8443`.
 *
 * @returns the normalized host; null if there is none
 */
export function readDomain(typed: string): string | null {
  const text = typed.trim();
  const host =
    isAddress(text) && text.includes(':')
      ? hostOf(`http://[${text}]/`)
      : hostOf(IS_ADDRESS.test(text) ? text : `http://${text}`);
  if (host === null || host.length > HOST_MAX_CHARS) return null;
  return isAddress(host) || NAME.test(host) ? host : null;
}

/** Returns a host, a pattern of hosts or whole labels of one in ASCII, as hosts are stored; the text itself if that fails. */
export function asciiHost(typed: string): string {
  return domainToASCII(typed) || typed;
}

/**
 * Returns the domain of a site, or a host that its owner entered, in Unicode. Show it only to the members of a site: lookalike
 * letters could deceive anyone else.
 */
export function shownDomain(domain: string): string {
  return domainToUnicode(domain) || domain; // domainToUnicode returns nothing for IPv6 addresses
}

/** Letters of which many look like Latin ones. */
const LOOKALIKE =
  /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Coptic}\p{Script=Lisu}]/u;
const LATIN = /\p{Script=Latin}/u;

/**
 * Returns a host that anyone may have sent, such as that of a referrer, in Unicode; in ASCII if it mixes Latin letters, even if only
 * those of its top-level domain, with letters that look like them.
 */
export function shownHost(host: string): string {
  if (!host.includes('xn--')) return host;
  const shown = shownDomain(host);
  return LOOKALIKE.test(shown) && LATIN.test(shown) ? host : shown;
}
