import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../src/domain/clock.ts';
import { billingMonth, isPlanName, PLANS } from '../src/domain/plans.ts';

/** Returns the first and last date of the billing month that contains an instant. */
function month(at: string, anchorDay: number): string {
  const { firstDay, lastDay } = billingMonth(Date.parse(at), anchorDay);
  const date = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);
  return `${date(firstDay)} to ${date(lastDay)}`;
}

describe('the billing month', () => {
  it.each([
    // Calendar months, to the millisecond
    { at: '2026-05-01T00:00:00.000Z', anchor: 1, is: '2026-05-01 to 2026-05-31' },
    { at: '2026-05-31T23:59:59.999Z', anchor: 1, is: '2026-05-01 to 2026-05-31' },
    { at: '2026-04-30T23:59:59.999Z', anchor: 1, is: '2026-04-01 to 2026-04-30' },
    { at: '2026-12-31T23:59:59.999Z', anchor: 1, is: '2026-12-01 to 2026-12-31' },
    { at: '2027-01-01T00:00:00.000Z', anchor: 1, is: '2027-01-01 to 2027-01-31' },
    { at: '2026-02-10T12:00:00.000Z', anchor: 1, is: '2026-02-01 to 2026-02-28' },
    { at: '2028-02-10T12:00:00.000Z', anchor: 1, is: '2028-02-01 to 2028-02-29' },
    // An anchor day within the month
    { at: '2026-05-14T23:59:59.999Z', anchor: 15, is: '2026-04-15 to 2026-05-14' },
    { at: '2026-05-15T00:00:00.000Z', anchor: 15, is: '2026-05-15 to 2026-06-14' },
    { at: '2026-01-03T00:00:00.000Z', anchor: 15, is: '2025-12-15 to 2026-01-14' },
    { at: '2026-12-20T00:00:00.000Z', anchor: 15, is: '2026-12-15 to 2027-01-14' },
    { at: '2026-02-28T00:00:00.000Z', anchor: 28, is: '2026-02-28 to 2026-03-27' },
    // An anchor day after the end of a month means its last day
    { at: '2026-01-31T00:00:00.000Z', anchor: 31, is: '2026-01-31 to 2026-02-27' },
    { at: '2026-02-27T23:59:59.999Z', anchor: 31, is: '2026-01-31 to 2026-02-27' },
    { at: '2026-02-28T00:00:00.000Z', anchor: 31, is: '2026-02-28 to 2026-03-30' },
    { at: '2026-03-31T00:00:00.000Z', anchor: 31, is: '2026-03-31 to 2026-04-29' },
    { at: '2026-04-30T00:00:00.000Z', anchor: 31, is: '2026-04-30 to 2026-05-30' },
    { at: '2026-12-31T00:00:00.000Z', anchor: 31, is: '2026-12-31 to 2027-01-30' },
    { at: '2026-02-28T00:00:00.000Z', anchor: 30, is: '2026-02-28 to 2026-03-29' },
    { at: '2026-01-30T00:00:00.000Z', anchor: 30, is: '2026-01-30 to 2026-02-27' },
    { at: '2026-04-29T00:00:00.000Z', anchor: 30, is: '2026-03-30 to 2026-04-29' },
    // Leap years, including century years
    { at: '2028-02-28T23:59:59.999Z', anchor: 29, is: '2028-01-29 to 2028-02-28' },
    { at: '2028-02-29T00:00:00.000Z', anchor: 29, is: '2028-02-29 to 2028-03-28' },
    { at: '2026-02-28T00:00:00.000Z', anchor: 29, is: '2026-02-28 to 2026-03-28' },
    { at: '2028-02-29T00:00:00.000Z', anchor: 31, is: '2028-02-29 to 2028-03-30' },
    { at: '2000-02-29T00:00:00.000Z', anchor: 30, is: '2000-02-29 to 2000-03-29' },
    { at: '2100-02-28T00:00:00.000Z', anchor: 29, is: '2100-02-28 to 2100-03-28' },
    { at: '2100-03-01T00:00:00.000Z', anchor: 1, is: '2100-03-01 to 2100-03-31' },
  ])('dates $at with anchor $anchor to $is', ({ at, anchor, is }) => expect(month(at, anchor)).toBe(is));

  const instant = fc.integer({ min: Date.UTC(1970, 1), max: Date.UTC(2200, 0) });
  const anchor = fc.integer({ min: 1, max: 31 });

  it('contains its instant, and months neither overlap nor leave gaps', () => {
    fc.assert(
      fc.property(instant, anchor, (atMs, anchorDay) => {
        const { firstDay, lastDay } = billingMonth(atMs, anchorDay);
        const day = Math.floor(atMs / DAY_MS);
        expect(firstDay).toBeLessThanOrEqual(day);
        expect(lastDay).toBeGreaterThanOrEqual(day);
        expect(lastDay - firstDay + 1).toBeGreaterThanOrEqual(28);
        expect(lastDay - firstDay + 1).toBeLessThanOrEqual(31);
        // Every instant of it belongs to the same month, to the last millisecond; the next month begins right after.
        const same = { firstDay, lastDay };
        expect(billingMonth(firstDay * DAY_MS, anchorDay)).toEqual(same);
        expect(billingMonth((lastDay + 1) * DAY_MS - 1, anchorDay)).toEqual(same);
        expect(billingMonth((lastDay + 1) * DAY_MS, anchorDay).firstDay).toBe(lastDay + 1);
        expect(billingMonth(firstDay * DAY_MS - 1, anchorDay).lastDay).toBe(firstDay - 1);
      }),
      { numRuns: 500 },
    );
  });

  it('starts on the anchor day, or on the last day of a shorter month', () => {
    fc.assert(
      fc.property(instant, anchor, (atMs, anchorDay) => {
        const start = new Date(billingMonth(atMs, anchorDay).firstDay * DAY_MS);
        const dayAfter = new Date(start.getTime() + DAY_MS);
        expect(
          start.getUTCDate() === anchorDay || (start.getUTCDate() < anchorDay && dayAfter.getUTCDate() === 1),
        ).toBe(true);
      }),
    );
  });
});

describe('the plans', () => {
  it('have the documented limits', () => {
    expect(PLANS).toEqual({
      free: { sites: 3, apiRequestsPerMinute: 60, eventsPerMonth: 10_000 },
      pro: { sites: null, apiRequestsPerMinute: 600, eventsPerMonth: 100_000 },
    });
  });

  it('have names, and nothing else is a plan', () => {
    expect(Object.keys(PLANS).every(isPlanName)).toBe(true);
    for (const text of ['', 'Free', 'PRO', 'toString', '__proto__', 'constructor', 'free '])
      expect(isPlanName(text)).toBe(false);
  });
});
