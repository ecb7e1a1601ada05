import type { IncomingHttpHeaders } from 'node:http';
import { LEAVE, URL_MAX_CHARS } from '../../../tracker/wire/limits.ts';
import { clientAddress } from '../domain/addresses.ts';
import { CLAIM_MAX_CHARS } from '../domain/host-policy.ts';
import { splitPage } from './page.ts';

/** A beacon as received: parsed JSON of any shape, not yet validated. */
export interface RawBeacon {
  payload: unknown;
  /** The size of its JSON in UTF-8, in bytes. */
  bytes: number;
  /** The time that a trusted sender reported, in epoch milliseconds. If it is absent, the beacon gets the server's time. */
  reportedAtMs?: number;
}

/** The client of a request. It is discarded once the beacon has been received. */
export interface Client {
  address: string;
  origin: string | undefined;
  referer: string | undefined;
  userAgent: string;
  /** The country according to a trusted proxy. */
  country?: string | undefined;
}

/**
 * Reads the client of a request.
 *
 * @param request `ips`: the addresses of the client and its proxies if proxies are trusted; more than one if there was a proxy
 * @param countryHeader the trusted country header in lower case; null if there is none
 */
export function clientOf(
  request: { ip: string; ips?: string[]; headers: IncomingHttpHeaders },
  countryHeader: string | null,
): Client {
  const { headers } = request;
  const country = countryHeader === null ? undefined : headers[countryHeader];
  return {
    address: clientAddress(request),
    origin: headers.origin,
    referer: headers.referer,
    userAgent: headers['user-agent'] ?? '',
    country: typeof country === 'string' && (request.ips?.length ?? 0) > 1 ? country : undefined,
  };
}

/** Returns the site key of a payload; null if there is none. */
export function keyIn(payload: unknown): string | null {
  return typeof payload === 'object' &&
    payload !== null &&
    'key' in payload &&
    typeof payload.key === 'string'
    ? payload.key
    : null;
}

/** Returns whether a payload marks the end of a page view, which is not an event. */
export function isLeave(payload: unknown): boolean {
  return typeof payload === 'object' && payload !== null && 'name' in payload && payload.name === LEAVE;
}

/** Returns the host that a payload claims to come from, for the ledger only; empty if there is none. */
export function claimedHost(payload: unknown): string {
  const url = typeof payload === 'object' && payload !== null && 'url' in payload ? payload.url : null;
  if (typeof url !== 'string' || url.length > URL_MAX_CHARS) return '';
  // Truncated, because converting a host to ASCII can make it several times as long.
  return (splitPage(url)?.host ?? '').slice(0, CLAIM_MAX_CHARS);
}
