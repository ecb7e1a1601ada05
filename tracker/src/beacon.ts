import { CORE, FULL } from './build.ts';
import { submit } from './delivery.ts';
import { isRefused } from './respect.ts';
import { address } from './scrub.ts';
import { api, key, query } from './tag.ts';
import type { Common, Fields, Result } from './types.ts';

/** What every beacon of the current view says; nothing while no view has begun. (The micro build keeps none.) */
export let view: Common | undefined;

/**
 * Makes a beacon and hands it to the browser, silently: a page must never notice that counting failed.
 *
 * A string body goes out as `text/plain`, which needs no CORS preflight. `sendBeacon` may be missing (a Firefox
 * preference removes it), may throw, and answers `false` when its 64 KiB allowance is used up; then a keepalive
 * `fetch` carries the same body under the same id, so that whatever arrives counts once.
 */
export const post = (fields: Fields, callback?: (result: Result) => void): void => {
  try {
    // The time is in it for pages that seed `Math.random`. Added, not interpolated: that is seven bytes shorter.
    // biome-ignore lint/style/useTemplate: see above.
    const id = Date.now() + '' + Math.random();
    if (FULL) {
      const beacon = { id, ...view, ...fields };
      (view as Common).view ||= id;
      submit(beacon, callback);
      return;
    }
    const body = JSON.stringify(
      CORE ? { id, ...view, ...fields } : { id, key, url: location.href, ...fields },
    );
    // A view goes by the id of its first beacon, which is its `pageview`.
    if (CORE) (view as Common).view ||= id;
    try {
      if ((CORE && isRefused()) || navigator.sendBeacon(api, body)) return;
    } catch {}
    fetch(api, { keepalive: true, method: 'POST', body }).catch((error) => error);
  } catch {}
};

/** The view is over. */
export const closeView = (): void => {
  view = undefined;
};

/** Counts a view of the page as it is now. */
export const openView = (fields: Fields): void => {
  if (CORE)
    view = FULL
      ? { key, keep: query, url: address(), tz: Intl.DateTimeFormat().resolvedOptions().timeZone }
      : { key, url: location.href };
  post(fields);
};
