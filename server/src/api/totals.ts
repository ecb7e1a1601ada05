import { type Static, Type } from 'typebox';
import type { Measures } from '../domain/measures.ts';
import { Count } from './schema-parts.ts';

/** The schemas of the metrics that every report has. */
export const TOTALS = {
  visitors: Count(
    'Unique visitors, counted once per UTC day because the anonymous ID is deleted daily.',
    1_204,
  ),
  visits: Count(
    'Visits: page views and events of one visitor without a gap of 30 minutes. A visit counts in the period in which it began.',
    1_377,
  ),
  pageviews: Count('Page views.', 3_018),
  events: Count('Page views and conversions; the same events that events_this_month counts.', 3_107),
  conversions: Count('Events other than page views.', 89),
  referrals: Count('Visits referred by AI assistants.', 41),
  bot_visits: Count(
    'Visits by self-identified crawlers, which are never counted as events. 0 if a filter is set, because filters do not apply to crawlers.',
    212,
  ),
  bounce_rate: Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()], {
    description:
      'Share of visits with one page view, no other event and less than ten seconds of engaged time, from 0 to 1. Null if there are no visits.',
    examples: [0.4132],
  }),
  engaged_time: Type.Union([Type.Number({ minimum: 0 }), Type.Null()], {
    description:
      'Average seconds per visit in which the page was visible and in focus. Null if there are no visits.',
    examples: [61.204],
  }),
};

export const Totals = Type.Object(TOTALS, { description: 'Metrics of the period.' });
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
