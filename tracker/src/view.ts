import { attend, isDue, isVisible, measure, postpone, rest, restart, summary, tick } from './attention.ts';
import { closeView, openView, post, view } from './beacon.ts';
import { CORE, FULL } from './build.ts';
import { commonProps, postWithOptions } from './events.ts';
import { currentPath, isExcluded } from './paths.ts';
import { referrer } from './scrub.ts';
import { auto, queue } from './tag.ts';
import type { Fields, Props } from './types.ts';
import { vitals } from './vitals.ts';

/** The path that was last seen by somebody; nothing while nobody came. */
export let path: string;
let nav: Fields['nav'];
let ref = FULL ? undefined : document.referrer;

/** Begins a view of the page as it is now. */
export const pageview = (): void => {
  if (CORE) restart();
  openView(
    FULL
      ? {
          nav,
          ref: ref ?? referrer(),
          props: commonProps(),
          width: innerWidth,
        }
      : { ref },
  );
  // Later views came from this site.
  ref = '';
  if (FULL) nav = 'soft';
};

/**
 * Looks at the page after anything that may begin or end a view, and says what there is to say. Right to call at any
 * time, in any order and however often: it compares with what was there the last time.
 *
 * A view begins when somebody sees a path that was not there before: after loading, after a soft navigation, after a
 * return from the back/forward cache. A page that is prerendered, or opened in the background, is not visible, and
 * waits for its visitor. A view ends when the tab is hidden or another begins. Who comes back to the tab goes on with
 * the same view, and a later `leave` of that view says more.
 */
export const look = (event?: { readonly persisted?: boolean }): void => {
  if (FULL) nav = event?.persisted ? 'bfcache' : nav || (document.prerendering ? 'prerender' : 'load');
  const visible = isVisible();
  const moved =
    visible &&
    // biome-ignore lint/suspicious/noAssignInExpressions: compares and remembers in one go; bytes.
    (path !== (path = FULL ? currentPath() : location.pathname) || event?.persisted);
  if (CORE) {
    tick();
    if (visible) attend();
    else rest();
    measure();
    // Gone to another view, or out of sight.
    if ((!FULL || view) && isDue() && moved === visible) {
      postpone();
      post(FULL ? { name: 'leave', ...summary(), vitals } : { name: 'leave', ...summary() });
    }
  }
  if (moved) {
    if (FULL && (auto || isExcluded())) closeView();
    else pageview();
  }
  if (CORE && view)
    queue
      .splice(0)
      .map(([name, given]) =>
        FULL ? postWithOptions(name, given) : post({ name, props: (given?.props || given) as Props }),
      );
};
