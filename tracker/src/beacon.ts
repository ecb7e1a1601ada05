import { CORE, FULL } from './build.ts';
import { here, newId, view } from './current.ts';
import { deliver } from './delivery.ts';
import { isRefused } from './respect.ts';
import { api, key } from './tag.ts';
import type { Fields, View } from './types.ts';

/**
 * Makes a beacon and hands it to the browser, silently: a page must never notice that counting failed.
 *
 * A string body goes out as `text/plain`, which needs no CORS preflight. `sendBeacon` may be missing (a Firefox
 * preference removes it), may throw, and answers `false` when its 64 KiB allowance is used up; then a keepalive `fetch`
 * carries the same body under the same id, so that whatever arrives counts once.
 */
const postBriefly = (fields: Fields): void => {
  try {
    const id = CORE ? newId() : '';
    const body = JSON.stringify(
      CORE ? { id, ...view, ...fields } : { id: newId(), key, url: here(), ...fields },
    );
    // A view goes by the id of its first beacon, which is its `pageview`.
    if (CORE) (view as View).view ||= id;
    try {
      if ((CORE && isRefused()) || navigator.sendBeacon(api, body)) return;
    } catch {}
    fetch(api, { keepalive: true, method: 'POST', body }).catch((failure) => failure);
  } catch {}
};

/** Sends something about the current view, in the way of this build. */
export const post = FULL ? deliver : postBriefly;
