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
  writeDate,
} from '../src/calendar.ts';
import { DAY_MS, HOUR_MS } from '../src/clock.ts';

const ZONES = [...Intl.supportedValuesOf('timeZone'), 'UTC'];
const day = (text: string) => readDate(text) ?? Number.NaN;
const iso = (ms: number) => new Date(ms).toISOString();

/** Another way to the same knowledge: what `Intl` writes as the date. */
function dateIn(zone: string, atMs: number): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short' }).format(atMs);
}

const zone = fc.constantFrom(...ZONES);
/** 1970 to 2040: every rule that zones follow or followed. */
const someDay = fc.integer({ min: 0, max: day('2040-01-01') });

describe('dates', () => {
  it.each(['2026-02-28', '2024-02-29', '1970-01-01', '0000-02-29', '9999-12-31'])('%s is one', (text) => {
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
  ])('%s is none', (text) => expect(readDate(text)).toBeNull());

  it('knows zones from what is none', () => {
    expect(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires'].every(isTimeZone)).toBe(true);
    expect(['', 'Nowhere/Else', '+02:00', '0', 'Europe/Berlin\n'].some(isTimeZone)).toBe(false);
  });
});

describe('the beginning of a day', () => {
  it.each([
    ['Europe/Berlin', '2026-03-29', '2026-03-28T23:00:00.000Z'],
    ['Europe/Berlin', '2026-03-30', '2026-03-29T22:00:00.000Z'],
    // Midnight is skipped: the day begins at one o'clock.
    ['Asia/Beirut', '2026-03-29', '2026-03-28T22:00:00.000Z'],
    ['America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00:00.000Z'],
    // Midnight is shown twice: the first counts.
    ['America/Havana', '2025-11-02', '2025-11-02T04:00:00.000Z'],
    // A day that did not happen.
    ['Pacific/Apia', '2011-12-30', '2011-12-30T10:00:00.000Z'],
    ['Pacific/Apia', '2011-12-31', '2011-12-30T10:00:00.000Z'],
    ['Asia/Kathmandu', '2026-05-14', '2026-05-13T18:15:00.000Z'],
  ])('in %s, %s, is %s', (name, date, instant) => {
    expect(iso(startOfDay(name, day(date)))).toBe(instant);
  });

  it('is the first instant that any calendar shows the date or a later one, in every zone', () => {
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

  it('tile the range without a gap, in every zone and through every change of the clocks', () => {
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

  it('hold what people in the zone call the same day', () => {
    fc.assert(
      fc.property(zone, someDay, fc.double({ min: 0, max: 1, noNaN: true }), (name, civil, part) => {
        const [from, to] = [startOfDay(name, civil), startOfDay(name, civil + 1)];
        if (from === to) return; // a day that did not happen
        const atMs = Math.floor(from + part * (to - from - 1));
        // Where clocks went back over midnight, the evening is shown again after the day has begun.
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
  ])('in Berlin %s has %i hours', (date, hours) => {
    const range = { firstDay: day(date), lastDay: day(date) };
    expect(bucketsOf('Europe/Berlin', range, 'hour', 100)?.buckets).toHaveLength(hours);
    const whole = bucketsOf('Europe/Berlin', range, 'day', 100);
    expect((whole?.endMs ?? 0) - (whole?.buckets[0]?.startMs ?? 0)).toBe(hours * HOUR_MS);
  });

  it('tell the hour that clocks show twice apart by its offset', () => {
    const range = { firstDay: day('2026-10-25'), lastDay: day('2026-10-25') };
    const labels = bucketsOf('Europe/Berlin', range, 'hour', 100)?.buckets.map(({ label }) => label);
    expect(labels?.slice(2, 5)).toEqual([
      '2026-10-25T02:00+02:00',
      '2026-10-25T02:00+01:00',
      '2026-10-25T03:00+01:00',
    ]);
  });

  it('begin weeks on Monday and months on the first, cut at the range', () => {
    const range = { firstDay: day('2026-01-28'), lastDay: day('2026-02-10') };
    const labels = (kind: Granularity) =>
      bucketsOf('UTC', range, kind, 100)?.buckets.map(({ label }) => label);
    expect(labels('week')).toEqual(['2026-01-28', '2026-02-02', '2026-02-09']);
    expect(labels('month')).toEqual(['2026-01-28', '2026-02-01']);
    expect(bucketsOf('UTC', range, 'month', 100)?.endMs).toBe(day('2026-02-11') * DAY_MS);
  });

  it('leave out a day that a zone skipped', () => {
    const range = { firstDay: day('2011-12-29'), lastDay: day('2011-12-31') };
    const labels = bucketsOf('Pacific/Apia', range, 'day', 100)?.buckets.map(({ label }) => label);
    expect(labels).toEqual(['2011-12-29', '2011-12-31']);
  });

  it('are refused where there would be too many, at once', () => {
    const range = { firstDay: day('0001-01-01'), lastDay: day('9999-12-31') };
    for (const kind of ['hour', 'day', 'week', 'month'] as const)
      expect(bucketsOf('Europe/Berlin', range, kind, 2_000)).toBeNull();
  });
});
