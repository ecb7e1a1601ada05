import { PAGEVIEW } from '../../../../tracker/wire/limits.ts';
import { MEASURES } from './relations.ts';

/** How the measures are counted from rows of `events`. Conditions may be `true`. */

/** Measures as expressions over the rows of a group. */
type Measured = Partial<Record<(typeof MEASURES)[number], string>>;

/** Returns the columns of all measures. Those that are not counted are 0. */
export const measures = (counted: Measured) =>
  MEASURES.map((name) => `${counted[name] ?? '0'} AS ${name}`).join(', ');

/** @param happened selects the events */
export const ofEvents = (happened: string) => ({
  events: `count(*) FILTER (WHERE ${happened})`,
  pageviews: `count(*) FILTER (WHERE ${happened} AND name = '${PAGEVIEW}')`,
});

/** @param begun selects one row of each visit */
export const ofVisits = (begun: string) => ({
  visits: `count(*) FILTER (WHERE ${begun})`,
  referrals: `count(*) FILTER (WHERE ${begun} AND channel = 'ai')`,
  bounces: `count(*) FILTER (WHERE ${begun} AND bounce)`,
  engaged: `sum(CASE WHEN ${begun} THEN engaged ELSE 0 END)`,
});

/**
 * Counts visitors in one pass. A set is needed only for visitors with several visits, and for visits with other groups.
 *
 * @param first selects one row of each visit and group
 * @param isWithin whether all events of a row's visit are selected, and in the same group
 */
export const ofVisitors = ({
  first,
  happened,
  isWithin,
}: {
  first: string;
  happened: string;
  isWithin: string;
}) => {
  const alone = `lone AND ${isWithin}`;
  return {
    visitors: `count(*) FILTER (WHERE ${first} AND ${alone}) + count(DISTINCT visitor_no) FILTER (WHERE ${happened} AND NOT (${alone}))`,
  };
};

/** Values are added up as whole numbers of this part of a unit, since sums of floating-point numbers are not exact. */
const VALUE_PARTS = 1_000_000;
/** The largest value that is added up. A larger one counts as this, so that no sum exceeds 128 bits. */
const VALUE_MAX = '1e24';

/** Returns the sum of the values of events, as text for `amountOf`. @param counted selects some of them */
export const sumOfValues = (counted = 'true') => {
  const value = `greatest(least(coalesce(value, 0), ${VALUE_MAX}), -${VALUE_MAX})`;
  const parts = `CAST(floor(${value} * ${VALUE_PARTS} + 0.5) AS Int128)`;
  return `CAST(sum(CASE WHEN ${counted} THEN ${parts} ELSE CAST(0 AS Int128) END) AS String)`;
};

/** Converts a sum of `sumOfValues` to the nearest number. */
export function amountOf(sum: string): number {
  const isNegative = sum.startsWith('-');
  const digits = (isNegative ? sum.slice(1) : sum).padStart(7, '0');
  const amount = Number(`${digits.slice(0, -6)}.${digits.slice(-6)}`);
  return isNegative ? -amount : amount;
}
