import { CORE, FULL } from './build.ts';
import { submit } from './delivery.ts';
import { isRefused } from './respect.ts';
import { address } from './scrub.ts';
import { api, key } from './tag.ts';
import type { Fields, Result } from './types.ts';

/** Address of the current view. */
export let url: string;
/** Id of the current view, which is the id of its `pageview`; nothing while no view has begun. */
export let view: string | undefined;

/**
 * Makes a beacon and hands it to the browser, silently: a page must never notice that counting failed.
 *
 * A string body goes out as `text/plain`, which needs no CORS preflight. `sendBeacon` may be missing (a Firefox
 * preference removes it), may throw, and answers `false` when its 64 KiB allowance is used up; then a keepalive
 * `fetch` carries the same body under the same id, so that whatever arrives counts once.
 */
export const post = (name?: string, fields?: Fields, callback?: (result: Result) => void): void => {
  try {
    // The time is in it for pages that seed `Math.random`. Added, not interpolated: that is seven bytes shorter.
    // biome-ignore lint/style/useTemplate: see above.
    const id = Date.now() + '' + Math.random();
    if (FULL) {
      const beacon = { key, id, url, view, name, ...fields };
      view ||= id;
      submit(beacon, callback);
      return;
    }
    const body = JSON.stringify(
      CORE ? { key, view, name, id, url, ...fields } : { key, name, id, url: location.href, ...fields },
    );
    view ||= id;
    try {
      if ((CORE && isRefused()) || navigator.sendBeacon(api, body)) return;
    } catch {}
    fetch(api, { keepalive: true, method: 'POST', body }).catch((error) => error);
  } catch {}
};

/** The view is over; the next beacon begins another. */
export const closeView = (): void => {
  view = undefined;
};

/** Counts a view of the page as it is now. */
export const openView = (fields: Fields): void => {
  if (CORE) url = FULL ? address() : location.href;
  post(view, fields);
};
