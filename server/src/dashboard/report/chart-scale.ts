import type { Interval } from '../../app/reports/spans.ts';
import { civilDay, MONDAY_OF_EPOCH, offsetMs } from '../../domain/calendar.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../domain/clock.ts';
import type { Unit } from './measures.ts';

/** The axes of a chart: round values, and buckets that begin a round time. */

/** About how many steps the axis of values has. */
const STEPS_WANTED = 4;
/** Round durations. Longer ones are whole hours. */
const ROUND_MS = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND_MS),
  ...[1, 2, 5, 10, 15, 30, 60].map((count) => count * MINUTE_MS),
];
/** The highest value of the axis if all values are zero. */
const TOP_OF_NOTHING: Readonly<Record<Unit, number>> = { count: 1, share: 1, time: MINUTE_MS };

/**
 * Returns the ticks of the axis of values, from zero: the last one is the top of the chart, and no value is higher.
 *
 * @param highest the highest value, not below zero
 */
export function valueTicks(highest: number, unit: Unit): number[] {
  const top = highest > 0 ? highest : TOP_OF_NOTHING[unit];
  const step = roundStep(top / STEPS_WANTED, unit);
  // A sum of steps such as 0.1 is a little more or less than its number of steps.
  const steps = Math.max(1, Math.ceil(top / step - 1e-9));
  return Array.from({ length: steps + 1 }, (_, i) => i * step);
}

function roundStep(atLeast: number, unit: Unit): number {
  if (unit === 'time') return ROUND_MS.find((ms) => ms >= atLeast) ?? Math.ceil(atLeast / HOUR_MS) * HOUR_MS;
  const power = 10 ** Math.floor(Math.log10(atLeast));
  const step = ([1, 2, 5].find((digit) => digit * power >= atLeast) ?? 10) * power;
  return unit === 'count' ? Math.max(1, step) : step;
}

/** The most labels of the axis of time. */
const LABELS_MAX = 8;

/** Numbers an instant by the hour, day or month that it is in; a step is where the number changes. */
type Numbering = (atMs: number, zone: string) => number;

const minutes =
  (count: number): Numbering =>
  (atMs, zone) =>
    Math.floor((atMs + offsetMs(zone, atMs)) / (count * MINUTE_MS));
const hours = (count: number): Numbering => minutes(60 * count);
const day: Numbering = (atMs, zone) => civilDay(zone, atMs);
const weeks =
  (count: number): Numbering =>
  (atMs, zone) =>
    Math.floor((civilDay(zone, atMs) - MONDAY_OF_EPOCH) / (7 * count));
const months =
  (count: number): Numbering =>
  (atMs, zone) => {
    const date = new Date(civilDay(zone, atMs) * DAY_MS);
    return Math.floor((date.getUTCFullYear() * 12 + date.getUTCMonth()) / count);
  };

const LONG_STEPS = [months(1), months(3), months(12), months(24)];
/** The steps of the axis of time, the shortest first. */
const TIME_STEPS: Readonly<Record<Interval, readonly Numbering[]>> = {
  minute: [minutes(10), minutes(15), minutes(30)],
  hour: [hours(1), hours(2), hours(3), hours(6), hours(12), day, weeks(1)],
  day: [day, weeks(1), weeks(2), ...LONG_STEPS],
  week: [weeks(1), weeks(2), ...LONG_STEPS],
  month: LONG_STEPS,
};

/**
 * Lists the buckets that have a label: those that begin a round hour, a Monday, a month, a quarter or a year, whichever comes
 * often enough without crowding the axis.
 *
 * @param startsMs the starts of the buckets, in order
 */
export function labelledBuckets(startsMs: readonly number[], interval: Interval, zone: string): number[] {
  const beginning = (numberOf: Numbering) =>
    startsMs.flatMap((startMs, i) => {
      const before = startsMs[i - 1] ?? startMs - 1;
      return numberOf(startMs, zone) === numberOf(before, zone) ? [] : [i];
    });
  const choices = TIME_STEPS[interval].map(beginning);
  const fitting = choices.find(({ length }) => length > 0 && length <= LABELS_MAX);
  return fitting ?? choices.at(-1) ?? [];
}
