import { BATCH_MAX_BEACONS } from '../wire/limits.ts';
import { isRefused } from './respect.ts';
import { api, attractos, debug, transport } from './tag.ts';
import type { Result } from './types.ts';

/** Attempts that found no network, in memory only: nothing is written to the visitor's device. */
const outbox: (() => void)[] = [];

/**
 * Sends a beacon unless the visitor, the owner or the page's own hook is against it.
 *
 * The ladder: `sendBeacon`, then keepalive `fetch`, then memory until the network is back, always the same body under
 * the same id. `sendBeacon` never tells what became of a beacon, so whoever wants to know gets `fetch` at once.
 */
export const submit = (beacon: object, callback?: (result: Result) => void): void => {
  try {
    if (isRefused()) return;
  } catch {}
  const wanted = (attractos.beforeSend || ((it) => it))(beacon);
  const body = JSON.stringify(wanted);
  const tell: ((result: Result, beacon: object) => void) | undefined =
    callback || ((debug && console.log) as typeof console.log);
  const attempt = async (): Promise<void> => {
    try {
      if (navigator.onLine && !(tell || transport) && navigator.sendBeacon(api, body)) return;
    } catch {}
    try {
      const { ok, status, headers } = await fetch(api, {
        method: 'POST',
        body,
        keepalive: true,
        credentials: 'omit',
      });
      if (tell) tell({ ok, status, reason: headers.get('x-attractos-outcome') }, beacon);
    } catch {
      if (outbox.length < BATCH_MAX_BEACONS) outbox.push(attempt);
    }
  };
  if (wanted) attempt();
};

/** Sends what had to wait, as soon as there is a network again. */
export const retryWhenOnline = (): void =>
  addEventListener('online', () => outbox.splice(0).map((attempt) => attempt()));
