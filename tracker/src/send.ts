/**
 * Hands one beacon to the browser, silently: a page must never notice that counting failed.
 *
 * A string body goes out as `text/plain`, which needs no CORS preflight. `sendBeacon` may be missing (a Firefox
 * preference removes it), may throw, and answers `false` when its 64 KiB allowance is used up; then a keepalive
 * `fetch` carries the same body, under the same event id, so that whatever arrives counts once.
 */
export const send = async (api: string, body: string): Promise<void> => {
  let queued = false;
  try {
    queued = navigator.sendBeacon(api, body);
  } catch {}
  try {
    queued || (await fetch(api, { method: 'POST', body, keepalive: true, credentials: 'omit' }));
  } catch {}
};
