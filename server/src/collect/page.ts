import { hostOfUrl, parseAddress } from '../domain/hosts.ts';
import { normalizeEscapes, pagePath, withoutTrailingSlash } from '../domain/page-path.ts';

const REFERRER_MAX_CHARS = 512;

/** The parts of a page's URL. */
export interface Page {
  host: string;
  /** The stored path, with the query parameters and the hash that the beacon's `keep` names. */
  path: string;
  /** The whole query, to find the source of the visit. It is not stored. */
  query: string;
}

/**
 * Splits a page's URL; null if it is not an http(s) URL. The stored path has no credentials, and only the query parameters and
 * the hash to keep, because URLs may contain names, tokens and click IDs.
 *
 * @param keep names of query parameters, separated by `|`; `#` keeps the hash. Old scripts send the hash without `#`: it is
 *   dropped, because it may be a token.
 * @param site its settings; without one, for the host alone
 */
export function splitPage(
  address: string,
  keep = '',
  { mergeTrailingSlashes }: { mergeTrailingSlashes: boolean } = { mergeTrailingSlashes: false },
): Page | null {
  const url = parseAddress(address);
  const host = url === null ? null : hostOfUrl(url);
  if (url === null || host === null) return null;
  const path = pagePath(url, keep);
  return { host, path: mergeTrailingSlashes ? withoutTrailingSlash(path) : path, query: url.search };
}

/** Returns a referrer's host and path without its query; null if the host is one of the site's, or it is not an http(s) URL. */
export function externalReferrer(url: URL | null, isOwn: (host: string) => boolean): string | null {
  const host = url === null ? null : hostOfUrl(url);
  if (url === null || host === null || isOwn(host)) return null;
  const path = url.pathname === '/' ? '' : normalizeEscapes(url.pathname);
  return (host + path).slice(0, REFERRER_MAX_CHARS);
}

/** Parses the referrer of a page; null if there is none or it is invalid. */
export function parseReferrer(ref: string | undefined): URL | null {
  return ref === undefined || ref === '' ? null : parseAddress(ref);
}
