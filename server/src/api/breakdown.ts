import { type Static, Type } from 'typebox';
import { siteEndpoint } from './endpoint.ts';
import { ByQuery, FilterQuery, readDimension, readFilters } from './filter.ts';
import { NextCursor, PageQuery, readCursor, writeCursor } from './paging.ts';
import { Period, PeriodQuery, periodOf, readPeriod, TimeZone } from './period.ts';
import { Maybe, SiteId } from './schema-parts.ts';
import { TOTALS, totalsOf } from './totals.ts';

export const BreakdownItem = Type.Object({
  value: Maybe(
    'What was split by: a path with its query, a country (ISO 3166-1 alpha-2), the name of a source … Null: not known; of sources, a direct visit.',
    '/pricing',
  ),
  bot_company: Type.Optional(Maybe('Of by=bot, and there only: who runs the crawler.')),
  ...TOTALS,
});
export type BreakdownItem = Static<typeof BreakdownItem>;

export const Breakdown = Type.Object({
  site_id: SiteId,
  period: Period,
  time_zone: TimeZone,
  by: Type.String({ description: 'As asked.', examples: ['page'] }),
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
  description:
    'The measures of a site over a period, split by one dimension. What is true of a whole visit (entry, exit, source, channel, campaign, country, device, browser, os) splits visits: visits and events of all rows add up to the totals. Page, host and event split events: a visit is in the row of each that it had, and only the events add up. prop:NAME splits the events that have the property.',
  query: BreakdownQuery,
  answer: Breakdown,
  errors: ['INVALID_DATE_RANGE'],
  rows: 'breakdown',
  async run({ store, clock, timeZone, site }, { by, filter, limit = 100, cursor, ...period }) {
    const span = readPeriod(period, timeZone, clock.now());
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
      time_zone: timeZone,
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
