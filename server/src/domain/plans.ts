import { DAY_MS, type DayRange } from './clock.ts';

/** The limits of a plan; null means unlimited. */
export interface Plan {
  sites: number | null;
  apiRequestsPerMinute: number;
  /** The monthly event limit. The owner sees when it is exceeded; events above it are still stored and counted. */
  eventsPerMonth: number | null;
}

export type PlanName = 'free' | 'pro';

export const PLANS: Readonly<Record<PlanName, Plan>> = {
  free: { sites: 3, apiRequestsPerMinute: 60, eventsPerMonth: 10_000 },
  pro: { sites: null, apiRequestsPerMinute: 600, eventsPerMonth: 100_000 },
};

/** The display names of the plans. */
export const PLAN_TITLES: Readonly<Record<PlanName, string>> = { free: 'Free', pro: 'Pro' };

export function isPlanName(text: string): text is PlanName {
  return text === 'free' || text === 'pro';
}

/** Returns the UTC day on which a calendar month begins. `month` may be -1 or 12: it rolls over. */
function firstDayOf(year: number, month: number): number {
  return Date.UTC(year, month, 1) / DAY_MS;
}

/** Returns the UTC day on which the billing month of a calendar month begins. */
function anchorDayOf(year: number, month: number, anchorDay: number): number {
  const first = firstDayOf(year, month);
  return first + Math.min(anchorDay, firstDayOf(year, month + 1) - first) - 1;
}

/**
 * Returns the billing month that holds an instant: from 00:00 UTC on the anchor day to the next one. An anchor beyond the end of
 * a month means its last day, so an anchor of 31 means 30 April, and 28 or 29 February.
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
