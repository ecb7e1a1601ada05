import { post } from './beacon.ts';
import { CORE, FULL } from './build.ts';
import { watchElements } from './capture.ts';
import { retryWhenOnline } from './delivery.ts';
import { watchAddress } from './navigation.ts';
import { attractos } from './tag.ts';
import { track } from './track.ts';
import { look, pageview, path } from './view.ts';

/** Starts to watch the page, and looks at it for the first time. Answers something true, for the mark of the tag. */
export const install = (): unknown => {
  attractos.track = CORE ? track : (name, options) => path && post({ name, ...options });
  if (FULL) {
    attractos.pageview = pageview;
    watchElements();
    retryWhenOnline();
  }
  look();
  watchAddress();
  // Listening while the event is on its way down also hears what does not bubble.
  return ['visibilitychange', 'pageshow', 'popstate', ...(CORE ? ['scroll', 'focus', 'blur'] : [])].map(
    (type) => addEventListener(type, look as () => void, true),
  );
};
