import { hostOfUrl, parseAddress } from '../domain/hosts.ts';

const REFERRER_MAX_CHARS = 512;

/** The parts of a page's URL. */
export interface Page {
  host: string;
  /** The stored path, with the query parameters that the beacon's `keep` names. */
  path: string;
  /** The whole query, to find the source of the visit. It is not stored. */
  query: string;
}

/**
 * Splits a page's URL; null if it is not an http(s) URL. The stored path has no credentials, no fragment, and only the query
 * parameters to keep, because URLs may contain names, tokens and click IDs.
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

/** Returns an external referrer's host and path without its query; null if it is internal or not an http(s) URL. */
export function externalReferrer(url: URL | null, pageHost: string): string | null {
  if (url === null) return null;
  const host = hostOfUrl(url);
  if (host === null || host === pageHost) return null;
  const path = url.pathname === '/' ? '' : url.pathname;
  return (host + path).slice(0, REFERRER_MAX_CHARS);
}

/** Parses the referrer of a page; null if there is none or it is invalid. */
export function parseReferrer(ref: string | undefined): URL | null {
  return ref === undefined || ref === '' ? null : parseAddress(ref);
}
