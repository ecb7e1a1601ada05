import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { memoize } from '../domain/memoize.ts';

/** What a request says about the host that it is for. */

/** The longest `Host` that is read: the longest host name of the DNS with a port. */
const HOST_HEADER_MAX_CHARS = 300;
/** The most different hosts that are remembered as valid or invalid. A server usually has one name. */
const MAX_CACHED_HOSTS = 100;
/** Matches a host with an optional port. URLs allow more characters, but no host has them. */
const HOST = /^(?:[\w.~-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i;

/** Returns whether a URL can have this host and port. The URL parser knows the largest port and what an IP address is. */
const isReadableHost = memoize(MAX_CACHED_HOSTS, (host) => HOST.test(host) && URL.canParse(`http://${host}`));

function isHost(host: string): boolean {
  return host.length <= HOST_HEADER_MAX_CHARS && isReadableHost(host);
}

/**
 * Returns whether a request names its host as it must: in one line, which only HTTP/1.0 may leave out.
 * https://www.rfc-editor.org/rfc/rfc9112#section-3.2
 */
export function hasProperHost({ rawHeaders, headers, httpVersion }: IncomingMessage): boolean {
  let lines = 0;
  // `headers` has the first line only. Without comparing each name, because this runs for every beacon.
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === 4 && name.toLowerCase() === 'host') lines++;
  }
  if (lines === 0) return httpVersion === '1.0';
  return lines === 1 && isHost(headers.host ?? '');
}

/**
 * Returns the origin at which the client reaches this server: as a trusted proxy says, or else as the request does. A proxy may
 * pass on what the client says, so text that no origin can have is ignored.
 */
export function requestOrigin({ protocol, host, headers, socket }: FastifyRequest): string {
  const scheme = protocol === 'https' ? 'https' : 'http';
  const named = [host, headers.host ?? ''].find(isHost);
  if (named !== undefined) return `${scheme}://${named}`;
  const { localAddress = 'localhost', localPort = 80 } = socket;
  return `${scheme}://${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`;
}
