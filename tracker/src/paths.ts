import { FULL } from './build.ts';
import { dataset } from './tag.ts';

/** Path of the page, with the part after `#` where that is the site's way of routing. */
export const currentPath = (): string =>
  FULL ? location.pathname + (dataset.hash === 'on' ? location.hash : '') : location.pathname;

/** Whether the owner wants no word about this page. What is no regular expression excludes all: better silent than wrong. */
export const isExcluded = (): unknown => {
  try {
    return dataset.exclude && RegExp(dataset.exclude).test(currentPath());
  } catch {
    return true;
  }
};
