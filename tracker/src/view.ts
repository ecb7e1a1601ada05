import { ADDRESS_MAX_CHARS } from './address.ts';
import { isDue, measure, postpone, restart, summary, tick } from './attention.ts';
import { post } from './beacon.ts';
import { CORE, FULL } from './build.ts';
import { closeView, openView, readTimeZone, tz, view } from './current.ts';
import { entrance } from './entrance.ts';
import { obeyOptOutLink } from './optout.ts';
import { currentPath } from './paths.ts';
import { referrer } from './scrub.ts';
import { dataset, queue } from './tag.ts';
import type { Fields } from './types.ts';
import { isVisible, visible } from './visibility.ts';
import { vitals, watchVitals } from './vitals.ts';

/** The path that was last seen by somebody; nothing while nobody came. */
export let path: string;
/** Whether a view began when the page was last looked at. */
let moved: unknown;
let nav: Fields['nav'];
/** Whether the owner wants no word about this page. */
let excluded: unknown;
/** Where the visitor came from; later views came from this site. */
let ref = FULL ? undefined : document.referrer.slice(0, ADDRESS_MAX_CHARS);

/** Begins a view of the page as it is now. */
export const pageview = (): void => {
  if (CORE) {
    restart();
    openView();
  }
  // The npm package is imported on servers, too, where there is no document to ask at first.
  post(FULL ? { nav, ref: ref ?? referrer(), width: innerWidth } : { ref });
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
  moved =
    isVisible() &&
    // A page that was in the back/forward cache becomes visible before it is told of its return: https://html.spec.whatwg.org/#reactivate-a-document
    // biome-ignore lint/suspicious/noAssignInExpressions: compares and remembers in one go; bytes.
    (path !== (path = currentPath()) || (event?.persisted && !moved));
  if (CORE)
    // What the engine lacks, or the page broke, is left out; the views count all the same.
    try {
      if (FULL) {
        // What is no regular expression excludes everything: better silent than wrong.
        excluded = true;
        excluded = dataset.auto === 'off' || (dataset.exclude && RegExp(dataset.exclude).test(path));
        if (visible) obeyOptOutLink();
        nav = moved && event?.persisted ? 'bfcache' : nav || entrance();
      }
      tick();
      // Gone to another view, or out of sight.
      if ((!FULL || view) && moved === visible && isDue()) {
        postpone();
        post(FULL ? { name: 'leave', ...summary(), vitals } : { name: 'leave', ...summary() });
      }
      if (FULL && !tz) {
        readTimeZone();
        // Nobody waited for a prerendered page, and whoever opened a tab in the background was elsewhere.
        if (visible) watchVitals();
      }
      measure();
    } catch {}
  if (moved) {
    if (FULL && excluded) closeView();
    else pageview();
  }
  if (CORE && view) queue.splice(0).map(post);
};
