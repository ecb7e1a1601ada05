import { canonical, hash, query } from './tag.ts';

/**
 * The page's address without what may be personal: of the query only campaign parameters and those the owner allows
 * are kept, the fragment only where it is the path.
 */
export const address = (): string => {
  const link = document.querySelector<HTMLLinkElement>('link[rel=canonical]');
  const kept = location.search.match(RegExp(`[?&](utm_\\w+|ref|source|${query})=[^&]*`, 'g'));
  return (
    ((canonical && link) || location).href.split(/[?#]/)[0] +
    (kept ? `?${kept.join('').slice(1)}` : '') +
    (hash ? location.hash : '')
  );
};

/** Where the visitor came from, origin and path. */
export const referrer = (): string => document.referrer.replace(/[?#].*/, '');
