import type { EventOptions, Options } from '../npm/index.d.ts';
import { configure, queue } from './options.ts';
import { start } from './start.ts';
import { track as trackNow, pageview as viewNow } from './view.ts';

/** The most calls that wait for `init`, which the page may never call. */
const MAX_QUEUED_CALLS = 100;

const isBrowser = typeof document !== 'undefined';
let started = false;

/** Starts counting. Only the first call has an effect. On a server, it does nothing. */
export const init = (options: Options): void => {
  if (!isBrowser || started) return;
  started = true;
  try {
    configure(options);
    start();
  } catch {}
};

/** Sends an event. Before `init`, the event waits. On a server, it does nothing. */
export const track = (name: string, options?: EventOptions): void => {
  if (started) trackNow(name, options);
  else if (isBrowser && queue.length < MAX_QUEUED_CALLS) queue.push({ ...options, name });
};

/** Begins a view manually, for `auto: false`. Before `init` or on a server, it does nothing. */
export const pageview = (): void => {
  if (started) viewNow();
};
