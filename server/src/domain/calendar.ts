import { DAY_MS, type DayRange, HOUR_MS } from './clock.ts';
import { memoize } from './memoize.ts';

/**
 * Days, weeks and months in a time zone. A civil day is a number: days since 1970-01-01, in any zone. Time zone data is that
 * of the runtime (`Intl`).
 */

export type Granularity = 'hour' | 'day' | 'week' | 'month';

/** A span of time, labelled with the civil time at which it begins. */
export interface Bucket {
  startMs: number;
  /** The civil start, such as `2026-05-14`, or `2026-05-14T13:00+02:00` for an hour. */
  label: string;
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
/** The first day that can be written as YYYY-MM-DD. */
export const FIRST_DAY = Date.parse('0000-01-01') / DAY_MS;
/** The Monday of the week of 1970-01-01, a Thursday, as a civil day. */
export const MONDAY_OF_EPOCH = -3;
/** The largest offset of a time zone from UTC, rounded up. */
const OFFSET_MAX_MS = 16 * HOUR_MS;

/** The maximum number of cached zone formats, more than there are zones. A zone has many names, because case is ignored. */
const MAX_CACHED_FORMATS = 1_000;

/** Creates the format of a zone. @throws RangeError if the name is not a time zone */
const formatOf = memoize(
  MAX_CACHED_FORMATS,
  (zone) => new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' }),
);

/** Whether a text is the name of a time zone. Offsets such as `+02:00` are not: they have no daylight saving time. */
export function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false;
  try {
    formatOf(text);
    return true;
  } catch {
    return false;
  }
}

/** The reporting time zone of a site: its own if set, else that of its account. */
export function zoneOf(site: { timeZone: string | null }, owner: { timeZone: string } | null): string {
  return site.timeZone ?? owner?.timeZone ?? 'UTC';
}

/** The offset of a zone from UTC at an instant, in milliseconds. */
export function offsetMs(zone: string, atMs: number): number {
  if (zone === 'UTC') return 0;
  const name = formatOf(zone)
    .formatToParts(atMs)
    .find(({ type }) => type === 'timeZoneName')?.value;
  // `GMT`, `GMT+05:30`, or, before standard time, `GMT-04:56:02`.
  const [, sign, hours, minutes, seconds] = /([+-])(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(name ?? '') ?? [];
  if (sign === undefined) return 0;
  const ahead = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds ?? 0);
  return (sign === '-' ? -ahead : ahead) * 1000;
}

/** Parses a YYYY-MM-DD date as a civil day; null if it is invalid, such as 30 February. */
export function readDate(text: string): number | null {
  if (!DATE.test(text)) return null;
  const atMs = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(atMs) || writeDate(atMs / DAY_MS) !== text ? null : atMs / DAY_MS;
}

/** Formats a civil day as YYYY-MM-DD. */
export function writeDate(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** The civil day in a zone at an instant. */
export function civilDay(zone: string, atMs: number): number {
  return Math.floor((atMs + offsetMs(zone, atMs)) / DAY_MS);
}

/**
 * Returns the instant at which a civil day begins. If clocks skip midnight or the whole day, it is the instant of the skip; if
 * they show midnight twice, it is the first.
 */
export function startOfDay(zone: string, day: number): number {
  const midnight = day * DAY_MS;
  const candidates = [offsetMs(zone, midnight - DAY_MS), offsetMs(zone, midnight + DAY_MS)]
    .map((offset) => midnight - offset)
    .filter((atMs) => atMs + offsetMs(zone, atMs) === midnight);
  if (candidates.length > 0) return Math.min(...candidates);
  return firstInstant(
    midnight - OFFSET_MAX_MS,
    midnight + OFFSET_MAX_MS,
    (atMs) => atMs + offsetMs(zone, atMs) >= midnight,
  );
}

/** Finds the first instant in (from, to] at which a condition is true. It must change only once, from false to true. */
function firstInstant(fromMs: number, toMs: number, isSo: (atMs: number) => boolean): number {
  let [before, after] = [fromMs, toMs];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (isSo(middle)) after = middle;
    else before = middle;
  }
  return after;
}

/** Returns the first civil day of the next week or month, or the next day. */
function nextStart(day: number, granularity: Exclude<Granularity, 'hour'>): number {
  if (granularity === 'day') return day + 1;
  if (granularity === 'week') return day + 7 - ((((day - MONDAY_OF_EPOCH) % 7) + 7) % 7);
  const date = new Date(day * DAY_MS);
  return date.setUTCMonth(date.getUTCMonth() + 1, 1) / DAY_MS;
}

/**
 * Splits a range of civil days into hours, days, weeks (from Monday) or months, in order and without gaps. The first and the
 * last are cut at the range. A day of 23 or 25 hours is one day; an hour that clocks show twice is two hours.
 *
 * @param limit the maximum number of buckets
 * @returns the buckets; null if there would be more than `limit`
 */
export function bucketsOf(
  zone: string,
  range: DayRange,
  granularity: Granularity,
  limit: number,
): { buckets: Bucket[]; endMs: number } | null {
  if (range.lastDay - range.firstDay >= limit * (granularity === 'month' ? 31 : 7)) return null;
  const endMs = startOfDay(zone, range.lastDay + 1);
  const buckets: Bucket[] = [];
  if (granularity === 'hour') {
    for (let atMs = startOfDay(zone, range.firstDay); atMs < endMs; atMs = nextHour(zone, atMs)) {
      buckets.push({ startMs: atMs, label: writeHour(atMs, offsetMs(zone, atMs)) });
      if (buckets.length > limit) return null;
    }
    return { buckets, endMs };
  }
  for (let day = range.firstDay; day <= range.lastDay; day = nextStart(day, granularity)) {
    const startMs = startOfDay(zone, day);
    // A day that the zone skips begins when the next one does.
    if (buckets.at(-1)?.startMs === startMs) buckets.pop();
    buckets.push({ startMs, label: writeDate(day) });
    if (buckets.length > limit) return null;
  }
  if (buckets.at(-1)?.startMs === endMs) buckets.pop();
  return { buckets, endMs };
}

/** Writes the time on the clocks of a zone as `14:05`. */
export function timeOfDay(zone: string, atMs: number): string {
  return new Date(atMs + offsetMs(zone, atMs))
    .toISOString()
    .slice('2026-05-14T'.length, '2026-05-14T14:05'.length);
}

/**
 * Returns the start of the hour that holds an instant: the last full hour on the clocks of the zone, or the last clock change
 * if that is later. In a zone with a 30-minute offset, it is at half past in UTC.
 */
export function startOfHour(zone: string, atMs: number): number {
  const offset = offsetMs(zone, atMs);
  const intoHour = (((atMs + offset) % HOUR_MS) + HOUR_MS) % HOUR_MS;
  const fullHour = atMs - intoHour;
  if (offsetMs(zone, fullHour) === offset) return fullHour;
  return firstInstant(fullHour, atMs, (middle) => offsetMs(zone, middle) === offset);
}

/** Returns the next full hour on the clocks of the zone, or the next clock change if that is earlier. */
function nextHour(zone: string, atMs: number): number {
  const offset = offsetMs(zone, atMs);
  const intoHour = (((atMs + offset) % HOUR_MS) + HOUR_MS) % HOUR_MS;
  const fullHour = atMs + HOUR_MS - intoHour;
  if (offsetMs(zone, fullHour - 1) === offset) return fullHour;
  return firstInstant(atMs, fullHour - 1, (middle) => offsetMs(zone, middle) !== offset);
}

function writeHour(atMs: number, offset: number): string {
  const ahead = Math.abs(Math.round(offset / 60_000));
  const two = (number: number) => String(number).padStart(2, '0');
  const sign = offset < 0 ? '-' : '+';
  return `${new Date(atMs + offset).toISOString().slice(0, 16)}${sign}${two(Math.floor(ahead / 60))}:${two(ahead % 60)}`;
}
