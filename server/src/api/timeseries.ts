import { type Static, Type } from 'typebox';
import { type Bucket, bucketsOf, type Granularity } from '../calendar.ts';
import { ApiError } from '../errors.ts';
import type { DayRange } from '../plans.ts';
import type { Filter } from '../store/store.ts';
import { type SiteAsking, siteEndpoint } from './endpoint.ts';
import { FilterQuery, readFilters } from './filter.ts';
import { CompareQuery, comparedWith, Period, PeriodQuery, periodOf, readPeriod, TimeZone } from './period.ts';
import { Instant, SiteId } from './schema-parts.ts';
import { TOTALS, totalsOf } from './totals.ts';

/** Most buckets in one answer: ninety days by the hour, six years by the day. */
const BUCKETS_MAX = 2_200;

export const Point = Type.Object({
  date: Type.String({
    description:
      'The day, or the first day of the week (from Monday) or month: YYYY-MM-DD. For an hour its beginning with the offset, such as 2026-05-14T13:00+02:00. Cut at the period.',
    examples: ['2026-05-14'],
  }),
  start: Instant('The instant at which it begins, in UTC: ISO 8601.'),
  ...TOTALS,
});
export type Point = Static<typeof Point>;

export const Timeseries = Type.Object({
  site_id: SiteId,
  period: Period,
  time_zone: TimeZone,
  granularity: Type.Enum(['hour', 'day', 'week', 'month'], {
    description: 'As asked.',
    examples: ['day'],
  }),
  timeseries: Type.Array(Point, {
    description: 'In order, without a gap: buckets in which nothing happened are there.',
  }),
  comparison: Type.Optional(
    Type.Object(
      { period: Period, timeseries: Type.Array(Point, { description: 'In order, without a gap.' }) },
      { description: 'The same for the period asked for by compare.' },
    ),
  ),
});
export type Timeseries = Static<typeof Timeseries>;

const TimeseriesQuery = Type.Object({
  ...PeriodQuery,
  granularity: Type.Optional(
    Type.Enum(['hour', 'day', 'week', 'month'], {
      default: 'day',
      description: 'hour (Pro), day, week (from Monday) or month. Without it: day.',
    }),
  ),
  filter: FilterQuery,
  compare: CompareQuery,
});
export type TimeseriesQuery = Static<typeof TimeseriesQuery>;

export const timeseries = siteEndpoint({
  name: 'timeseries',
  path: '/v1/sites/{id}/timeseries',
  summary: 'Numbers over time',
  description:
    "The measures of a site by hour, day, week or month of the site's time zone. A day on which clocks are changed has 23 or 25 hours and is one day. The events of all buckets together are the events of the period.",
  query: TimeseriesQuery,
  answer: Timeseries,
  errors: ['INVALID_DATE_RANGE', 'PLAN_REQUIRED'],
  async run(asking, { granularity = 'day', filter, compare, ...period }) {
    const { clock, account, timeZone, site } = asking;
    if (granularity === 'hour' && account.plan === 'free') {
      throw new ApiError('PLAN_REQUIRED', { detail: 'Numbers by the hour need the plan Pro.' });
    }
    const range = readPeriod(period, timeZone, clock.now());
    const filters = readFilters(filter);
    const [points, comparison] = await Promise.all([
      pointsOf(asking, range, granularity, filters),
      compare === undefined ? {} : compared(asking, comparedWith(range, compare), granularity, filters),
    ]);
    return {
      site_id: site.id,
      period: periodOf(range),
      time_zone: timeZone,
      granularity,
      timeseries: points,
      ...comparison,
    };
  },
  rows: 'timeseries',
});

async function compared(
  asking: SiteAsking,
  range: DayRange,
  granularity: Granularity,
  filters: readonly Filter[],
) {
  return {
    comparison: { period: periodOf(range), timeseries: await pointsOf(asking, range, granularity, filters) },
  };
}

async function pointsOf(
  { store, timeZone, site }: SiteAsking,
  range: DayRange,
  granularity: Granularity,
  filters: readonly Filter[],
): Promise<Point[]> {
  const found = bucketsOf(timeZone, range, granularity, BUCKETS_MAX);
  if (found === null) {
    throw new ApiError('INVALID_DATE_RANGE', {
      detail: `This period has more than ${BUCKETS_MAX} buckets of one ${granularity}. Ask for a shorter one, or a larger granularity.`,
    });
  }
  const { buckets, endMs } = found;
  // Days that a time zone skipped are nobody's, and no question.
  if (buckets.length === 0) return [];
  const boundaries = [...buckets.map(({ startMs }) => startMs), endMs];
  const measures = await store.reports.series({ siteId: site.id, filters }, boundaries);
  return measures.map((measure, i) => ({ ...beginning(buckets[i]), ...totalsOf(measure) }));
}

function beginning(bucket: Bucket | undefined): { date: string; start: string } {
  if (bucket === undefined) throw new Error('the store answered more buckets than were asked for');
  return { date: bucket.label, start: new Date(bucket.startMs).toISOString() };
}
