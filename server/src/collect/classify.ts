import { hash } from 'node:crypto';
import { hostOfUrl } from '../hosts.ts';

const REFERRER_MAX_CHARS = 512;

/**
 * A page's address in the parts that are stored; null where it is no http or https address. Credentials and fragment are
 * dropped.
 */
export function splitPage(address: string): { host: string; path: string } | null {
  const url = URL.parse(address);
  const host = url === null ? null : hostOfUrl(url);
  return url === null || host === null ? null : { host, path: url.pathname + url.search };
}

/** Another site's host and path, without query; null for no referrer, one of the page's own host, or no web address. */
export function externalReferrer(ref: string | undefined, pageHost: string): string | null {
  if (ref === undefined || ref === '') return null;
  const url = URL.parse(ref);
  if (url === null) return null;
  const host = hostOfUrl(url);
  if (host === null || host === pageHost) return null;
  const path = url.pathname === '/' ? '' : url.pathname;
  return (host + path).slice(0, REFERRER_MAX_CHARS);
}

/** A view's pseudonym: a signed 64-bit hash of the id of its page view. */
export function viewHash(id: string): bigint {
  return hash('sha256', Buffer.from(id, 'utf16le'), 'buffer').readBigInt64LE();
}
