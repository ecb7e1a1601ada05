import type { Fields } from './types.ts';

type Kind = Fields['nav'];

/** How a view was reached that comes after `last`; the document's own load comes after nothing. */
export const noteArrival = (restored: boolean | undefined, last: Kind): Kind =>
  restored ? 'bfcache' : last ? 'soft' : document.prerendering ? 'prerender' : 'load';
