/**
 * The metrics of a span. A visitor is counted once per UTC day, because the anonymous ID is deleted daily. A visit counts in the
 * span in which it began.
 */
export interface Measures {
  visitors: number;
  /** Visits: events of one visitor without a 30-minute gap. */
  visits: number;
  pageviews: number;
  /** Page views and conversions, as `events_this_month` counts them. */
  events: number;
  /** Events other than page views. */
  conversions: number;
  /** Visits referred by AI assistants. */
  referrals: number;
  /** Visits with one page view, no other interactive event and less than ten seconds of engaged time. */
  bounces: number;
  engagedMs: number;
  botVisits: number;
}

/** The metrics of a span without events. */
export const NO_MEASURES: Readonly<Measures> = {
  visitors: 0,
  visits: 0,
  pageviews: 0,
  events: 0,
  conversions: 0,
  referrals: 0,
  bounces: 0,
  engagedMs: 0,
  botVisits: 0,
};

/** Adds up the metrics of spans, or of sites. */
export function sumOfMeasures(all: readonly Measures[]): Measures {
  const names = Object.keys(NO_MEASURES) as (keyof Measures)[]; // which has all of them
  const sum = { ...NO_MEASURES };
  for (const measures of all) for (const name of names) sum[name] += measures[name];
  return sum;
}

/** The measures that rows can be sorted by. The bounce rate and the engaged time are those of an average visit of the row. */
export const SORT_MEASURES = ['visitors', 'visits', 'pageviews', 'events', 'bounce', 'engaged'] as const;

/** What rows are sorted by, the largest first unless `ascending`. */
export interface RowSort {
  by: (typeof SORT_MEASURES)[number];
  ascending: boolean;
}
