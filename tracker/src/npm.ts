import type { EventOptions, Options } from '../npm/index.d.ts';
import { configure, queue } from './options.ts';
import { install, listen, watchHistory, watchNavigation } from './start.ts';
import { checkPage, track as trackNow, pageview as viewNow } from './view.ts';

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
    install();
    checkPage();
    listen();
  } catch {
    return;
  }
  // Each may throw: a page may have frozen its history, and an older engine lacks the Navigation API.
  for (const watch of [watchHistory, watchNavigation])
    try {
      watch();
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
