import {
  bucketsOf,
  civilDay,
  type Granularity,
  readDate,
  startOfDay,
  startOfHour,
  writeDate,
} from '../../domain/calendar.ts';
import { DAY_MS, type DayRange, MINUTE_MS } from '../../domain/clock.ts';
import { BACK_DATING_MAX_MS } from '../reported-event.ts';

/** The periods of reports: presets, custom ranges, and their comparison periods. */

export interface RangeChoice {
  id: string;
  name: string;
  /** The keyboard shortcut. */
  key: string;
}

/** The presets in display order. */
export const RANGES: readonly RangeChoice[] = [
  { id: '60m', name: 'Last 60 minutes', key: 'i' },
  { id: 'today', name: 'Today', key: 'd' },
  { id: 'yesterday', name: 'Yesterday', key: 'e' },
  { id: '24h', name: 'Last 24 hours', key: 'h' },
  { id: '7d', name: 'Last 7 days', key: 'w' },
  { id: '28d', name: 'Last 28 days', key: 'f' },
  { id: '30d', name: 'Last 30 days', key: 't' },
  { id: '91d', name: 'Last 91 days', key: 'n' },
  { id: 'month', name: 'Month to date', key: 'm' },
  { id: 'last-month', name: 'Last month', key: 'p' },
  { id: 'year', name: 'Year to date', key: 'y' },
  { id: '12m', name: 'Last 12 months', key: 'l' },
  { id: 'all', name: 'All time', key: 'a' },
];
const DEFAULT_RANGE = '28d';
const DEFAULT_CHOICE = { id: DEFAULT_RANGE, name: 'Last 28 days' };
/** The longest custom range in days. */
export const DAYS_MAX = 3_660;
/** The number of buckets of the last 24 hours: 23 whole hours, and the current one. */
const LAST_HOURS = 24;
/** The number of buckets of the last 60 minutes, likewise. */
const LAST_MINUTES = 60;
/** The ranges that end now, and have a day before them instead of an equal range. */
const ROLLING: readonly string[] = ['60m', '24h'];
/** A limit that no span reaches, because longer spans have longer buckets. */
const BUCKETS_MAX = 1_000;

/** The intervals, and the fewest and most days that each may divide: at least two buckets, and at most some hundreds. */
const INTERVALS: readonly { interval: Granularity; minDays: number; maxDays: number }[] = [
  { interval: 'hour', minDays: 1, maxDays: 14 },
  { interval: 'day', minDays: 2, maxDays: 400 },
  { interval: 'week', minDays: 14, maxDays: DAYS_MAX },
  { interval: 'month', minDays: 60, maxDays: DAYS_MAX },
];

/** The length of a bucket. */
export type Interval = 'minute' | Granularity;

export type Comparison = 'none' | 'previous' | 'year';

export interface Span {
  /** The name of the range: one of `RANGES`, or `custom`. */
  range: string;
  name: string;
  fromMs: number;
  toMs: number;
  /** The first civil day, included. */
  firstDay: number;
  /** The last civil day, included. */
  lastDay: number;
  interval: Interval;
  /** The intervals that the span can be divided into, the shortest first. */
  intervals: readonly Interval[];
  /** Whether the last bucket has not ended yet, so that its numbers will still grow. */
  isOpen: boolean;
  /** The boundaries of the buckets: bucket i lasts from boundary i to boundary i + 1. */
  boundariesMs: number[];
}

/** Whether a word names a range. */
export function isRange(word: string): boolean {
  return word === 'custom' || RANGES.some(({ id }) => id === word);
}

/** A requested span. Invalid fields are ignored. */
export interface SpanRequest {
  /** The name of the range: one of `RANGES`, or `custom` with both dates. */
  range: string | null;
  /** The first day as YYYY-MM-DD, included. */
  from: string | null;
  /** The last day as YYYY-MM-DD, included. */
  to: string | null;
  /** The name of an interval; by default the one that fits the length of the span. */
  interval: string | null;
}

/** Returns the requested span; the last 28 days if the request is invalid. An interval that does not fit is ignored. */
export function spanOf(
  { range, from, to, interval }: SpanRequest,
  { zone, nowMs, createdAtMs }: { zone: string; nowMs: number; createdAtMs: number },
): Span {
  const today = civilDay(zone, nowMs);
  const [first, last] = [readDate(from ?? ''), readDate(to ?? '')];
  if ((range ?? 'custom') === 'custom' && first !== null && last !== null && first <= last) {
    const name = first === last ? writeDate(first) : `${writeDate(first)} to ${writeDate(last)}`;
    return spanOfDays({ range: 'custom', name, firstDay: first, lastDay: last }, interval, zone, nowMs);
  }
  if (range === '24h') return lastHours(nowMs, zone);
  if (range === '60m') return lastMinutes(nowMs, zone);
  const { id, name } = RANGES.find((choice) => choice.id === (range ?? DEFAULT_RANGE)) ?? DEFAULT_CHOICE;
  // The API accepts events from before the site was added.
  const firstPossible = civilDay(zone, createdAtMs - BACK_DATING_MAX_MS);
  const [firstDay, lastDay] = daysOf(id, today, firstPossible);
  return spanOfDays({ range: id, name, firstDay, lastDay }, interval, zone, nowMs);
}

/** @param firstPossible the first day on which the site may have events */
function daysOf(range: string, today: number, firstPossible: number): [number, number] {
  const { year, month } = monthOf(today);
  switch (range) {
    case 'today':
      return [today, today];
    case 'yesterday':
      return [today - 1, today - 1];
    case '7d':
    case '30d':
    case '91d':
      return [today - Number.parseInt(range, 10) + 1, today];
    case 'month':
      return [firstDayOf(year, month), today];
    case 'last-month':
      return [firstDayOf(year, month - 1), firstDayOf(year, month) - 1];
    case 'year':
      return [firstDayOf(year, 0), today];
    case '12m':
      return [firstDayOf(year, month - 11), today];
    case 'all':
      return [Math.min(firstPossible, today), today];
    default:
      return [today - 27, today];
  }
}

function monthOf(day: number): { year: number; month: number } {
  const date = new Date(day * DAY_MS);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() };
}

/** Returns the first day of a month; the month may be negative or beyond 11, which is a month of another year. */
function firstDayOf(year: number, month: number): number {
  return Date.UTC(year, month, 1) / DAY_MS;
}

/**
 * Returns the days of the period just before or after a span: the whole calendar month or year if the span is one, also one to
 * date; otherwise as many days as it has.
 */
export function neighborOf(
  { range, firstDay, lastDay }: Pick<Span, 'range' | 'firstDay' | 'lastDay'>,
  direction: 1 | -1,
): DayRange {
  const { year, month } = monthOf(firstDay);
  const isWhole = (months: number, toDate: string) =>
    firstDay === firstDayOf(year, month) &&
    (range === toDate || lastDay === firstDayOf(year, month + months) - 1);
  const months = month === 0 && isWhole(12, 'year') ? 12 : isWhole(1, 'month') ? 1 : null;
  if (months !== null) {
    const first = month + months * direction;
    return { firstDay: firstDayOf(year, first), lastDay: firstDayOf(year, first + months) - 1 };
  }
  // The last 24 hours are of two days, and the day before is the earlier one.
  const days = ROLLING.includes(range) ? 1 : lastDay - firstDay + 1;
  return { firstDay: lastDay - days + 1 + days * direction, lastDay: lastDay + days * direction };
}

function spanOfDays(
  { firstDay: wanted, ...asked }: Pick<Span, 'range' | 'name' | 'firstDay' | 'lastDay'>,
  wish: string | null,
  zone: string,
  nowMs: number,
): Span {
  const firstDay = Math.max(wanted, asked.lastDay - DAYS_MAX);
  const range = { firstDay, lastDay: asked.lastDay };
  const days = asked.lastDay - firstDay + 1;
  const intervals = INTERVALS.filter(({ minDays, maxDays }) => days >= minDays && days <= maxDays).map(
    ({ interval }) => interval,
  );
  const fitting = days <= 2 ? 'hour' : days <= 100 ? 'day' : days <= 400 ? 'week' : 'month';
  const interval = intervals.find((known) => known === wish) ?? fitting;
  const found = bucketsOf(zone, range, interval, BUCKETS_MAX);
  if (found === null) throw new Error(`a span of ${days} days has more than ${BUCKETS_MAX} buckets`);
  const fromMs = startOfDay(zone, firstDay);
  const starts = found.buckets
    .map(({ startMs }) => startMs)
    .filter((atMs) => atMs < Math.max(nowMs, fromMs + 1));
  // A day that the zone skipped has no bucket.
  if (starts.length === 0) starts.push(fromMs);
  // The future is cut off, so that the current day is compared with the same part of an earlier day.
  const toMs = Math.max(Math.min(found.endMs, nowMs + 1), (starts.at(-1) ?? fromMs) + 1);
  const isOpen = found.endMs > nowMs;
  return { ...asked, firstDay, fromMs, toMs, interval, intervals, isOpen, boundariesMs: [...starts, toMs] };
}

/** Returns the current hour and the 23 before it, on the clocks of the zone. */
function lastHours(nowMs: number, zone: string): Span {
  const starts = [startOfHour(zone, nowMs)];
  while (starts.length < LAST_HOURS) starts.unshift(startOfHour(zone, (starts[0] ?? nowMs) - 1));
  return rolling({ range: '24h', name: 'Last 24 hours', interval: 'hour' }, starts, nowMs, zone);
}

/** Returns the current minute and the 59 before it. */
function lastMinutes(nowMs: number, zone: string): Span {
  const lastMs = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
  const starts = Array.from({ length: LAST_MINUTES }, (_, i) => lastMs - (LAST_MINUTES - 1 - i) * MINUTE_MS);
  return rolling({ range: '60m', name: 'Last 60 minutes', interval: 'minute' }, starts, nowMs, zone);
}

function rolling(
  asked: Pick<Span, 'range' | 'name' | 'interval'>,
  startsMs: readonly number[],
  nowMs: number,
  zone: string,
): Span {
  const fromMs = startsMs[0] ?? nowMs;
  return {
    ...asked,
    fromMs,
    toMs: nowMs + 1,
    firstDay: civilDay(zone, fromMs),
    lastDay: civilDay(zone, nowMs),
    intervals: [asked.interval],
    isOpen: true,
    boundariesMs: [...startsMs, nowMs + 1],
  };
}

/** Returns a comparison by its name; the previous period for any other name. */
export function comparisonOf(asked: string | null): Comparison {
  return asked === 'none' || asked === 'year' ? asked : 'previous';
}

/**
 * Returns the span to compare a span with, bucket by bucket: the same number of days just before it, or the same weekdays a
 * year (52 weeks) ago; null if there is no comparison. Each boundary keeps its distance from the start of its day, and stays
 * within that day if clocks changed on one of the two.
 */
export function comparedSpan(
  span: Span,
  comparison: Comparison,
  zone: string,
): Pick<Span, 'fromMs' | 'toMs' | 'boundariesMs'> | null {
  if (comparison === 'none' || (comparison === 'previous' && span.range === 'all')) return null;
  const days = comparison === 'year' ? 364 : Math.max(1, span.lastDay - span.firstDay + 1);
  const shift = (atMs: number) => {
    const day = civilDay(zone, atMs);
    const shifted = startOfDay(zone, day - days) + (atMs - startOfDay(zone, day));
    return Math.min(shifted, startOfDay(zone, day - days + 1));
  };
  const boundariesMs = [...new Set(span.boundariesMs.map(shift))];
  return { fromMs: shift(span.fromMs), toMs: shift(span.toMs), boundariesMs };
}
