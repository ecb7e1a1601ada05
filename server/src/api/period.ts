import { Type } from 'typebox';
import { civilDay, FIRST_DAY, readDate, startOfDay, writeDate } from '../calendar.ts';
import { ApiError } from '../errors.ts';
import type { DayRange } from '../plans.ts';

/** The days a question is about, as asked and as answered. */

const DEFAULT_DAYS_BACK = 7;

export const PeriodQuery = {
  start: Type.Optional(
    Type.String({
      format: 'date',
      description: 'First day, YYYY-MM-DD. Without it: 7 days ago.',
      examples: ['2026-05-01'],
    }),
  ),
  end: Type.Optional(
    Type.String({
      format: 'date',
      description: 'Last day, included, YYYY-MM-DD. Without it: today.',
      examples: ['2026-05-31'],
    }),
  ),
};

export const Period = Type.Object(
  {
    start: Type.String({ format: 'date', description: 'First day.', examples: ['2026-05-01'] }),
    end: Type.String({ format: 'date', description: 'Last day, included.', examples: ['2026-05-31'] }),
  },
  { description: 'The days that the numbers are about, in the time zone of the answer.' },
);

export const TimeZone = Type.String({
  description: "IANA time zone in which days begin: the site's, where it has one, else the account's.",
  examples: ['Europe/Berlin'],
});

/** A range of civil days, and the instants between which it lies: from the first up to, not including, the second. */
export interface Span extends DayRange {
  fromMs: number;
  toMs: number;
}

/** @throws ApiError INVALID_DATE_RANGE */
export function readPeriod(
  { start, end }: { start?: string; end?: string },
  zone: string,
  nowMs: number,
): Span {
  const today = civilDay(zone, nowMs);
  const firstDay = start === undefined ? today - DEFAULT_DAYS_BACK : dateOf('start', start);
  const lastDay = end === undefined ? today : dateOf('end', end);
  if (firstDay > lastDay) {
    const from = `start (${start === undefined ? 'when absent 7 days ago: ' : ''}${writeDate(firstDay)})`;
    throw new ApiError('INVALID_DATE_RANGE', { detail: `${from} is after end (${writeDate(lastDay)}).` });
  }
  return spanOf(zone, { firstDay, lastDay });
}

function dateOf(name: string, text: string): number {
  const day = readDate(text);
  if (day === null) {
    throw new ApiError('INVALID_DATE_RANGE', {
      detail: `${name} is "${text.slice(0, 20)}", which is no real date written YYYY-MM-DD.`,
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
      'Adds the same numbers for another period: previous (as many days just before) or year (the same dates a year earlier).',
  }),
);

/** The period to compare with. @throws ApiError INVALID_DATE_RANGE where it would begin before all dates */
export function comparedWith({ firstDay, lastDay }: DayRange, compare: 'previous' | 'year'): DayRange {
  const days = lastDay - firstDay + 1;
  const [first, last] =
    compare === 'previous' ? [firstDay - days, lastDay - days] : [yearBefore(firstDay), yearBefore(lastDay)];
  if (first === null || last === null || first < FIRST_DAY) {
    throw new ApiError('INVALID_DATE_RANGE', {
      detail: `The period to compare with would begin before ${writeDate(FIRST_DAY)}.`,
    });
  }
  return { firstDay: first, lastDay: last };
}

/** The same date a year earlier; of 29 February, the 28th. Null where there is no such date. */
function yearBefore(day: number): number | null {
  const [year = '', month = '', date = ''] = writeDate(day).split('-');
  const before = `${String(Number(year) - 1).padStart(4, '0')}-${month}`;
  return readDate(`${before}-${date}`) ?? readDate(`${before}-28`);
}
