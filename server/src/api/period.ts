import { Type } from 'typebox';
import { civilDay, readDate, startOfDay, writeDate } from '../calendar.ts';
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
    start: Type.String({ format: 'date', description: 'First day.' }),
    end: Type.String({ format: 'date', description: 'Last day, included.' }),
  },
  { description: 'The days that the numbers are about, in the time zone of the answer.' },
);

export const TimeZone = Type.String({
  description: "IANA time zone in which days begin: the account's.",
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
    throw new ApiError('INVALID_DATE_RANGE', {
      detail: `start (${writeDate(firstDay)}) is after end (${writeDate(lastDay)}).`,
    });
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

/** The period to compare with. */
export function comparedWith({ firstDay, lastDay }: DayRange, compare: 'previous' | 'year'): DayRange {
  if (compare === 'previous') {
    const days = lastDay - firstDay + 1;
    return { firstDay: firstDay - days, lastDay: lastDay - days };
  }
  return { firstDay: yearBefore(firstDay), lastDay: yearBefore(lastDay) };
}

/** The same date a year earlier; of 29 February, the 28th. */
function yearBefore(day: number): number {
  const [year = '', month = '', date = ''] = writeDate(day).split('-');
  const before = `${String(Number(year) - 1).padStart(4, '0')}-${month}`;
  return readDate(`${before}-${date}`) ?? readDate(`${before}-28`) ?? day;
}
