import { FULL } from './build.ts';
import { dataset } from './tag.ts';

/** Path of the page, with the part after `#` where that is the site's way of routing. */
export const currentPath = (): string =>
  FULL ? location.pathname + (dataset.hash === 'on' ? location.hash : '') : location.pathname;
