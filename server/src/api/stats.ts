import { type Static, Type } from 'typebox';
import { AI_VISITS, CUSTOM_EVENTS } from '../app/reports/filters.ts';
import type { ReportFilter } from '../domain/filters.ts';
import type { BreakdownRow, Scope } from '../store/contract/store.ts';
import { type SiteRequestContext, siteEndpoint } from './endpoint.ts';
import { FilterQuery, filtersFor, readFilters } from './filter.ts';
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
});

export const Stats = Type.Object({
  site_id: SiteId,
  period: Period,
  time_zone: TimeZone,
  totals: Totals,
  bot_breakdown: Type.Array(Bot, {
    description: `Top ${ROWS} crawlers by bot visits.`,
  }),
  referral_breakdown: Type.Array(Referrer, {
    description: `Top ${ROWS} AI assistants by referred visits.`,
  }),
  conversion_breakdown: Type.Array(Conversion, {
    description: `Top ${ROWS} conversions by event name.`,
  }),
  comparison: Type.Optional(
    Type.Object(
      { period: Period, totals: Totals },
      { description: 'Totals of the comparison period; present only with compare.' },
    ),
  ),
});
export type Stats = Static<typeof Stats>;

const StatsQuery = Type.Object({ ...PeriodQuery, filter: FilterQuery, compare: CompareQuery });
export type StatsQuery = Static<typeof StatsQuery>;

export const stats = siteEndpoint({
  name: 'stats',
  path: '/v1/sites/{id}/stats',
  summary: 'Stats',
  description: 'Totals of a site for a period, with its top crawlers, AI referrals and conversions.',
  query: StatsQuery,
  answer: Stats,
  errors: ['INVALID_DATE_RANGE'],
  async run(context, { filter, compare, ...period }) {
    const { store, clock, timeZone, site } = context;
    const span = readPeriod(period, timeZone, clock.now());
    const earlier = compare === undefined ? null : spanOf(timeZone, comparedWith(span, compare));
    const asked = readFilters(filter);
    const scope = await scopeOf(context, asked, span);
    const { filters } = scope;
    const ai: Scope = { ...scope, filters: [...filters, AI_VISITS] };
    const custom: Scope = { ...scope, filters: [...filters, CUSTOM_EVENTS] };
    const limit = { limit: ROWS };
    const [totals, bots, referrals, conversions, comparison] = await Promise.all([
      store.reports.totals(scope),
      store.reports.breakdown(scope, 'bot', limit),
      store.reports.breakdown(ai, 'source', limit),
      store.reports.breakdown(custom, 'event', limit),
      earlier === null ? {} : compared(context, asked, earlier),
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

async function scopeOf(
  { store, site }: SiteRequestContext,
  asked: readonly ReportFilter[],
  { fromMs, toMs }: Span,
): Promise<Scope> {
  const span = { siteId: site.id, fromMs, toMs };
  return { ...span, filters: await filtersFor(asked, store.reports, span) };
}

async function compared(context: SiteRequestContext, asked: readonly ReportFilter[], span: Span) {
  const totals = await context.store.reports.totals(await scopeOf(context, asked, span));
  return { comparison: { period: periodOf(span), totals: totalsOf(totals) } };
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
