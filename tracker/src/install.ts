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
  }
  watchAddress();
  // Listening while the event is on its way down also hears what does not bubble.
  const events = [
    'visibilitychange',
    'prerenderingchange',
    'pageshow',
    ...(CORE ? ['scroll', 'focus', 'blur'] : []),
  ];
  events.map((type) => addEventListener(type, look as () => void, true));
  look();
};
