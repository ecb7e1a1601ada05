import { type Static, Type } from 'typebox';
import type { BreakdownRow, Scope } from '../store/store.ts';
import { type SiteAsking, siteEndpoint } from './endpoint.ts';
import { FilterQuery, readFilters } from './filter.ts';
import {
  CompareQuery,
  comparedWith,
  Period,
  PeriodQuery,
  periodOf,
  readPeriod,
  type Span,
  spanOf,
  TimeZone,
} from './period.ts';
import { Count, Maybe, SiteId } from './schema-parts.ts';
import { Totals, totalsOf } from './totals.ts';

/** Most rows of each of the breakdowns in the answer; `breakdown` has the rest. */
const ROWS = 100;

const Bot = Type.Object({
  bot_name: Type.String({ description: 'Name of the crawler.', examples: ['GPTBot'] }),
  bot_company: Maybe('Who runs it.', 'OpenAI'),
  count: Count('Bot visits.', 131),
});
const Referrer = Type.Object({
  source: Type.String({ description: 'Name of the assistant.', examples: ['ChatGPT'] }),
  count: Count('Visits that it sent.', 29),
});
const Conversion = Type.Object({
  event_name: Type.String({ description: 'Name of the event.', examples: ['signup'] }),
  count: Count('How often.', 89),
});

export const Stats = Type.Object({
  site_id: SiteId,
  period: Period,
  time_zone: TimeZone,
  totals: Totals,
  bot_breakdown: Type.Array(Bot, {
    description: `Bot visits by crawler, largest first; the ${ROWS} largest.`,
  }),
  referral_breakdown: Type.Array(Referrer, {
    description: `Visits that language-model assistants sent, by assistant, largest first; the ${ROWS} largest.`,
  }),
  conversion_breakdown: Type.Array(Conversion, {
    description: `Conversions by the name of the event, largest first; the ${ROWS} largest.`,
  }),
  comparison: Type.Optional(
    Type.Object(
      { period: Period, totals: Totals },
      { description: 'The same numbers for the period asked for by compare.' },
    ),
  ),
});
export type Stats = Static<typeof Stats>;

const StatsQuery = Type.Object({ ...PeriodQuery, filter: FilterQuery, compare: CompareQuery });
export type StatsQuery = Static<typeof StatsQuery>;

export const stats = siteEndpoint({
  name: 'stats',
  path: '/v1/sites/{id}/stats',
  summary: 'Totals of a period',
  description: 'The numbers of a site over a period, and who the bots, assistants and conversions were.',
  query: StatsQuery,
  answer: Stats,
  errors: ['INVALID_DATE_RANGE'],
  async run(asking, { filter, compare, ...period }) {
    const { store, clock, timeZone, site } = asking;
    const span = readPeriod(period, timeZone, clock.now());
    const filters = readFilters(filter);
    const scope: Scope = { siteId: site.id, fromMs: span.fromMs, toMs: span.toMs, filters };
    const ai: Scope = { ...scope, filters: [...filters, { by: 'channel', values: ['ai'], negated: false }] };
    const other: Scope = {
      ...scope,
      filters: [...filters, { by: 'event', values: ['pageview'], negated: true }],
    };
    const limit = { limit: ROWS };
    const [totals, bots, referrals, conversions, comparison] = await Promise.all([
      store.reports.totals(scope),
      store.reports.breakdown(scope, 'bot', limit),
      store.reports.breakdown(ai, 'source', limit),
      store.reports.breakdown(other, 'event', limit),
      compare === undefined ? {} : compared(asking, scope, spanOf(timeZone, comparedWith(span, compare))),
    ]);
    return {
      site_id: site.id,
      period: periodOf(span),
      time_zone: timeZone,
      totals: totalsOf(totals),
      bot_breakdown: largestFirst(bots.rows, 'botVisits').map(({ value, company, count }) => ({
        bot_name: value ?? 'other',
        bot_company: company ?? null,
        count,
      })),
      referral_breakdown: largestFirst(referrals.rows, 'referrals').map(({ value, count }) => ({
        source: value ?? 'unknown',
        count,
      })),
      conversion_breakdown: largestFirst(conversions.rows, 'conversions').map(({ value, count }) => ({
        event_name: value ?? 'unknown',
        count,
      })),
      ...comparison,
    };
  },
});

async function compared({ store }: SiteAsking, scope: Scope, span: Span) {
  const totals = await store.reports.totals({ ...scope, fromMs: span.fromMs, toMs: span.toMs });
  return { comparison: { period: periodOf(span), totals: totalsOf(totals) } };
}

/** Rows that have something of a measure, by it. */
function largestFirst(
  rows: readonly BreakdownRow[],
  measure: 'botVisits' | 'referrals' | 'conversions',
): { value: string | null; company?: string | null; count: number }[] {
  return rows
    .map((row) => ({ value: row.value, company: row.company ?? null, count: row[measure] }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
}
