import { ADDRESS_MAX_CHARS } from './address.ts';
import { dataset } from './tag.ts';

/**
 * The page's address without what may be personal: of the query only campaign parameters and those the owner allows
 * are kept, the fragment only where it is the path.
 */
export const address = (): string => {
  const link = dataset.canonical === 'on' && document.querySelector<HTMLLinkElement>('link[rel=canonical]');
  return (
    (link || location).href.split(/[?#]/)[0] +
    location.search
      .replace(/[?&]([^=&]*)[^&]*/g, (parameter, name) =>
        /^(utm_.+|ref|source)$/.test(name) || dataset.query?.split('|').includes(name) ? parameter : '',
      )
      .replace(/^&/, '?') +
    (dataset.hash === 'on' ? location.hash : '')
  ).slice(0, ADDRESS_MAX_CHARS);
};

/** Where the visitor came from, origin and path. */
export const referrer = (): string => document.referrer.replace(/\?.*/, '').slice(0, ADDRESS_MAX_CHARS);
