import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bucketsOf,
  civilDay,
  type Granularity,
  isTimeZone,
  offsetMs,
  readDate,
  startOfDay,
  startOfHour,
  writeDate,
} from '../src/domain/calendar.ts';
import { DAY_MS, HOUR_MS } from '../src/domain/clock.ts';

const ZONES = [...Intl.supportedValuesOf('timeZone'), 'UTC'];
const day = (text: string) => readDate(text) ?? Number.NaN;
const iso = (ms: number) => new Date(ms).toISOString();

/** Returns a local date as `Intl` formats it, as an independent check. */
function dateIn(zone: string, atMs: number): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short' }).format(atMs);
}

const zone = fc.constantFrom(...ZONES);
/** A day from 1970 to 2040, which covers all past and current time zone rules. */
const someDay = fc.integer({ min: 0, max: day('2040-01-01') });

describe('dates', () => {
  it.each(['2026-02-28', '2024-02-29', '1970-01-01', '0000-02-29', '9999-12-31'])('%s is valid', (text) => {
    expect(writeDate(day(text))).toBe(text);
  });

  it.each([
    '2026-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-1-1',
    '2026-01-32',
    '',
    ' 2026-01-01',
    '26-01-01',
  ])('%s is invalid', (text) => expect(readDate(text)).toBeNull());

  it('recognizes time zones', () => {
    expect(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires'].every(isTimeZone)).toBe(true);
    expect(['', 'Nowhere/Else', '+02:00', '0', 'Europe/Berlin\n'].some(isTimeZone)).toBe(false);
  });
});

describe('the beginning of a day', () => {
  it.each([
    ['Europe/Berlin', '2026-03-29', '2026-03-28T23:00:00.000Z'],
    ['Europe/Berlin', '2026-03-30', '2026-03-29T22:00:00.000Z'],
    // Midnight is skipped: the day begins at 01:00.
    ['Asia/Beirut', '2026-03-29', '2026-03-28T22:00:00.000Z'],
    ['America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00:00.000Z'],
    // Midnight occurs twice: the first one counts.
    ['America/Havana', '2025-11-02', '2025-11-02T04:00:00.000Z'],
    // A day that was skipped entirely.
    ['Pacific/Apia', '2011-12-30', '2011-12-30T10:00:00.000Z'],
    ['Pacific/Apia', '2011-12-31', '2011-12-30T10:00:00.000Z'],
    ['Asia/Kathmandu', '2026-05-14', '2026-05-13T18:15:00.000Z'],
  ])('begins the day in %s, %s, at %s', (name, date, instant) => {
    expect(iso(startOfDay(name, day(date)))).toBe(instant);
  });

  it('begins a day at the first instant with that date or a later one, in every zone', () => {
    fc.assert(
      fc.property(zone, someDay, (name, civil) => {
        const atMs = startOfDay(name, civil);
        expect(dateIn(name, atMs) >= writeDate(civil)).toBe(true);
        expect(dateIn(name, atMs - 1) < writeDate(civil)).toBe(true);
        expect(civilDay(name, atMs)).toBeGreaterThanOrEqual(civil);
      }),
      { numRuns: 400 },
    );
  });
});

describe('buckets', () => {
  const granularity = fc.constantFrom<Granularity>('hour', 'day', 'week', 'month');

  it('cover the range without gaps, in every zone and through every clock change', () => {
    fc.assert(
      fc.property(zone, someDay, fc.nat(40), granularity, (name, firstDay, days, kind) => {
        const range = { firstDay, lastDay: firstDay + days };
        const found = bucketsOf(name, range, kind, 2_000);
        if (found === null) throw new Error('there is room for forty days');
        const { buckets, endMs } = found;
        const starts = [...buckets.map(({ startMs }) => startMs), endMs];
        expect(endMs).toBe(startOfDay(name, firstDay + days + 1));
        expect(starts[0]).toBe(startOfDay(name, firstDay));
        for (let i = 1; i < starts.length; i++) {
          const [from = 0, to = 0] = [starts[i - 1], starts[i]];
          expect(to).toBeGreaterThan(from);
          if (kind === 'hour') expect(to - from).toBeLessThanOrEqual(HOUR_MS);
          if (kind === 'day') expect(to - from).toBeLessThanOrEqual(26 * HOUR_MS);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('begins buckets of hours on full hours and at clock changes only', () => {
    const transitions = [day('2025-04-06'), day('2025-10-05'), day('2026-03-29'), day('2026-10-25')];
    const civil = fc.oneof(someDay, fc.constantFrom(...transitions));
    const name = fc.oneof(zone, fc.constantFrom('Australia/Lord_Howe', 'Asia/Kathmandu', 'Europe/Dublin'));
    fc.assert(
      fc.property(name, civil, (name, firstDay) => {
        const found = bucketsOf(name, { firstDay, lastDay: firstDay }, 'hour', 100);
        for (const { startMs } of found?.buckets ?? []) {
          const offset = offsetMs(name, startMs);
          const isFullHour = (startMs + offset) % HOUR_MS === 0;
          expect(isFullHour || offset !== offsetMs(name, startMs - 1)).toBe(true);
          expect(startOfHour(name, startMs)).toBe(startMs);
          expect(startOfHour(name, startMs + 1)).toBe(startMs);
        }
      }),
      { numRuns: 400 },
    );
  });

  it.each([
    // At 02:00 clocks go forward to 02:30, and in autumn at 02:00 back to 01:30.
    ['2025-10-05', ['00:00+10:30', '01:00+10:30', '02:30+11:00', '03:00+11:00', '04:00+11:00']],
    ['2026-04-05', ['00:00+11:00', '01:00+11:00', '01:30+10:30', '02:00+10:30', '03:00+10:30']],
  ])('follow a half-hour clock change: Lord Howe, %s', (date, hours) => {
    const range = { firstDay: day(date), lastDay: day(date) };
    const labels = bucketsOf('Australia/Lord_Howe', range, 'hour', 100)?.buckets.map(({ label }) => label);
    expect(labels?.slice(0, 5)).toEqual(hours.map((hour) => `${date}T${hour}`));
  });

  it('contain one local day each', () => {
    fc.assert(
      fc.property(zone, someDay, fc.double({ min: 0, max: 1, noNaN: true }), (name, civil, part) => {
        const [from, to] = [startOfDay(name, civil), startOfDay(name, civil + 1)];
        if (from === to) return; // a day that was skipped entirely
        const atMs = Math.floor(from + part * (to - from - 1));
        // If clocks go back over midnight, the evening repeats after the day has begun.
        if (offsetMs(name, from) !== offsetMs(name, atMs)) return;
        expect(dateIn(name, atMs)).toBe(writeDate(civil));
      }),
      { numRuns: 400 },
    );
  });

  it.each([
    ['2026-03-29', 23],
    ['2026-03-30', 24],
    ['2026-10-25', 25],
  ])('divides %s in Berlin into %i hours', (date, hours) => {
    const range = { firstDay: day(date), lastDay: day(date) };
    expect(bucketsOf('Europe/Berlin', range, 'hour', 100)?.buckets).toHaveLength(hours);
    const whole = bucketsOf('Europe/Berlin', range, 'day', 100);
    expect((whole?.endMs ?? 0) - (whole?.buckets[0]?.startMs ?? 0)).toBe(hours * HOUR_MS);
  });

  it('distinguish a repeated hour by its offset', () => {
    const range = { firstDay: day('2026-10-25'), lastDay: day('2026-10-25') };
    const labels = bucketsOf('Europe/Berlin', range, 'hour', 100)?.buckets.map(({ label }) => label);
    expect(labels?.slice(2, 5)).toEqual([
      '2026-10-25T02:00+02:00',
      '2026-10-25T02:00+01:00',
      '2026-10-25T03:00+01:00',
    ]);
  });

  it('begin weeks on Monday and months on the first, within the range', () => {
    const range = { firstDay: day('2026-01-28'), lastDay: day('2026-02-10') };
    const labels = (kind: Granularity) =>
      bucketsOf('UTC', range, kind, 100)?.buckets.map(({ label }) => label);
    expect(labels('week')).toEqual(['2026-01-28', '2026-02-02', '2026-02-09']);
    expect(labels('month')).toEqual(['2026-01-28', '2026-02-01']);
    expect(bucketsOf('UTC', range, 'month', 100)?.endMs).toBe(day('2026-02-11') * DAY_MS);
  });

  it('omit a day that a zone skipped', () => {
    const range = { firstDay: day('2011-12-29'), lastDay: day('2011-12-31') };
    const labels = bucketsOf('Pacific/Apia', range, 'day', 100)?.buckets.map(({ label }) => label);
    expect(labels).toEqual(['2011-12-29', '2011-12-31']);
  });

  it('refuses too many buckets at once', () => {
    const range = { firstDay: day('0001-01-01'), lastDay: day('9999-12-31') };
    for (const kind of ['hour', 'day', 'week', 'month'] as const)
      expect(bucketsOf('Europe/Berlin', range, kind, 2_000)).toBeNull();
  });
});
