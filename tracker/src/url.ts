import { FULL } from './build.ts';
import { dataset } from './tag.ts';

/**
 * The length at which URLs are cut: first the fragment is lost, then the query. The collector refuses a beacon whose URL is
 * longer than the wire format's `URL_MAX_CHARS`. This number is a little less, and takes two bytes less in the script.
 */
export const URL_CUT_AT_CHARS = 2e3;

/** Returns the page's path, with the fragment if the site routes by it. A new path is a new view. */
export const currentPath = (): string =>
  FULL ? location.pathname + (dataset.hash === 'on' ? location.hash : '') : location.pathname;

/** Returns the page's URL, only cut to length (micro and core builds). */
export const pageUrl = (): string => location.href.slice(0, URL_CUT_AT_CHARS);

/**
 * Returns the page's URL without parts that may be personal (full build). The query keeps only campaign parameters and those
 * that the owner allows. The fragment is kept only if the site routes by it.
 */
export const scrubbedUrl = (): string => {
  const link = dataset.canonical === 'on' && document.querySelector<HTMLLinkElement>('link[rel=canonical]');
  return (
    (link || location).href.split(/[?#]/)[0] +
    location.search
      .replace(/[?&]([^=&]*)[^&]*/g, (parameter, name) =>
        /^(utm_.+|ref|source)$/.test(name) || dataset.query?.split('|').includes(name) ? parameter : '',
      )
      .replace(/^&/, '?') +
    (dataset.hash === 'on' ? location.hash : '')
  ).slice(0, URL_CUT_AT_CHARS);
};

/** Returns the referrer's origin and path (full build). */
export const scrubbedReferrer = (): string =>
  document.referrer.replace(/\?.*/, '').slice(0, URL_CUT_AT_CHARS);
