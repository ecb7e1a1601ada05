import { MINUTE_MS, SECOND_MS } from '../clock.ts';

/** What a visit is, to every engine. */

/** A visit ends when its visitor does nothing for this long. */
export const VISIT_GAP_MS = 30 * MINUTE_MS;
/** A visit of one page view with less engaged time than this, and nothing else, is a bounce. */
const BOUNCE_ENGAGED_MS = 10 * SECOND_MS;

/** The name of the event that is a page view. */
export const PAGEVIEW = 'pageview';

export function isBounce(visit: { pageviews: number; events: number; engaged: number }): boolean {
  return visit.pageviews === 1 && visit.events === 1 && visit.engaged < BOUNCE_ENGAGED_MS;
}

/** A path as it is reported, and what follows it. */
export function splitQuery(path: string): { path: string; query: string | null } {
  const at = path.indexOf('?');
  return at === -1 ? { path, query: null } : { path: path.slice(0, at), query: path.slice(at) };
}
