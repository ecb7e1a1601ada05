import { type Static, Type } from 'typebox';
import { type Bucket, bucketsOf, type Granularity } from '../domain/calendar.ts';
import type { DayRange } from '../domain/clock.ts';
import { ApiError } from '../domain/errors.ts';
import type { Filter } from '../store/contract/store.ts';
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
  TimeZone,
} from './period.ts';
import { Instant, SiteId } from './schema-parts.ts';
import { TOTALS, totalsOf } from './totals.ts';

/** The most buckets in one response: ninety days by the hour, or six years by the day. */
const BUCKETS_MAX = 2_200;

export const Point = Type.Object({
  date: Type.String({
    description:
      'Start of the bucket: the day, or the first day of the week (Monday) or month, as YYYY-MM-DD; for an hour, its start with the UTC offset, such as 2026-05-14T13:00+02:00. Never before the start of the period.',
    examples: ['2026-05-14'],
  }),
  start: Instant('Start of the bucket as an instant (ISO 8601, UTC).'),
  ...TOTALS,
});
export type Point = Static<typeof Point>;

export const Timeseries = Type.Object({
  site_id: SiteId,
  period: Period,
  time_zone: TimeZone,
  events_since: EventsSince,
  granularity: Type.Enum(['hour', 'day', 'week', 'month'], {
    description: 'Requested granularity.',
    examples: ['day'],
  }),
  timeseries: Type.Array(Point, {
    description: 'Buckets in chronological order, without gaps: empty buckets are included.',
  }),
  comparison: Type.Optional(
    Type.Object(
      {
        period: Period,
        timeseries: Type.Array(Point, { description: 'Buckets in chronological order, without gaps.' }),
      },
      { description: 'Buckets of the comparison period; present only with compare.' },
    ),
  ),
});
export type Timeseries = Static<typeof Timeseries>;

const TimeseriesQuery = Type.Object({
  ...PeriodQuery,
  granularity: Type.Optional(
    Type.Enum(['hour', 'day', 'week', 'month'], {
      default: 'day',
      description: 'Bucket size: hour (Pro plan only), day, week (starting Monday) or month. Default: day.',
    }),
  ),
  ...FilterQueries,
  compare: CompareQuery,
});
export type TimeseriesQuery = Static<typeof TimeseriesQuery>;

export const timeseries = siteEndpoint({
  name: 'timeseries',
  path: '/v1/sites/{id}/timeseries',
  summary: 'Time series',
  description:
    'Metrics of a site by hour, day, week or month, in the time zone of the site. A day with a clock change has 23 or 25 hours and is one bucket. The events of all buckets add up to the events of the period.',
  query: TimeseriesQuery,
  answer: Timeseries,
  errors: ['INVALID_DATE_RANGE', 'PLAN_REQUIRED'],
  async run(context, { granularity = 'day', filter, segment, compare, ...period }) {
    const { clock, account, timeZone, site } = context;
    if (granularity === 'hour' && account.plan === 'free') {
      throw new ApiError('PLAN_REQUIRED', { detail: 'Hourly data requires the Pro plan.' });
    }
    const range = readPeriod(period, timeZone, clock.now());
    const earlier = compare === undefined ? null : comparedWith(range, compare);
    const filters = await readFilters(context, { filter, segment });
    const [points, comparison] = await Promise.all([
      pointsOf(context, range, granularity, filters),
      earlier === null ? {} : compared(context, earlier, granularity, filters),
    ]);
    return {
      site_id: site.id,
      period: periodOf(range),
      time_zone: timeZone,
      events_since: await eventsSince(context, range),
      granularity,
      timeseries: points,
      ...comparison,
    };
  },
  rows: 'timeseries',
});

async function compared(
  context: SiteRequestContext,
  range: DayRange,
  granularity: Granularity,
  filters: readonly Filter[],
) {
  return {
    comparison: { period: periodOf(range), timeseries: await pointsOf(context, range, granularity, filters) },
  };
}

async function pointsOf(
  { store, timeZone, site }: SiteRequestContext,
  range: DayRange,
  granularity: Granularity,
  filters: readonly Filter[],
): Promise<Point[]> {
  const found = bucketsOf(timeZone, range, granularity, BUCKETS_MAX);
  if (found === null) {
    throw new ApiError('INVALID_DATE_RANGE', {
      detail: `The period spans more than ${BUCKETS_MAX} ${granularity} buckets. Use a shorter period or a coarser granularity.`,
    });
  }
  const { buckets, endMs } = found;
  // A period has no buckets if the time zone skipped all of its days.
  if (buckets.length === 0) return [];
  const boundaries = [...buckets.map(({ startMs }) => startMs), endMs];
  const scope = { siteId: site.id, filters };
  const [measures, revenue] = await Promise.all([
    store.reports.series(scope, boundaries),
    store.reports.revenue(scope, boundaries),
  ]);
  return measures.map((measure, i) => ({ ...beginning(buckets[i]), ...totalsOf(measure, revenue[i]) }));
}

function beginning(bucket: Bucket | undefined): { date: string; start: string } {
  if (bucket === undefined) throw new Error('the store returned more buckets than requested');
  return { date: bucket.label, start: new Date(bucket.startMs).toISOString() };
}
