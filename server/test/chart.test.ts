import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { spanOf } from '../src/app/reports/spans.ts';
import { labelledBuckets, valueTicks } from '../src/dashboard/report/chart-scale.ts';
import { HOUR_MS, MINUTE_MS } from '../src/domain/clock.ts';

/** The axes of the report's chart. */

describe('the axis of values', () => {
  it.each([
    [0, 'count', [0, 1]],
    [1, 'count', [0, 1]],
    [3, 'count', [0, 1, 2, 3]],
    [7, 'count', [0, 2, 4, 6, 8]],
    [2_532, 'count', [0, 1_000, 2_000, 3_000]],
    [0, 'share', [0, 0.5, 1]],
    [0.31, 'share', [0, 0.1, 0.2, 0.3, 0.4]],
    [1, 'share', [0, 0.5, 1]],
    [50_000, 'time', [0, 15_000, 30_000, 45_000, 60_000]],
    [9 * HOUR_MS, 'time', [0, 3 * HOUR_MS, 6 * HOUR_MS, 9 * HOUR_MS]],
  ] as const)('of %d as %s', (highest, unit, ticks) => {
    expect(valueTicks(highest, unit).map((tick) => Number(tick.toFixed(9)))).toEqual(ticks);
  });

  it('has few round steps, and reaches the highest value without much room above it', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 1, max: 1e12 }), fc.double({ min: 1, max: 1e6, noNaN: true })),
        fc.constantFrom('count' as const, 'time' as const),
        (highest, unit) => {
          const ticks = valueTicks(highest, unit);
          const [step = 0, top = 0] = [ticks[1], ticks.at(-1)];
          expect(ticks.length).toBeLessThanOrEqual(6);
          expect(top).toBeGreaterThanOrEqual(highest * (1 - 1e-9));
          expect(top - highest).toBeLessThan(step + 1e-6 * top);
        },
      ),
    );
  });
});

describe('the axis of time', () => {
  const labels = (range: string, from: string, to: string, interval: string | null = null) => {
    const context = { zone: 'Europe/Berlin', nowMs: Date.UTC(2026, 4, 14, 11, 30), createdAtMs: 0 };
    const span = spanOf({ range, from, to, interval }, context);
    const startsMs = span.boundariesMs.slice(0, -1);
    return labelledBuckets(startsMs, span.interval, context.zone).map((i) =>
      new Date((startsMs[i] ?? 0) + 2 * HOUR_MS).toISOString().slice(0, 16).replace('T00:00', ''),
    );
  };

  it('labels round hours, Mondays, months and years', () => {
    expect(labels('custom', '2026-05-12', '2026-05-12')).toEqual([
      ...['2026-05-12', '2026-05-12T03:00', '2026-05-12T06:00', '2026-05-12T09:00'],
      ...['2026-05-12T12:00', '2026-05-12T15:00', '2026-05-12T18:00', '2026-05-12T21:00'],
    ]);
    expect(labels('7d', '', '')).toHaveLength(7);
    expect(labels('28d', '', '')).toEqual(['2026-04-20', '2026-04-27', '2026-05-04', '2026-05-11']);
    expect(labels('custom', '2025-05-01', '2025-08-31', 'day')).toEqual([
      ...['2025-05-01', '2025-06-01', '2025-07-01', '2025-08-01'],
    ]);
    expect(labels('all', '', '', 'month').every((label) => label.slice(5, 7) === '01')).toBe(true);
  });

  it('never crowds', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('today', '60m', '24h', '7d', '28d', '91d', 'month', 'year', '12m', 'all'),
        fc.constantFrom(null, 'hour', 'day', 'week', 'month'),
        fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2030, 0, 1) }),
        (range, interval, nowMs) => {
          const asked = { range, interval, from: null, to: null };
          const span = spanOf(asked, { zone: 'America/New_York', nowMs, createdAtMs: nowMs - 9e11 });
          const startsMs = span.boundariesMs.slice(0, -1);
          const labelled = labelledBuckets(startsMs, span.interval, 'America/New_York');
          expect(labelled.length).toBeLessThanOrEqual(8);
          expect(labelled.length).toBeGreaterThan(0);
        },
      ),
    );
  });
});

it('calls a span open as long as its last bucket has not ended', () => {
  const context = { zone: 'UTC', createdAtMs: 0 };
  const asked = { range: 'custom', from: '2026-05-01', to: '2026-05-14', interval: null };
  const end = Date.UTC(2026, 4, 15);
  expect(spanOf(asked, { ...context, nowMs: end - MINUTE_MS }).isOpen).toBe(true);
  expect(spanOf(asked, { ...context, nowMs: end }).isOpen).toBe(false);
});
