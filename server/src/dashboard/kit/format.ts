import type { Interval } from '../../app/reports/spans.ts';
import { civilDay, timeOfDay } from '../../domain/calendar.ts';
import { DAY_MS } from '../../domain/clock.ts';
import { memoize } from '../../domain/memoize.ts';
import { visibleText } from '../../domain/visible-text.ts';

/** Formats numbers, times and dates for all pages. */

const WHOLE = new Intl.NumberFormat('en');
const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

const RIGHT_TO_LEFT = /[\p{scx=Arabic}\p{scx=Hebrew}\p{scx=Nko}\p{scx=Syriac}\p{scx=Thaana}]/u;

/**
 * Keeps a text that is written from right to left apart from the plain text around it, and shows characters that would change its
 * direction. Elements use `<bdi>` instead. https://www.w3.org/International/questions/qa-bidi-unicode-controls
 */
export function isolated(text: string): string {
  const shown = visibleText(text);
  return RIGHT_TO_LEFT.test(shown) ? `\u2068${shown}\u2069` : shown;
}

/** Formats a number as `12,345`. */
export function whole(number: number): string {
  return WHOLE.format(number);
}

/** Formats a number up to 9,999 as `9,999`, and a larger one as `12.3K`. */
export function short(value: number): string {
  return Math.abs(value) < 10_000 ? WHOLE.format(value) : SHORT.format(value);
}

/** Formats a number with its noun: `1 event`, `12 events`. */
export function plural(number: number, one: string, many = `${one}s`): string {
  return `${whole(number)} ${number === 1 ? one : many}`;
}

/** Formats a share of 0.25 as `25%`. */
export function percent(share: number, decimals = 0): string {
  return `${(100 * share).toFixed(decimals)}%`;
}

/** Formats a duration as `45s`, `1m 17s` or `2h 5m`. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes}m ${String(seconds % 60).padStart(2, '0')}s`
    : `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function partsOf(atMs: number): { day: string; month: string; year: string } {
  const at = new Date(atMs);
  const [day, month, year] = [at.getUTCDate(), at.getUTCMonth(), at.getUTCFullYear()];
  return { day: String(day), month: `${MONTHS[month]}`, year: String(year) };
}

/** Formats the UTC date of an instant as `28 Nov 2026`. */
export function date(atMs: number): string {
  const { day, month, year } = partsOf(atMs);
  return `${day} ${month} ${year}`;
}

/** Whether buckets of this length are parts of a day. */
export function isWithinDay(interval: Interval): boolean {
  return interval === 'minute' || interval === 'hour';
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** Formats the start of a bucket for the axis of a chart, as `14:00`, `28 Nov` or `Nov 2026`. The hour of midnight is a date. */
export function bucketLabel(startMs: number, interval: Interval, zone: string): string {
  const day = civilDay(zone, startMs);
  if (isWithinDay(interval) && day === civilDay(zone, startMs - 1)) return timeOfDay(zone, startMs);
  const { month, year } = partsOf(day * DAY_MS);
  return interval === 'month' ? `${month} ${year}` : dayAndMonth(day * DAY_MS);
}

/**
 * Formats a bucket as `28 Nov 2026, 14:00`, `Sat, 28 Nov 2026`, `23–29 Nov 2026` or `Nov 2026`.
 *
 * @param firstDay its first civil day
 * @param lastDay its last civil day, included
 */
export function bucketName(
  { startMs, firstDay, lastDay }: { startMs: number; firstDay: number; lastDay: number },
  interval: Interval,
  zone: string,
): string {
  const firstMs = firstDay * DAY_MS;
  if (isWithinDay(interval)) return dateTime(startMs, zone);
  if (interval === 'day') return `${WEEKDAYS[new Date(firstMs).getUTCDay()]}, ${date(firstMs)}`;
  const { month, year } = partsOf(firstMs);
  return interval === 'week' ? dateRange(firstDay, lastDay) : `${month} ${year}`;
}

/** Formats the UTC date of an instant as `28 Nov`. */
export function dayAndMonth(atMs: number): string {
  const { day, month } = partsOf(atMs);
  return `${day} ${month}`;
}

/**
 * Formats a range of days as `1–28 Nov 2026` or `28 Oct – 3 Nov 2026`, or as one date if both days are the same.
 *
 * @param firstDay days since 1970-01-01
 * @param lastDay days since 1970-01-01, included
 */
export function dateRange(firstDay: number, lastDay: number): string {
  const [firstMs, lastMs] = [firstDay * DAY_MS, lastDay * DAY_MS];
  const [first, last] = [partsOf(firstMs), partsOf(lastMs)];
  if (firstDay === lastDay) return date(lastMs);
  if (first.year !== last.year) return `${date(firstMs)} – ${date(lastMs)}`;
  return first.month === last.month
    ? `${first.day}–${date(lastMs)}`
    : `${dayAndMonth(firstMs)} – ${date(lastMs)}`;
}

/** The maximum number of cached time formats, more than there are zones. */
const MAX_CACHED_FORMATS = 1_000;

const timeToTheSecondFormat = memoize(
  MAX_CACHED_FORMATS,
  (zone) => new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeStyle: 'medium' }),
);

/** Formats the time of an instant in a time zone as `14:05:09`. */
export function timeToTheSecond(atMs: number, zone: string): string {
  return timeToTheSecondFormat(zone).format(atMs);
}

/** Formats an instant in a time zone as `28 Nov 2026, 14:05`. */
export function dateTime(atMs: number, zone: string): string {
  return `${date(civilDay(zone, atMs) * DAY_MS)}, ${timeOfDay(zone, atMs)}`;
}
