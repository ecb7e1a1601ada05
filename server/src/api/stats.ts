import { type Static, Type } from 'typebox';
import { AI_VISITS, CUSTOM_EVENTS } from '../app/reports/filters.ts';
import type { BreakdownRow, Filter, Scope } from '../store/contract/store.ts';
import { type SiteRequestContext, siteEndpoint } from './endpoint.ts';
import { FilterQueries, readFilters } from './filter.ts';
import {
  CompareQuery,
  comparedWith,
  EventsSince,
  eventsSince,
  Period,
  PeriodQuery,
  periodOf,
  readPeriod,
  type Span,
  spanOf,
  TimeZone,
} from './period.ts';
import { Count, Maybe, SiteId } from './schema-parts.ts';
import { RevenueSums, Totals, totalsOf } from './totals.ts';

/** The most rows of each breakdown in the response. The `breakdown` endpoint has all rows. */
const ROWS = 100;

const Bot = Type.Object({
  bot_name: Type.String({ description: 'Name of the crawler.', examples: ['GPTBot'] }),
  bot_company: Maybe('Company that runs the crawler.', 'OpenAI'),
  count: Count('Bot visits.', 131),
});
const Referrer = Type.Object({
  source: Type.String({ description: 'Name of the assistant.', examples: ['ChatGPT'] }),
  count: Count('Visits from the assistant.', 29),
});
const Conversion = Type.Object({
  event_name: Type.String({ description: 'Name of the event.', examples: ['signup'] }),
  count: Count('Number of events.', 89),
  revenue: RevenueSums,
});

export const Stats = Type.Object({
  site_id: SiteId,
  period: Period,
  time_zone: TimeZone,
  events_since: EventsSince,
  totals: Totals,
  bot_breakdown: Type.Array(Bot, {
    description: `The ${ROWS} crawlers with the most visits. The breakdown by bot has all of them.`,
  }),
  referral_breakdown: Type.Array(Referrer, {
    description: `The ${ROWS} AI assistants with the most visitors, by referred visits. The breakdown by source with filter=channel:ai has all of them.`,
  }),
  conversion_breakdown: Type.Array(Conversion, {
    description: `The ${ROWS} event names with the most visitors, by number of events. The breakdown by event has all of them.`,
  }),
  comparison: Type.Optional(
    Type.Object(
      { period: Period, totals: Totals },
      { description: 'Totals of the comparison period; present only with compare.' },
    ),
  ),
});
export type Stats = Static<typeof Stats>;

const StatsQuery = Type.Object({ ...PeriodQuery, ...FilterQueries, compare: CompareQuery });
export type StatsQuery = Static<typeof StatsQuery>;

export const stats = siteEndpoint({
  name: 'stats',
  path: '/v1/sites/{id}/stats',
  summary: 'Stats',
  description: 'Totals of a site for a period, with its top crawlers, AI referrals and conversions.',
  query: StatsQuery,
  answer: Stats,
  errors: ['INVALID_DATE_RANGE'],
  async run(context, { filter, segment, compare, ...period }) {
    const { store, clock, timeZone, site } = context;
    const span = readPeriod(period, timeZone, clock.now());
    const earlier = compare === undefined ? null : spanOf(timeZone, comparedWith(span, compare));
    const filters = await readFilters(context, { filter, segment });
    const scope = { siteId: site.id, fromMs: span.fromMs, toMs: span.toMs, filters };
    const ai: Scope = { ...scope, filters: [...filters, AI_VISITS] };
    const custom: Scope = { ...scope, filters: [...filters, CUSTOM_EVENTS] };
    const limit = { limit: ROWS };
    const [totals, bots, referrals, conversions, comparison] = await Promise.all([
      totalsWithin(context, scope),
      store.reports.breakdown(scope, 'bot', limit),
      store.reports.breakdown(ai, 'source', limit),
      store.reports.breakdown(custom, 'event', limit),
      earlier === null ? {} : compared(context, earlier, filters),
    ]);
    const names = conversions.rows.map(({ value }) => value);
    const revenue = await store.reports.revenueBy(custom, 'event', names);
    const revenueOf = (name: string | null) => revenue[names.indexOf(name)] ?? [];
    return {
      site_id: site.id,
      period: periodOf(span),
      time_zone: timeZone,
      events_since: await eventsSince(context, span),
      totals,
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
        revenue: revenueOf(value),
      })),
      ...comparison,
    };
  },
});

async function compared(context: SiteRequestContext, span: Span, filters: readonly Filter[]) {
  const { fromMs, toMs } = span;
  const totals = await totalsWithin(context, { siteId: context.site.id, fromMs, toMs, filters });
  return { comparison: { period: periodOf(span), totals } };
}

async function totalsWithin({ store }: SiteRequestContext, scope: Scope): Promise<Totals> {
  const [totals, [revenue = []]] = await Promise.all([
    store.reports.totals(scope),
    store.reports.revenue(scope, [scope.fromMs, scope.toMs]),
  ]);
  return totalsOf(totals, revenue);
}

/** Sorts rows by a measure in descending order, without the rows whose measure is zero. */
function largestFirst(
  rows: readonly BreakdownRow[],
  measure: 'botVisits' | 'referrals' | 'conversions',
): { value: string | null; company?: string | null; count: number }[] {
  return rows
    .map((row) => ({ value: row.value, company: row.company ?? null, count: row[measure] }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
}
