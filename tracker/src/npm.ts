import type { EventOptions, Options } from '../npm/index.d.ts';
import { install } from './install.ts';
import { configure, queue } from './options.ts';
import { track as trackNow } from './track.ts';
import { pageview as view } from './view.ts';

/** Most calls kept for an `init` that may never come. */
const MAX_EARLY_CALLS = 100;

const isBrowser = typeof document !== 'undefined';
let started = false;

/** Starts counting. The first call counts; on a server it does nothing. */
export const init = (options: Options): void => {
  if (!isBrowser || started) return;
  started = true;
  try {
    configure(options);
    install();
  } catch {}
};

/** Sends an event; before `init` it waits, on a server it does nothing. */
export const track = (name: string, options?: EventOptions): void => {
  if (started) trackNow(name, options);
  else if (isBrowser && queue.length < MAX_EARLY_CALLS) queue.push({ ...options, name });
};

/** Begins a view by hand, for `auto: false`. */
export const pageview = (): void => {
  if (started) view();
};
