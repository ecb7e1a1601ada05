import { send } from './beacon.ts';
import { CORE, FULL } from './build.ts';
import { closeView, openView, readTimeZone, view } from './current-view.ts';
import {
  engagement,
  isLeaveDue,
  isVisible,
  measureScroll,
  postponeLeave,
  resetEngagement,
  updateEngagedTime,
  visible,
} from './engagement.ts';
import { navigationType, vitals, watchVitals } from './performance.ts';
import { applyOptOutLink } from './privacy.ts';
import { dataset, queue } from './tag.ts';
import type { EventOptions, Fields, PageEvent } from './types.ts';
import { currentPath, scrubbedReferrer, URL_CUT_AT_CHARS } from './url.ts';

/** The most events that wait for a page view, which never comes on an excluded page. */
const MAX_QUEUED_EVENTS = 20;

/** The web vitals of the current view, if it is the document's first. */
let measured: Fields['vitals'];
/** The last path that was visible; undefined until the page is first seen. */
export let path: string;
/** Whether the last check of the page began a view, as a boolean or 0. */
let viewBegan: boolean | number;
/** Whether the owner excludes this page. */
let excluded: unknown;
/** How the next view begins; undefined until the page is first checked. */
let nav: Fields['nav'];
/** The referrer of the first view (micro and core builds). Later views come from this site and have none. */
let ref = FULL ? '' : document.referrer.slice(0, URL_CUT_AT_CHARS);

/** Holds the web vitals until the first view takes them. */
const unmeasured = [vitals];

/** Begins a view of the page as it is now. */
export const pageview = (event?: PageEvent): void => {
  if (CORE) {
    resetEngagement();
    openView();
  }
  if (FULL) measured = unmeasured.pop();
  // The npm package is imported on servers too, so the full build does not read `document` before this point.
  send(
    FULL
      ? { nav: event?.persisted ? 'bfcache' : nav, ref: measured && scrubbedReferrer(), width: innerWidth }
      : { ref },
  );
  if (FULL) nav = 'soft';
  else ref = '';
};

/**
 * Checks the page after anything that may begin or end a view, and sends the beacons that are due. It compares the page with
 * the last check, so it can be called at any time, in any order and any number of times.
 *
 * A view begins when a new path is visible, or was until now: after loading, after a soft navigation, or after a return from
 * the back/forward cache. A page that is prerendered or opened in the background is not visible, so its view waits until the
 * visitor sees it. A view ends when the tab is hidden or another view begins. A visitor who returns to the tab continues the
 * same view, and a later `leave` of that view reports larger totals.
 */
export const checkPage = (event?: PageEvent): void => {
  viewBegan =
    // A router that kept the original history methods may have changed the path before the tab was hidden.
    visible | isVisible() &&
    // A page becomes visible again before `pageshow` reports that it was in the back/forward cache:
    // https://html.spec.whatwg.org/#reactivate-a-document
    // The comparison means "and not", and is never undefined.
    // biome-ignore lint/suspicious/noAssignInExpressions: one expression that compares and remembers is shorter.
    (path !== (path = currentPath()) || (event?.persisted as boolean) > (viewBegan as boolean));
  if (CORE)
    // If the engine lacks an API or the page broke it, only this part fails, and the views still count.
    try {
      if (FULL) {
        // An invalid regular expression throws and so excludes every page, because no count is better than a wrong one.
        excluded = true;
        excluded = dataset.auto === 'off' || (dataset.exclude && path.match(dataset.exclude));
        if (visible) applyOptOutLink();
      }
      updateEngagedTime();
      // The view ended: another one began, or the tab is hidden. A boolean compares as 0 or 1.
      if ((!FULL || view) && viewBegan >= (visible as unknown as boolean) && isLeaveDue()) {
        postponeLeave();
        send(
          FULL ? { name: 'leave', vitals: measured, ...engagement() } : { name: 'leave', ...engagement() },
        );
      }
      measureScroll();
      if (FULL && !nav) {
        readTimeZone();
        nav = navigationType();
        // On prerendered and background pages, web vitals do not show how long a visitor waited.
        if (visible) watchVitals();
      }
    } catch {}
  if (viewBegan) {
    if (FULL && excluded) closeView();
    else pageview(event);
  }
  if (CORE && view) queue.splice(0).map(send);
};

/**
 * Queues an event until its page view has begun, which it has at once on a visible page. An event without a name would count as
 * a page view, so it gets an empty name, which the collector refuses and the owner can see.
 */
export const track = (name = '', options?: EventOptions): void =>
  // `checkPage` accepts a number, because a number has no `persisted`.
  checkPage(((!FULL || queue.length < MAX_QUEUED_EVENTS) && queue.push({ name, ...options })) as never);
