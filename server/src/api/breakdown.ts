import { type Static, Type } from 'typebox';
import { DIMENSIONS } from '../domain/dimensions.ts';
import { siteEndpoint } from './endpoint.ts';
import { ByQuery, FilterQueries, readDimension, readFilters } from './filter.ts';
import { listName, NextCursor, PageQuery, readCursor, writeCursor } from './paging.ts';
import { EventsSince, eventsSince, Period, PeriodQuery, periodOf, readPeriod, TimeZone } from './period.ts';
import { Maybe, SiteId } from './schema-parts.ts';
import { TOTALS, totalsOf } from './totals.ts';

export const BreakdownItem = Type.Object({
  value: Maybe(
    'Value of the dimension, such as a path with its query, an ISO 3166-1 alpha-2 country or a source name. Null if unknown; for sources, null means a direct visit.',
    '/pricing',
  ),
  bot_company: Type.Optional(Maybe('Company that runs the crawler; present only for by=bot.')),
  ...TOTALS,
});
export type BreakdownItem = Static<typeof BreakdownItem>;

export const Breakdown = Type.Object({
  site_id: SiteId,
  period: Period,
  time_zone: TimeZone,
  events_since: EventsSince,
  by: Type.String({ description: 'Requested dimension.', examples: ['page'] }),
  breakdown: Type.Array(BreakdownItem, {
    description: 'Sorted by visitors, then by events, in descending order; for by=bot, by bot visits.',
  }),
  next_cursor: NextCursor,
});
export type Breakdown = Static<typeof Breakdown>;

const BreakdownQuery = Type.Object({ by: ByQuery, ...PeriodQuery, ...FilterQueries, ...PageQuery });
export type BreakdownQuery = Static<typeof BreakdownQuery>;

function namesOf(of: 'event' | 'visit'): string {
  return DIMENSIONS.filter((dimension) => dimension.of === of)
    .map(({ name }) => name)
    .join(', ');
}

export const breakdown = siteEndpoint({
  name: 'breakdown',
  path: '/v1/sites/{id}/breakdown',
  summary: 'Breakdown',
  description: `Metrics of a site for a period, grouped by one dimension such as page, source or country. Visit dimensions (${namesOf('visit')}) group whole visits: the visits and events of all rows add up to the totals. Event dimensions (${namesOf('event')}) group single events: a visit is in the row of each value that it had, so only the events add up. prop:NAME groups the events that have the property.`,
  query: BreakdownQuery,
  answer: Breakdown,
  errors: ['INVALID_DATE_RANGE'],
  rows: 'breakdown',
  async run(context, { by, filter, segment, limit = 100, cursor, ...period }) {
    const { store, clock, timeZone, site } = context;
    const span = readPeriod(period, timeZone, clock.now());
    const { fromMs, toMs } = span;
    const scope = { siteId: site.id, fromMs, toMs, filters: await readFilters(context, { filter, segment }) };
    const list = listName('breakdown', site.id, { by, filters: scope.filters, ...period });
    const place = readCursor(list, cursor);
    const dimension = readDimension(by);
    const page = await store.reports.breakdown(scope, dimension, {
      limit,
      ...(place === undefined ? {} : { cursor: place }),
    });
    const values = page.rows.map(({ value }) => value);
    const revenue = await store.reports.revenueBy(scope, dimension, values);
    return {
      site_id: site.id,
      period: periodOf(span),
      time_zone: timeZone,
      events_since: await eventsSince(context, span),
      by,
      breakdown: page.rows.map(({ value, company, ...measures }, i) => ({
        value,
        ...(by === 'bot' ? { bot_company: company ?? null } : {}),
        ...totalsOf(measures, revenue[i]),
      })),
      next_cursor: writeCursor(list, page.nextCursor),
    };
  },
});
