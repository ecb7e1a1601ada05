import { Type } from 'typebox';
import { civilDay, FIRST_DAY, readDate, startOfDay, writeDate } from '../domain/calendar.ts';
import type { DayRange } from '../domain/clock.ts';
import { ApiError } from '../domain/errors.ts';
import type { SiteRequestContext } from './endpoint.ts';

/** Reads and describes the period of a report. */

const DEFAULT_DAYS_BACK = 7;

export const PeriodQuery = {
  start: Type.Optional(
    Type.String({
      format: 'date',
      description: 'First day, YYYY-MM-DD. Default: 7 days ago.',
      examples: ['2026-05-01'],
    }),
  ),
  end: Type.Optional(
    Type.String({
      format: 'date',
      description: 'Last day, inclusive, YYYY-MM-DD. Default: today.',
      examples: ['2026-05-31'],
    }),
  ),
};

export const Period = Type.Object(
  {
    start: Type.String({ format: 'date', description: 'First day.', examples: ['2026-05-01'] }),
    end: Type.String({ format: 'date', description: 'Last day, inclusive.', examples: ['2026-05-31'] }),
  },
  { description: 'Days of the report, in time_zone.' },
);

export const TimeZone = Type.String({
  description: 'IANA time zone in which days begin: the one of the site if set, else the one of the account.',
  examples: ['Europe/Berlin'],
});

/** A range of calendar days with its instants: `fromMs` inclusive, `toMs` exclusive. */
export interface Span extends DayRange {
  fromMs: number;
  toMs: number;
}

/** Reads the period of a query. @throws ApiError INVALID_DATE_RANGE */
export function readPeriod(
  { start, end }: { start?: string; end?: string },
  zone: string,
  nowMs: number,
): Span {
  const today = civilDay(zone, nowMs);
  const firstDay = start === undefined ? today - DEFAULT_DAYS_BACK : dateOf('start', start);
  const lastDay = end === undefined ? today : dateOf('end', end);
  if (firstDay > lastDay) {
    const from = `start (${start === undefined ? 'default, 7 days ago: ' : ''}${writeDate(firstDay)})`;
    throw new ApiError('INVALID_DATE_RANGE', {
      detail: `${from} must not be after end (${writeDate(lastDay)}).`,
    });
  }
  return spanOf(zone, { firstDay, lastDay });
}

function dateOf(name: string, text: string): number {
  const day = readDate(text);
  if (day === null) {
    throw new ApiError('INVALID_DATE_RANGE', {
      detail: `${name} must be a valid YYYY-MM-DD date; got "${text.slice(0, 20)}".`,
    });
  }
  return day;
}

export function spanOf(zone: string, { firstDay, lastDay }: DayRange): Span {
  return { firstDay, lastDay, fromMs: startOfDay(zone, firstDay), toMs: startOfDay(zone, lastDay + 1) };
}

export function periodOf({ firstDay, lastDay }: DayRange): { start: string; end: string } {
  return { start: writeDate(firstDay), end: writeDate(lastDay) };
}

export const CompareQuery = Type.Optional(
  Type.Enum(['previous', 'year'], {
    description:
      'Also returns the metrics of another period: previous (as many days directly before) or year (the same dates a year earlier).',
  }),
);

/** Returns the comparison period. @throws ApiError INVALID_DATE_RANGE if it would begin before the first possible date */
export function comparedWith({ firstDay, lastDay }: DayRange, compare: 'previous' | 'year'): DayRange {
  const days = lastDay - firstDay + 1;
  const [first, last] =
    compare === 'previous' ? [firstDay - days, lastDay - days] : [yearBefore(firstDay), yearBefore(lastDay)];
  if (first === null || last === null || first < FIRST_DAY) {
    throw new ApiError('INVALID_DATE_RANGE', {
      detail: `The comparison period would begin before ${writeDate(FIRST_DAY)}. Use a later or shorter period.`,
    });
  }
  return { firstDay: first, lastDay: last };
}

/** Returns the same date a year earlier (28 February for 29 February); null if it is before the first possible date. */
function yearBefore(day: number): number | null {
  const [year = '', month = '', date = ''] = writeDate(day).split('-');
  const before = `${String(Number(year) - 1).padStart(4, '0')}-${month}`;
  return readDate(`${before}-${date}`) ?? readDate(`${before}-28`);
}

export const EventsSince = Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
  description:
    'Null, unless retention has deleted events at the beginning of the period. Filters, revenue, goals, funnels, journeys, properties and vitals then include only events since this time (ISO 8601, UTC); all other metrics are complete.',
  examples: [null],
});

/** Returns the `EventsSince` of a period. */
export async function eventsSince(
  { store, site }: Pick<SiteRequestContext, 'store' | 'site'>,
  { fromMs, toMs }: Pick<Span, 'fromMs' | 'toMs'>,
): Promise<string | null> {
  const sinceMs = await store.reports.eventsSince({ siteId: site.id, fromMs, toMs });
  return sinceMs === null ? null : new Date(sinceMs).toISOString();
}
