import { hostOfUrl, parseAddress } from '../hosts.ts';
import { hash64 } from './hash.ts';

const REFERRER_MAX_CHARS = 512;

/** A page's address in its parts. */
export interface Page {
  host: string;
  /** What is stored: the path, and of the query what the page wants in it. */
  path: string;
  /** The whole query, for telling where the visitor came from; then forgotten. */
  query: string;
}

/**
 * Takes a page's address apart; null where it is no http or https address. Credentials and fragment are dropped, and of the
 * query everything the page does not ask to keep: addresses carry names, tokens and click ids.
 *
 * @param keep names of query parameters, separated by `|`
 */
export function splitPage(address: string, keep = ''): Page | null {
  const url = parseAddress(address);
  const host = url === null ? null : hostOfUrl(url);
  if (url === null || host === null) return null;
  return { host, path: url.pathname + keptQuery(url.search, keep), query: url.search };
}

function keptQuery(query: string, keep: string): string {
  if (query === '' || keep === '') return '';
  const names = new Set(keep.split('|'));
  const kept = query
    .slice(1)
    .split('&')
    .filter((parameter) => names.has(parameter.split('=', 1)[0] ?? ''));
  return kept.length === 0 ? '' : `?${kept.join('&')}`;
}

/** Another site's host and path, without query; null for no referrer, one of the page's own host, or no web address. */
export function externalReferrer(url: URL | null, pageHost: string): string | null {
  if (url === null) return null;
  const host = hostOfUrl(url);
  if (host === null || host === pageHost) return null;
  const path = url.pathname === '/' ? '' : url.pathname;
  return (host + path).slice(0, REFERRER_MAX_CHARS);
}

/** The address a page says it was reached from; null for none, and for what is no address. */
export function parseReferrer(ref: string | undefined): URL | null {
  return ref === undefined || ref === '' ? null : parseAddress(ref);
}

/** A view's pseudonym: a signed 64-bit hash of the id of its page view. */
export function viewHash(id: string): bigint {
  // Unpaired surrogates would all become the same character.
  return hash64(id.isWellFormed() ? id : JSON.stringify(id));
}
