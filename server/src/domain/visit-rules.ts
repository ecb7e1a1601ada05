import { MINUTE_MS, SECOND_MS } from './clock.ts';

/** The definition of a visit, for every engine. */

/** The inactivity after which a visit ends. */
export const VISIT_GAP_MS = 30 * MINUTE_MS;
/** The same in minutes, for texts. */
export const VISIT_GAP_MINUTES = VISIT_GAP_MS / MINUTE_MS;
/** The engaged time below which a visit of one page view and no other interactive event is a bounce. */
export const BOUNCE_ENGAGED_MS = 10 * SECOND_MS;

/** @param visit `passive` are its events other than page views that are not interactive */
export function isBounce(visit: {
  pageviews: number;
  events: number;
  passive: number;
  engaged: number;
}): boolean {
  return visit.pageviews === 1 && visit.events - visit.passive === 1 && visit.engaged < BOUNCE_ENGAGED_MS;
}
