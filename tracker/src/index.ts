import { post, view } from './beacon.ts';
import { CORE, FULL } from './build.ts';
import { watchElements } from './capture.ts';
import { retryWhenOnline } from './delivery.ts';
import { watchAddress } from './navigation.ts';
import { watchOptOut } from './optout.ts';
import { attractos, key } from './tag.ts';
import { track } from './track.ts';
import type { Props } from './types.ts';
import { look, pageview } from './view.ts';
import { watchVitals } from './vitals.ts';

// The same tag twice counts once; a tag with another key is another site's.
const mark = key as `ak_${string}`;
if (!attractos[mark]) {
  attractos[mark] = attractos.track = CORE
    ? track
    : (name, given) => view && post(name, { props: (given?.props || given) as Props });
  if (FULL) {
    attractos.pageview = pageview;
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
}
