import { type Static, Type } from 'typebox';
import type { Measures } from '../store/store.ts';
import { Count } from './schema-parts.ts';

/** The numbers that every report has, in the API's words. */
export const TOTALS = {
  visitors: Count(
    'Visitors, each counted once per UTC day: that is how long anybody can be told apart.',
    1_204,
  ),
  visits: Count(
    "A visitor's page views and events without a gap of 30 minutes. A visit belongs to where it began.",
    1_377,
  ),
  pageviews: Count('Page views.', 3_018),
  events: Count('Page views and conversions: what events_this_month counts.', 3_107),
  conversions: Count('Events that are no page view.', 89),
  referrals: Count('Visits that a language-model assistant sent.', 41),
  bot_visits: Count(
    'Requests by declared crawlers. Never among the events; 0 where a filter is set: nothing of what filters are about is known of them.',
    212,
  ),
  bounce_rate: Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()], {
    description:
      'Share of visits with one page view, no other event and less than ten seconds of engaged time, 0 to 1. Null without visits.',
    examples: [0.4132],
  }),
  engaged_time: Type.Union([Type.Number({ minimum: 0 }), Type.Null()], {
    description: 'Seconds per visit in which the page was visible and in focus. Null without visits.',
    examples: [61.204],
  }),
};

export const Totals = Type.Object(TOTALS, { description: 'The numbers that every report has.' });
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
