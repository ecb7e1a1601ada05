import { FULL } from './build.ts';
import { dataset, key } from './tag.ts';
import type { View } from './types.ts';
import { pageUrl, scrubbedUrl } from './url.ts';

/** The fields of every beacon of the current view; falsy while there is no view. The micro build does not use it. */
export let view: View | 0 | undefined;

/** The visitor's IANA time zone, if the engine knows it. */
let timeZone: string | undefined;

/** Reads the time zone. Throws if the engine does not support it. */
export const readTimeZone = (): void => {
  timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
};

/** Begins a view of the page at its current URL. */
export const openView = (): void => {
  view = FULL
    ? {
        key,
        keep: dataset.hash === 'on' ? (dataset.query ? `${dataset.query}|#` : '#') : dataset.query,
        url: scrubbedUrl(),
        tz: timeZone,
      }
    : { key, url: pageUrl() };
};

/** Ends the view without beginning another. */
export const closeView = (): void => {
  view = 0;
};
