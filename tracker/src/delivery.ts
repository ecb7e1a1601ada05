import { BATCH_MAX_BEACONS } from '../wire/limits.ts';
import { newId, view } from './current.ts';
import { commonProps } from './props.ts';
import { isRefused } from './respect.ts';
import { api, attractos, dataset } from './tag.ts';
import type { Fields, View } from './types.ts';

/** Attempts that found no network, in memory only: nothing is written to the visitor's device. */
const outbox: (() => void)[] = [];

/**
 * What beacon.ts says of the smaller builds, and more: the page's own hook sees the beacon first; whoever wants an answer
 * gets `fetch` at once, for `sendBeacon` never tells what became of a beacon; and the ladder has two more rungs. A keepalive
 * `fetch` lives on the same allowance as `sendBeacon` (https://fetch.spec.whatwg.org/#http-network-or-cache-fetch), so a
 * plain one follows, and then memory until the network is back. It is always the same body under the same id.
 */
export const deliver = (fields: Fields): void => {
  try {
    const id = newId();
    const beacon = { id, ...view, ...fields, props: { ...commonProps(), ...fields.props } };
    (view as View).view ||= id;
    // Markup knows strings only.
    beacon.value &&= +beacon.value;
    // A hook that throws drops the beacon, as one that returns nothing: what it was to hide must not go out.
    const wanted = attractos.beforeSend ? attractos.beforeSend(beacon) : beacon;
    const body = JSON.stringify(wanted);
    const attempt = (failure?: unknown): Promise<Response> =>
      fetch(api, { keepalive: !failure, method: 'POST', body, credentials: 'omit' });
    const send = async (): Promise<void> => {
      try {
        if (
          isRefused() ||
          (navigator.onLine &&
            !(fields.callback || dataset.debug === 'on' || dataset.transport === 'fetch') &&
            navigator.sendBeacon(api, body))
        )
          return;
      } catch {}
      try {
        await attempt()
          .catch(attempt)
          .then(
            ({ ok, status, headers }) => {
              const result = { ok, status, reason: headers.get('x-attractos-outcome') };
              if (dataset.debug === 'on') console.log(result, wanted);
              fields.callback?.(result);
            },
            () => {
              if (outbox.length < BATCH_MAX_BEACONS) outbox.push(send);
            },
          );
      } catch {}
    };
    if (wanted) send();
  } catch (error) {
    if (dataset.debug === 'on') console.log(error);
  }
};

/** Sends what had to wait, as soon as there is a network again. */
export const retryWhenOnline = (): void =>
  addEventListener('online', () => outbox.splice(0).map((send) => send()));
