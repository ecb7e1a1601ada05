import { FULL } from './build.ts';
import { dataset } from './tag.ts';

/**
 * The length at which URLs are cut: first the fragment is lost, then the query. The collector refuses a beacon whose URL is
 * longer than the wire format's `URL_MAX_CHARS`. This number is a little less, and takes two bytes less in the script.
 */
export const URL_CUT_AT_CHARS = 2e3;

/** Returns what the owner keeps of the query and the fragment, and the parameters whose names match (full build). */
const kept = (names?: RegExp): string =>
  location.search
    .replace(/[?&]([^=&]*)[^&]*/g, (parameter, name) =>
      dataset.query?.split('|').includes(name) || names?.test(name) ? parameter : '',
    )
    .replace(/^&/, '?') + (dataset.hash === 'on' ? location.hash : '');

/** Returns the page's path with what the owner keeps of the query and the fragment. A new path is a new view. */
export const currentPath = (): string => (FULL ? location.pathname + kept() : location.pathname);

/** Returns the page's URL, only cut to length (micro and core builds). */
export const pageUrl = (): string => location.href.slice(0, URL_CUT_AT_CHARS);

/**
 * Returns the page's URL without parts that may be personal (full build). The query keeps only campaign parameters and those
 * that the owner keeps, the fragment only if the owner keeps it.
 */
export const scrubbedUrl = (): string => {
  const link = dataset.canonical === 'on' && document.querySelector<HTMLLinkElement>('link[rel=canonical]');
  return ((link || location).href.split(/[?#]/)[0] + kept(/^(utm_.+|source|ref)$/)).slice(
    0,
    URL_CUT_AT_CHARS,
  );
};

/** Returns the referrer's origin and path (full build). */
export const scrubbedReferrer = (): string =>
  (document.referrer.split(/[?#]/)[0] as string).slice(0, URL_CUT_AT_CHARS);
