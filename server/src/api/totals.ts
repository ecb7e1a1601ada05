import { type Static, Type } from 'typebox';
import type { Measures } from '../domain/measures.ts';
import type { Money } from '../domain/money.ts';
import { Count, Maybe } from './schema-parts.ts';

const Amount = Type.Object({
  currency: Maybe('Currency code (ISO 4217). Null if values were sent without a currency.', 'EUR'),
  amount: Type.Number({
    description: 'Sum of the values, in units of the currency, exact to the sixth decimal.',
    examples: [4_451.1],
  }),
});

/** The schema of the sums of values. */
export const RevenueSums = Type.Array(Amount, {
  description:
    'Revenue: the values sent with events, added up by currency. Currencies are not converted. Empty if no values were sent.',
});

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
      'Share of visits with one page view, no other interactive event and less than ten seconds of engaged time, from 0 to 1. Null if there are no visits.',
    examples: [0.4132],
  }),
  engaged_time: Type.Union([Type.Number({ minimum: 0 }), Type.Null()], {
    description:
      'Average seconds per visit in which the page was visible and in focus. Null if there are no visits.',
    examples: [61.204],
  }),
  revenue: RevenueSums,
};

export const Totals = Type.Object(TOTALS, { description: 'Metrics of the period.' });
export type Totals = Static<typeof Totals>;

/** @param revenue of the same events */
export function totalsOf(measures: Measures, revenue: readonly Money[] = []): Totals {
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
    revenue: [...revenue],
  };
}

/** Rounds a number to some decimals. */
export function rounded(number: number, digits: number): number {
  return Number(number.toFixed(digits));
}
