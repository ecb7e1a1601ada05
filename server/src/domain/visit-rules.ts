import { MINUTE_MS, SECOND_MS } from './clock.ts';

/** The definition of a visit, for every engine. */

/** The inactivity after which a visit ends. */
export const VISIT_GAP_MS = 30 * MINUTE_MS;
/** The engaged time below which a visit of one page view and nothing else is a bounce. */
export const BOUNCE_ENGAGED_MS = 10 * SECOND_MS;

export function isBounce(visit: { pageviews: number; events: number; engaged: number }): boolean {
  return visit.pageviews === 1 && visit.events === 1 && visit.engaged < BOUNCE_ENGAGED_MS;
}

/** Splits a path from its query. */
export function splitQuery(path: string): { path: string; query: string | null } {
  const at = path.indexOf('?');
  return at === -1 ? { path, query: null } : { path: path.slice(0, at), query: path.slice(at) };
}
