import { CORE, FULL } from './build.ts';
import { watchElements } from './capture.ts';
import { retryWhenOnline } from './delivery.ts';
import { watchAddress } from './navigation.ts';
import { watchOptOut } from './optout.ts';
import { look } from './view.ts';
import { watchVitals } from './vitals.ts';

/** Starts to watch the page, and looks at it for the first time. */
export const install = (): void => {
  if (FULL) {
    watchOptOut();
    watchVitals();
    watchElements();
    retryWhenOnline();
  } else watchAddress();
  // Listening while the event is on its way down also hears what does not bubble.
  const events = ['visibilitychange', 'pageshow', 'popstate', ...(CORE ? ['scroll', 'focus', 'blur'] : [])];
  events.map((type) => addEventListener(type, look as () => void, true));
  look();
  // Last where it may throw: a module, as the npm package is, is strict, and the page may have frozen its history. The
  // smaller builds are no modules, and four bytes shorter the other way round.
  if (FULL) watchAddress();
};
