import { DAY_MS } from './clock.ts';

/** What an account may do. A limit of null means none. */
export interface Plan {
  sites: number | null;
  apiRequestsPerMinute: number;
  /** Told to the owner when passed; events above it are stored and counted all the same. */
  eventsPerMonth: number | null;
}

export type PlanName = 'free' | 'pro';

export const PLANS: Readonly<Record<PlanName, Plan>> = {
  free: { sites: 3, apiRequestsPerMinute: 60, eventsPerMonth: 10_000 },
  pro: { sites: null, apiRequestsPerMinute: 600, eventsPerMonth: 100_000 },
};

export function isPlanName(text: string): text is PlanName {
  return text === 'free' || text === 'pro';
}

/** A span of UTC days, both ends included, as days since 1970-01-01. */
export interface DayRange {
  firstDay: number;
  lastDay: number;
}

/** The UTC day on which a calendar month begins. `month` may be -1 or 12: it rolls over. */
function firstDayOf(year: number, month: number): number {
  return Date.UTC(year, month, 1) / DAY_MS;
}

/** The UTC day on which the billing month of a calendar month starts. */
function anchorDayOf(year: number, month: number, anchorDay: number): number {
  const first = firstDayOf(year, month);
  return first + Math.min(anchorDay, firstDayOf(year, month + 1) - first) - 1;
}

/**
 * The billing month that holds an instant: from the anchor day 00:00 UTC up to the next one. An anchor beyond the end of
 * a month means that month's last day, so an anchor of 31 starts on 30 April and on 28 or 29 February.
 *
 * @param anchorDay 1 to 31
 */
export function billingMonth(atMs: number, anchorDay: number): DayRange {
  const at = new Date(atMs);
  const year = at.getUTCFullYear();
  const month = at.getUTCMonth();
  const thisAnchor = anchorDayOf(year, month, anchorDay);
  const today = Math.floor(atMs / DAY_MS);
  return today >= thisAnchor
    ? { firstDay: thisAnchor, lastDay: anchorDayOf(year, month + 1, anchorDay) - 1 }
    : { firstDay: anchorDayOf(year, month - 1, anchorDay), lastDay: thisAnchor - 1 };
}
