import type { IncomingHttpHeaders } from 'node:http';
import { LEAVE, URL_MAX_CHARS } from '../../../tracker/wire/limits.ts';
import { CLAIM_MAX_CHARS } from '../domain/host-policy.ts';
import { siteKeyIn } from '../domain/keys.ts';
import type { ClientAddress } from '../http/client-addresses.ts';
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
  /** The `Accept-Language` header; empty if there is none. */
  acceptLanguage: string;
  /** The country according to a trusted proxy. */
  country?: string | undefined;
}

/** Reads the client of a request. @param countryHeader the trusted country header in lower case; null if there is none */
export function clientOf(
  { address, isFromProxy }: ClientAddress,
  headers: IncomingHttpHeaders,
  countryHeader: string | null,
): Client {
  const country = countryHeader === null || !isFromProxy ? undefined : headers[countryHeader];
  return {
    address,
    origin: headers.origin,
    referer: headers.referer,
    userAgent: headers['user-agent'] ?? '',
    acceptLanguage: headers['accept-language'] ?? '',
    country: typeof country === 'string' ? country : undefined,
  };
}

/** Returns the site key of a payload; null if there is none. */
export function keyIn(payload: unknown): string | null {
  return typeof payload === 'object' &&
    payload !== null &&
    'key' in payload &&
    typeof payload.key === 'string'
    ? siteKeyIn(payload.key)
    : null;
}

/**
 * Whether a payload is an event without a key: from a tag that lost its attributes, or with something else where the key was, such
 * as the version in `/a.js?ver=6.4` or a placeholder.
 */
export function lacksKey(payload: unknown): boolean {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return false;
  if (!('key' in payload) || payload.key === null) return true;
  return typeof payload.key === 'string' && siteKeyIn(payload.key) === null;
}

/** Returns whether a payload marks the end of a page view, which is not an event. */
export function isLeave(payload: unknown): boolean {
  return typeof payload === 'object' && payload !== null && 'name' in payload && payload.name === LEAVE;
}

/** Returns the host that a beacon claims to come from, for the ledger only; empty if there is none. */
export function claimedHost(payload: unknown): string {
  const url = typeof payload === 'object' && payload !== null && 'url' in payload ? payload.url : null;
  if (typeof url !== 'string' || url.length > URL_MAX_CHARS) return '';
  // Truncated, because converting a host to ASCII can make it several times as long.
  return (splitPage(url)?.host ?? '').slice(0, CLAIM_MAX_CHARS);
}
