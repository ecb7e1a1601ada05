import { type Static, Type } from 'typebox';
import type { Measures } from '../store/store.ts';

const count = (description: string) => Type.Integer({ minimum: 0, description });

/** The numbers that every report has, in the API's words. */
export const TOTALS = {
  visitors: count('Visitors, each counted once per UTC day: that is how long anybody can be told apart.'),
  visits: count(
    "A visitor's page views and events without a gap of 30 minutes. A visit belongs to where it began.",
  ),
  pageviews: count('Page views.'),
  events: count('Page views and conversions: what events_this_month counts.'),
  conversions: count('Events that are no page view.'),
  referrals: count('Visits that a language-model assistant sent.'),
  bot_visits: count('Requests by declared crawlers. Never among the events; none where a filter is set.'),
  bounce_rate: Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()], {
    description:
      'Share of visits with one page view, no other event and less than ten seconds of engaged time, 0 to 1. Null without visits.',
  }),
  engaged_time: Type.Union([Type.Number({ minimum: 0 }), Type.Null()], {
    description: 'Seconds per visit in which the page was visible and in focus. Null without visits.',
  }),
};

export const Totals = Type.Object(TOTALS);
export type Totals = Static<typeof Totals>;

export function totalsOf(measures: Measures): Totals {
  const { visitors, visits, pageviews, events, conversions, referrals, botVisits } = measures;
  return {
    visitors,
    visits,
    pageviews,
    events,
    conversions,
    referrals,
    bot_visits: botVisits,
    bounce_rate: visits === 0 ? null : rounded(measures.bounces / visits, 4),
    engaged_time: visits === 0 ? null : rounded(measures.engagedMs / 1_000 / visits, 3),
  };
}

function rounded(number: number, digits: number): number {
  return Number(number.toFixed(digits));
}
