import { BATCH_MAX_BEACONS } from '../wire/limits.ts';
import { CORE, FULL } from './build.ts';
import { view } from './current-view.ts';
import { isTrackingDisabled } from './privacy.ts';
import { api, attractos, dataset, key } from './tag.ts';
import type { Fields, View } from './types.ts';
import { pageUrl } from './url.ts';

/** The beacons to resend when the network returns. They are in memory only: nothing is written to the visitor's device. */
const outbox: (() => void)[] = [];

/**
 * Creates an event id of at most 40 characters. It contains the time, because some pages seed `Math.random`. The array is the
 * shortest way to make `+` join strings.
 */
const newId = (): string => ([Date.now()] as unknown as string) + Math.random();

/** Converts the attributes that begin with a prefix to properties: `data-props-plan="pro"` to `{ plan: 'pro' }`. */
export const propsFrom = (prefix: string, attributes: DOMStringMap | undefined): Record<string, string> => {
  const found: Record<string, string> = {};
  for (const name in attributes) {
    const rest = name.split(prefix)[1];
    if (rest) found[rest.toLowerCase()] = attributes[name] as string;
  }
  return found;
};

/**
 * Sends a beacon without ever throwing: the page must not notice that counting failed (micro and core builds).
 *
 * A string body is sent as `text/plain`, which needs no CORS preflight. `sendBeacon` may be missing (a Firefox preference
 * removes it), may throw, and returns `false` if its quota of 64 KiB is used up. A keepalive `fetch` then sends the same body
 * with the same id, so the event counts once even if both arrive.
 */
const sendOnce = (fields: Fields): void => {
  try {
    const id = CORE ? newId() : '';
    const body = JSON.stringify(
      CORE ? { id, ...view, ...fields } : { id: newId(), key, url: pageUrl(), ...fields },
    );
    // A view is identified by the id of its first beacon, the page view.
    if (CORE) (view as View).view ||= id;
    try {
      if ((CORE && isTrackingDisabled()) || navigator.sendBeacon(api, body)) return;
    } catch {}
    fetch(api, { method: 'POST', body, keepalive: true }).catch((failure) => failure);
  } catch {}
};

/**
 * Sends a beacon without ever throwing, after the page's `beforeSend` (full build).
 *
 * It uses `fetch` at once if the caller wants the response, because `sendBeacon` does not return it. A keepalive `fetch` shares
 * the quota of `sendBeacon` (https://fetch.spec.whatwg.org/#http-network-or-cache-fetch), so if it fails, a plain `fetch`
 * follows, and then the outbox. All attempts send the same body with the same id.
 */
const sendWithRetries = (fields: Fields): void => {
  try {
    const beacon = {
      ...view,
      id: newId(),
      ...fields,
      props: { ...propsFrom('props', dataset), ...fields.props },
    };
    // If the hook throws, the beacon is dropped, because data that the hook should have removed must not be sent.
    const wanted = attractos.beforeSend ? attractos.beforeSend(beacon) : beacon;
    const body = JSON.stringify(wanted);
    // `async` makes a rejection of a `fetch` that throws.
    const attempt = async (failure?: unknown): Promise<Response> =>
      fetch(api, { credentials: 'omit', keepalive: !failure, method: 'POST', body });
    const post = (): void => {
      try {
        if (
          isTrackingDisabled() ||
          (dataset.debug !== 'on' &&
            navigator.onLine &&
            !fields.callback &&
            dataset.transport !== 'fetch' &&
            navigator.sendBeacon(api, body))
        )
          return;
      } catch {}
      attempt()
        .catch(attempt)
        .then(
          (response) => {
            const result = {
              ok: response.ok,
              status: response.status,
              reason: response.headers.get('x-attractos-outcome'),
            };
            if (dataset.debug === 'on') console.log(result, wanted);
            fields.callback?.(result);
          },
          () => outbox.length < BATCH_MAX_BEACONS && outbox.push(post),
        )
        .catch((failure) => failure);
    };
    // A view is identified by the id of its first beacon, the page view.
    (view as View).view ||= beacon.id;
    if (wanted) post();
  } catch (error) {
    if (dataset.debug === 'on') console.log(error);
  }
};

/** Sends a page view, an event or a `leave` of the current view. */
export const send = FULL ? sendWithRetries : sendOnce;

/** Sends the outbox when the network returns. */
export const retryWhenOnline = (): void =>
  addEventListener('online', () => outbox.splice(0).map((post) => post()));
