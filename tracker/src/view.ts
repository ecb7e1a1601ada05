import { noteArrival } from './arrival.ts';
import { isDue, isVisible, measure, postpone, restart, summary, tick } from './attention.ts';
import { closeView, openView, post, view } from './beacon.ts';
import { CORE, FULL } from './build.ts';
import { commonProps, postWithOptions } from './events.ts';
import { currentPath, isExcluded } from './paths.ts';
import { referrer } from './scrub.ts';
import { auto, queue } from './tag.ts';
import type { Fields, Props } from './types.ts';
import { vitals } from './vitals.ts';

let path: string;
let nav: Fields['nav'];
let ref = FULL ? undefined : document.referrer;

/** Begins a view of the page as it is now. */
export const pageview = (): void => {
  if (CORE) restart();
  if (FULL) closeView();
  openView(
    FULL
      ? {
          nav,
          ref: ref ?? referrer(),
          props: commonProps(),
          width: innerWidth,
          tz: Intl.DateTimeFormat().resolvedOptions().timeZone,
        }
      : { ref },
  );
  // Later views came from this site.
  ref = '';
};

/**
 * Looks at the page after anything that may begin or end a view, and says what there is to say. Right to call at any
 * time, in any order and however often: it compares with what was there the last time.
 *
 * A view begins when somebody sees a path that was not there before: after loading, after a soft navigation, after a
 * return from the back/forward cache. A page that is prerendered, or opened in the background, waits for its visitor.
 * A view ends when the tab is hidden or the path changes. Who comes back to the tab goes on with the same view, and a
 * later `leave` of that view says more.
 */
export const look = (event?: { readonly persisted?: boolean }): void => {
  // biome-ignore lint/suspicious/noAssignInExpressions: compares and remembers in one go; bytes.
  const moved = event?.persisted || path !== (path = FULL ? currentPath() : location.pathname);
  if (CORE) {
    tick();
    measure();
    if (view && isDue() && (moved || !isVisible())) {
      postpone();
      post('leave', FULL ? { ...summary(), vitals } : summary());
    }
  }
  if (moved) {
    closeView();
    if (FULL) nav = noteArrival(event?.persisted, nav);
  }
  if (!view && isVisible() && !document.prerendering && !(FULL && (auto || isExcluded()))) pageview();
  if (CORE && view)
    queue
      .splice(0)
      .map(([name, given]) =>
        FULL ? postWithOptions(name, given) : post(name, { props: (given?.props || given) as Props }),
      );
};
