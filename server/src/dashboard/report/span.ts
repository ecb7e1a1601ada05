import { DAY_MS, HOUR_MS } from '../../clock.ts';
import { civilDay, dayStartMs, isoDay, readDay } from './zones.ts';

/** The stretch of time that a report is about, cut into buckets. */

export interface RangeChoice {
  id: string;
  name: string;
  /** Letter on the keyboard. */
  key: string;
}

/** In the order they are offered; the letters are those that people have in their fingers. */
export const RANGES: readonly RangeChoice[] = [
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
/** Longer spans are cut off at the front. */
const DAYS_MAX = 3_660;

export type Comparison = 'none' | 'previous' | 'year';
export type Interval = 'hour' | 'day' | 'week' | 'month';

export interface Span {
  /** One of `RANGES`, or `custom`. */
  range: string;
  name: string;
  fromMs: number;
  toMs: number;
  /** Civil days, both included. */
  firstDay: number;
  lastDay: number;
  interval: Interval;
  /** Bucket i goes from boundary i to boundary i + 1. */
  boundariesMs: number[];
}

/** Reads a span from an address. What makes no sense is the last 28 days. */
export function readSpan(
  query: URLSearchParams,
  { zone, nowMs, createdAtMs }: { zone: string; nowMs: number; createdAtMs: number },
): Span {
  const today = civilDay(zone, nowMs);
  const asked = query.get('range') ?? DEFAULT_RANGE;
  const [from, to] = [readDay(query.get('from')), readDay(query.get('to'))];
  if (asked === 'custom' && from !== null && to !== null && from <= to)
    return spanOfDays(
      'custom',
      from === to ? isoDay(from) : `${isoDay(from)} to ${isoDay(to)}`,
      from,
      to,
      zone,
      nowMs,
    );
  if (asked === '24h') return lastDay(nowMs, zone);
  const choice = RANGES.find(({ id }) => id === asked) ?? RANGES.find(({ id }) => id === DEFAULT_RANGE);
  const [first, last] = daysOf(choice?.id ?? DEFAULT_RANGE, today, civilDay(zone, createdAtMs));
  return spanOfDays(choice?.id ?? DEFAULT_RANGE, choice?.name ?? '', first, last, zone, nowMs);
}

function daysOf(range: string, today: number, created: number): [number, number] {
  const date = new Date(today * DAY_MS);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const dayOf = (y: number, m: number) => Date.UTC(y, m, 1) / DAY_MS;
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
      return [dayOf(year, month), today];
    case 'last-month':
      return [dayOf(year, month - 1), dayOf(year, month) - 1];
    case 'year':
      return [dayOf(year, 0), today];
    case '12m':
      return [dayOf(year, month - 11), today];
    case 'all':
      return [Math.min(created, today), today];
    default:
      return [today - 27, today];
  }
}

function spanOfDays(
  range: string,
  name: string,
  from: number,
  to: number,
  zone: string,
  nowMs: number,
): Span {
  const first = Math.max(from, to - DAYS_MAX);
  const days = to - first + 1;
  const interval: Interval = days <= 2 ? 'hour' : days <= 100 ? 'day' : days <= 400 ? 'week' : 'month';
  const endMs = dayStartMs(zone, to + 1);
  const fromMs = dayStartMs(zone, first);
  const starts = bucketStarts(interval, first, to, zone).filter((atMs) => atMs < Math.max(nowMs, fromMs + 1));
  // What is still to come is left out, so that a day under way is compared with as much of the day before.
  const toMs = Math.max(Math.min(endMs, nowMs + 1), (starts.at(-1) ?? fromMs) + 1);
  return {
    range,
    name,
    fromMs,
    toMs,
    firstDay: first,
    lastDay: to,
    interval,
    boundariesMs: [...starts, toMs],
  };
}

function bucketStarts(interval: Interval, first: number, last: number, zone: string): number[] {
  if (interval === 'hour') {
    const [fromMs, toMs] = [dayStartMs(zone, first), dayStartMs(zone, last + 1)];
    return Array.from({ length: Math.ceil((toMs - fromMs) / HOUR_MS) }, (_, i) => fromMs + i * HOUR_MS);
  }
  const days: number[] = [];
  for (let day = first; day <= last; day++) {
    const date = new Date(day * DAY_MS);
    const begins =
      interval === 'day' || (interval === 'week' ? date.getUTCDay() === 1 : date.getUTCDate() === 1);
    if (day === first || begins) days.push(day);
  }
  return days.map((day) => dayStartMs(zone, day));
}

/** The last 24 whole hours and the one under way. */
function lastDay(nowMs: number, zone: string): Span {
  const lastHour = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  const starts = Array.from({ length: 24 }, (_, i) => lastHour - (23 - i) * HOUR_MS);
  const fromMs = starts[0] ?? lastHour;
  return {
    range: '24h',
    name: 'Last 24 hours',
    fromMs,
    toMs: nowMs + 1,
    firstDay: civilDay(zone, fromMs),
    lastDay: civilDay(zone, nowMs),
    interval: 'hour',
    boundariesMs: [...starts, nowMs + 1],
  };
}

export function readComparison(query: URLSearchParams): Comparison {
  const asked = query.get('compare');
  return asked === 'none' || asked === 'year' ? asked : 'previous';
}

/**
 * As much time before, bucket by bucket: the stretch just before this one, or the same weekdays a year (52 weeks) ago.
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
    return dayStartMs(zone, day - days) + (atMs - dayStartMs(zone, day));
  };
  const boundariesMs = [...new Set(span.boundariesMs.map(shift))];
  return { fromMs: shift(span.fromMs), toMs: shift(span.toMs), boundariesMs };
}
