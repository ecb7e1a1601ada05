/** Finds hours in which a site was silent although it usually has visits. */

/** What one hour of a site had. */
export interface HourCount {
  events: number;
  /** The visits that began. */
  visits: number;
}

export interface Silence {
  /** The index of its first hour. */
  first: number;
  hours: number;
  /** The visits that are usual in these hours. */
  usual: number;
}

const HOURS_A_DAY = 24;
const HOURS_A_WEEK = 7 * HOURS_A_DAY;
/** The hours before the first one that can be judged. */
export const HOURS_LEARNED = 2 * HOURS_A_WEEK;
/** The shortest silence. */
const HOURS_MIN = 3;
/** The visits that must be missing. If visits came independently of each other, the chance of none at all would be one in 10⁸. */
const USUAL_MIN = 20;

/**
 * Finds the silences among hours, all without any event. What is usual in an hour is learned from the same hour of the days and
 * the weeks before, and the lower of the two counts: nights, weekends and a site that slowly loses its visitors are not silences.
 *
 * @param hours consecutive hours; the first `HOURS_LEARNED` are only learned from
 */
export function silencesIn(hours: readonly HourCount[]): Silence[] {
  const silences: Silence[] = [];
  let first = HOURS_LEARNED;
  for (let i = HOURS_LEARNED; i <= hours.length; i++) {
    if (hours[i]?.events === 0) continue;
    const usual = sum(range(first, i).map((hour) => usualAt(hours, hour)));
    if (i - first >= HOURS_MIN && usual >= USUAL_MIN)
      silences.push({ first, hours: i - first, usual: Math.round(usual) });
    first = i + 1;
  }
  return silences;
}

function usualAt(hours: readonly HourCount[], i: number): number {
  const visitsBefore = (distance: number) => hours[i - distance]?.visits ?? 0;
  const lastDays = range(1, 8).map((days) => visitsBefore(days * HOURS_A_DAY));
  const median = lastDays.sort((a, b) => a - b)[3] ?? 0;
  return Math.min(median, (visitsBefore(HOURS_A_WEEK) + visitsBefore(2 * HOURS_A_WEEK)) / 2);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Returns the whole numbers from one (inclusive) to another (exclusive). */
const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
