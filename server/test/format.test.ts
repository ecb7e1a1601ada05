import { describe, expect, it } from 'vitest';
import {
  bucketLabel,
  bucketName,
  date,
  dateRange,
  dateTime,
  duration,
  percent,
  plural,
  short,
} from '../src/dashboard/kit/format.ts';
import { readDate } from '../src/domain/calendar.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../src/domain/clock.ts';

const day = (text: string) => readDate(text) ?? Number.NaN;

const bucket = (from: string, to: string) => ({
  startMs: Date.UTC(2026, 8, 1, 14),
  firstDay: day(from),
  lastDay: day(to),
});

describe('formats of pages', () => {
  it.each([
    [plural(1, 'event'), '1 event'],
    [plural(1_234, 'event'), '1,234 events'],
    [short(9_999), '9,999'],
    [short(12_345), '12.3K'],
    [percent(0.25), '25%'],
    [percent(1 / 3, 1), '33.3%'],
    [duration(400), '0s'],
    [duration(59 * SECOND_MS), '59s'],
    [duration(MINUTE_MS + 7 * SECOND_MS), '1m 07s'],
    [duration(2 * HOUR_MS + 5 * MINUTE_MS), '2h 5m'],
    [date(Date.UTC(2026, 10, 28, 23, 59)), '28 Nov 2026'],
    [dateRange(day('2026-09-01'), day('2026-09-01')), '1 Sep 2026'],
    [dateRange(day('2026-11-01'), day('2026-11-28')), '1–28 Nov 2026'],
    [dateRange(day('2026-10-28'), day('2026-11-03')), '28 Oct – 3 Nov 2026'],
    [dateRange(day('2025-12-28'), day('2026-01-03')), '28 Dec 2025 – 3 Jan 2026'],
    [dateTime(Date.UTC(2026, 10, 28, 23, 5), 'Europe/Berlin'), '29 Nov 2026, 00:05'],
    [bucketLabel(Date.UTC(2026, 8, 1, 21), 'hour', 'Europe/Berlin'), '23:00'],
    [bucketLabel(Date.UTC(2026, 8, 1, 22), 'hour', 'Europe/Berlin'), '2 Sep'],
    [bucketLabel(Date.UTC(2026, 8, 1, 22), 'day', 'Europe/Berlin'), '2 Sep'],
    [bucketLabel(Date.UTC(2026, 8, 1), 'month', 'UTC'), 'Sep 2026'],
    [bucketName(bucket('2026-09-01', '2026-09-01'), 'hour', 'UTC'), '1 Sep 2026, 14:00'],
    [bucketName(bucket('2026-09-01', '2026-09-01'), 'day', 'UTC'), 'Tue, 1 Sep 2026'],
    [bucketName(bucket('2026-09-28', '2026-10-04'), 'week', 'UTC'), '28 Sep – 4 Oct 2026'],
    [bucketName(bucket('2026-09-01', '2026-09-30'), 'month', 'UTC'), 'Sep 2026'],
  ])('writes %s', (written, expected) => expect(written).toBe(expected));
});
