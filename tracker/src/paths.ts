import { exclude, hash } from './tag.ts';

/** Path of the page, with the part after `#` where that is the site's way of routing. */
export const currentPath = (): string => location.pathname + (hash ? location.hash : '');

/** Whether the owner wants no word about this page. */
export const isExcluded = (): unknown => exclude && RegExp(exclude).test(currentPath());
