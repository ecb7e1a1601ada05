import type { ActivityItem } from '../../contract/store.ts';

/** A place in the activity list: newest first, and at one instant events before bots, the last to come first. */
export interface Place {
  at: number;
  isEvent: boolean;
  n: number;
}

/** What of a site's activity is wanted: at most so many rows of a span, from before a place. */
export interface ActivitySpan {
  siteId: string;
  /** The number of the site in the events file. */
  site: number;
  fromMs: number;
  toMs: number;
  before: Place;
  rows: number;
}

export type EventType = 'event' | 'referral' | 'conversion';

export interface Placed {
  place: Place;
  item: ActivityItem;
}

/** The place before the newest row. */
export const NEWEST: Place = { at: Number.MAX_SAFE_INTEGER, isEvent: true, n: 0 };

export function comparePlaces(a: Place, b: Place): number {
  return b.at - a.at || Number(b.isEvent) - Number(a.isEvent) || b.n - a.n;
}

export function writeCursor({ at, isEvent, n }: Place): string {
  return `${at}.${isEvent ? 1 : 0}.${n}`;
}

/** Throws nothing: a made-up cursor is a place like any other. */
export function parseCursor(cursor: string): Place {
  const [at, isEvent, n] = cursor.split('.').map(Number);
  return {
    at: Number.isSafeInteger(at) ? Number(at) : 0,
    isEvent: isEvent === 1,
    n: Number.isSafeInteger(n) ? Number(n) : 0,
  };
}
