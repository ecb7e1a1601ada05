import { type Static, Type } from 'typebox';
import { foundBy, SEARCH_MAX_CHARS } from '../app/reports/filters.ts';
import { DIMENSIONS } from '../domain/dimensions.ts';
import { ApiError } from '../domain/errors.ts';
import type { RowSort } from '../domain/measures.ts';
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
    description:
      'Sorted by visitors, then by events, in descending order; for by=bot, by bot visits. sort and order change that.',
  }),
  next_cursor: NextCursor,
});
export type Breakdown = Static<typeof Breakdown>;

/** The fields of rows that they can be sorted by, with the names of their measures. */
const SORTS: readonly { field: string; by: RowSort['by'] }[] = [
  { field: 'visitors', by: 'visitors' },
  { field: 'visits', by: 'visits' },
  { field: 'pageviews', by: 'pageviews' },
  { field: 'events', by: 'events' },
  { field: 'bounce_rate', by: 'bounce' },
  { field: 'engaged_time', by: 'engaged' },
];

const BreakdownQuery = Type.Object({
  by: ByQuery,
  search: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: SEARCH_MAX_CHARS,
      description:
        'Returns only the rows whose value contains this text, or whose name does (German finds DE, and Direct the visits without a source), ignoring case. Unlike a filter, it changes no number of a row.',
      examples: ['blog'],
    }),
  ),
  sort: Type.Optional(
    Type.Enum(
      SORTS.map(({ field }) => field),
      {
        description:
          'Field to sort the rows by; those with the same number by visitors. Rows of by=bot can only be sorted by their bot visits, which is their default. Default: visitors.',
      },
    ),
  ),
  order: Type.Optional(
    Type.Enum(['desc', 'asc'], {
      description: 'desc for the largest number first, asc for the smallest. Default: desc.',
    }),
  ),
  ...PeriodQuery,
  ...FilterQueries,
  ...PageQuery,
});
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
  async run(context, { by, search, sort, order, filter, segment, limit = 100, cursor, ...period }) {
    const { store, clock, timeZone, site } = context;
    const span = readPeriod(period, timeZone, clock.now());
    const { fromMs, toMs } = span;
    const scope = { siteId: site.id, fromMs, toMs, filters: await readFilters(context, { filter, segment }) };
    const filters = scope.filters;
    const list = listName('breakdown', site.id, { by, search, sort, order, filters, ...period });
    const place = readCursor(list, cursor);
    const dimension = readDimension(by);
    const page = await store.reports.breakdown(scope, dimension, {
      limit,
      ...(place === undefined ? {} : { cursor: place }),
      ...(search === undefined ? {} : { matching: foundBy(by, search, site) }),
      ...readSort({ by, sort, order }),
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

/** Returns the store's option for the order of rows. @throws ApiError INVALID_QUERY if they cannot be sorted so */
function readSort({ by, sort, order }: { by: string; sort: string | undefined; order: string | undefined }): {
  sort?: RowSort;
} {
  if (by === 'bot' && sort !== undefined)
    throw new ApiError('INVALID_QUERY', {
      detail: 'sort must be omitted for by=bot: its rows are sorted by bot visits.',
    });
  if (sort === undefined && order === undefined) return {};
  const measure = SORTS.find(({ field }) => field === sort)?.by ?? 'visitors';
  return { sort: { by: measure, ascending: order === 'asc' } };
}
