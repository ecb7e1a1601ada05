import { DAY_MS, HOUR_MS } from './clock.ts';
import type { DayRange } from './plans.ts';

/**
 * Days, weeks and months as people in a time zone live them. A civil day is a number: days since 1970-01-01, whatever the
 * zone. The knowledge of zones is the runtime's own (`Intl`), so it is as new as the runtime is.
 */

export type Granularity = 'hour' | 'day' | 'week' | 'month';

/** A span of time with the civil time at which it begins. */
export interface Bucket {
  startMs: number;
  /** `2026-05-14`, or for an hour `2026-05-14T13:00+02:00`. */
  label: string;
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
/** The first day that can be written YYYY-MM-DD. */
export const FIRST_DAY = Date.parse('0000-01-01') / DAY_MS;
/** 1970-01-01 was a Thursday; weeks begin on Monday. */
const MONDAY_OF_EPOCH = -3;
/** Civil midnight lies within this of the same midnight in UTC. */
const OFFSET_MAX_MS = 16 * HOUR_MS;

const formats = new Map<string, Intl.DateTimeFormat>();

/** @throws RangeError for a name that is no time zone */
function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    formats.set(zone, format);
  }
  return format;
}

/** Whether a text names a time zone. Offsets such as `+02:00` are none: they know no summer. */
export function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false;
  try {
    formatOf(text);
    return true;
  } catch {
    return false;
  }
}

/** The zone in which the days of a site begin: its own, else its owner's. */
export function zoneOf(site: { timeZone: string | null }, owner: { timeZone: string } | null): string {
  return site.timeZone ?? owner?.timeZone ?? 'UTC';
}

/** What a zone's clocks are ahead of UTC at an instant, in milliseconds. */
export function offsetMs(zone: string, atMs: number): number {
  if (zone === 'UTC') return 0;
  const name = formatOf(zone)
    .formatToParts(atMs)
    .find(({ type }) => type === 'timeZoneName')?.value;
  // `GMT`, `GMT+05:30`, and before standard time `GMT-04:56:02`
  const [, sign, hours, minutes, seconds] = /([+-])(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(name ?? '') ?? [];
  if (sign === undefined) return 0;
  const ahead = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds ?? 0);
  return (sign === '-' ? -ahead : ahead) * 1000;
}

/** A real date written YYYY-MM-DD as a civil day; null for anything else, 30 February included. */
export function readDate(text: string): number | null {
  if (!DATE.test(text)) return null;
  const atMs = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(atMs) || writeDate(atMs / DAY_MS) !== text ? null : atMs / DAY_MS;
}

/** A civil day as YYYY-MM-DD. */
export function writeDate(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** The civil day in a zone at an instant. */
export function civilDay(zone: string, atMs: number): number {
  return Math.floor((atMs + offsetMs(zone, atMs)) / DAY_MS);
}

/**
 * The instant at which a civil day begins. Where clocks skip midnight, or the whole day, that is the instant of the skip; where
 * they show midnight twice, the first.
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

/** The first instant in (from, to] for which something is so, given that it is not at `from`, is at `to`, and changes once. */
function firstInstant(fromMs: number, toMs: number, isSo: (atMs: number) => boolean): number {
  let [before, after] = [fromMs, toMs];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (isSo(middle)) after = middle;
    else before = middle;
  }
  return after;
}

/** The first civil day of the week or month after the one that holds a day; for days, the next. */
function nextStart(day: number, granularity: Exclude<Granularity, 'hour'>): number {
  if (granularity === 'day') return day + 1;
  if (granularity === 'week') return day + 7 - ((((day - MONDAY_OF_EPOCH) % 7) + 7) % 7);
  const date = new Date(day * DAY_MS);
  return date.setUTCMonth(date.getUTCMonth() + 1, 1) / DAY_MS;
}

/**
 * The hours, days, weeks (from Monday) or months of a range of civil days, in order and without a gap; those at the ends are
 * cut at the range. A day of 23 or 25 hours is one day; an hour that clocks show twice is two hours.
 *
 * @param limit most buckets; null is answered where there would be more
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
    // A day that a zone skipped altogether begins where the next one does.
    if (buckets.at(-1)?.startMs === startMs) buckets.pop();
    buckets.push({ startMs, label: writeDate(day) });
    if (buckets.length > limit) return null;
  }
  if (buckets.at(-1)?.startMs === endMs) buckets.pop();
  return { buckets, endMs };
}

/** When the clocks next show a full hour or are changed, whichever is first. */
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
