import { type Static, Type } from 'typebox';
import { siteEndpoint } from './endpoint.ts';
import { ByQuery, FilterQuery, readDimension, readFilters } from './filter.ts';
import { NextCursor, PageQuery, readCursor, writeCursor } from './paging.ts';
import { Period, PeriodQuery, periodOf, readPeriod, TimeZone } from './period.ts';
import { TOTALS, totalsOf } from './totals.ts';

const Unknown = (description: string) => Type.Union([Type.String(), Type.Null()], { description });

export const BreakdownItem = Type.Object({
  value: Unknown('The page, country, source … ; null for "not known", of sources for "direct".'),
  bot_company: Type.Optional(Unknown('For by=bot: who runs it.')),
  ...TOTALS,
});
export type BreakdownItem = Static<typeof BreakdownItem>;

export const Breakdown = Type.Object({
  site_id: Type.String(),
  period: Period,
  time_zone: TimeZone,
  by: Type.String(),
  breakdown: Type.Array(BreakdownItem, {
    description: 'Largest first: by visitors, then by events; for by=bot by bot visits.',
  }),
  next_cursor: NextCursor,
});
export type Breakdown = Static<typeof Breakdown>;

const BreakdownQuery = Type.Object({ by: ByQuery, ...PeriodQuery, filter: FilterQuery, ...PageQuery });
export type BreakdownQuery = Static<typeof BreakdownQuery>;

export const breakdown = siteEndpoint({
  name: 'breakdown',
  path: '/v1/sites/{id}/breakdown',
  summary: 'Numbers by page, source, country …',
  description: 'The measures of a site over a period, split by one dimension.',
  query: BreakdownQuery,
  answer: Breakdown,
  errors: ['INVALID_DATE_RANGE'],
  rows: 'breakdown',
  async run({ store, clock, account, site }, { by, filter, limit = 100, cursor, ...period }) {
    const span = readPeriod(period, account.timeZone, clock.now());
    const filters = readFilters(filter);
    const list = `breakdown ${site.id} ${by}`;
    const place = readCursor(list, cursor);
    const page = await store.reports.breakdown(
      { siteId: site.id, fromMs: span.fromMs, toMs: span.toMs, filters },
      readDimension(by),
      { limit, ...(place === undefined ? {} : { cursor: place }) },
    );
    return {
      site_id: site.id,
      period: periodOf(span),
      time_zone: account.timeZone,
      by,
      breakdown: page.rows.map(({ value, company, ...measures }) => ({
        value,
        ...(by === 'bot' ? { bot_company: company ?? null } : {}),
        ...totalsOf(measures),
      })),
      next_cursor: writeCursor(list, page.nextCursor),
    };
  },
});
