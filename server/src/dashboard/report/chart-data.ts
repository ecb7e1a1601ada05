import type { Interval } from '../../app/reports/spans.ts';
import { civilDay, writeDate } from '../../domain/calendar.ts';
import { bucketLabel, bucketName, dateRange, isWithinDay } from '../kit/format.ts';
import type { ChartNote } from './chart-notes.ts';
import { labelledBuckets, valueTicks } from './chart-scale.ts';
import type { ReportData } from './data.ts';
import type { Links } from './links.ts';
import { CONVERSIONS, type Figure } from './measures.ts';

export interface ChartBucket {
  /** The whole name, such as `Sat, 28 Nov 2026`. */
  name: string;
  /** The label on the axis; null if it has none. */
  label: string | null;
  /** The URL of the report of its days; null if there is none. */
  zoom: string | null;
  value: number;
  earlier: number | null;
  /** The texts of the notes about its days. */
  notes: readonly string[];
}

export interface ChartProps {
  figure: Figure;
  /** The figures of the table. */
  figures: readonly Figure[];
  interval: Interval;
  buckets: readonly ChartBucket[];
  /** The values that have a line, from zero to the top of the chart. */
  ticks: readonly number[];
  /** Whether the last bucket has not ended yet. */
  isOpen: boolean;
  /** The names of the two periods; null for the earlier one if there is no comparison. */
  periods: { now: string; earlier: string | null };
  /** The values of each figure, in the order of the buckets. */
  valuesOf: (figure: Figure, i: number) => { value: number; earlier: number | null };
}

/** Prepares the chart of a report. */
export function chartOf(data: ReportData, links: Links, chartNotes: readonly ChartNote[]): ChartProps {
  const { figure, series, earlierSeries, earlierDays, span, zone } = data;
  const figures = data.figures.filter(
    ({ id }) => id !== CONVERSIONS || figure.id === CONVERSIONS || data.goals.length === 0,
  );
  const { interval, boundariesMs, isOpen } = span;
  const valuesOf = (of: Figure, i: number) => {
    const [now, earlier] = [series[i], earlierSeries?.[i]];
    return { value: now ? of.of(now) : 0, earlier: earlier ? of.of(earlier) : null };
  };
  const startsMs = boundariesMs.slice(0, -1);
  const labelled = new Set(labelledBuckets(startsMs, interval, zone));
  const buckets = startsMs.map((startMs, i) => {
    const firstDay = civilDay(zone, startMs);
    const lastDay = civilDay(zone, (boundariesMs[i + 1] ?? startMs + 1) - 1);
    // Of several buckets within a day, the first has the notes.
    const begunDay = i === 0 ? firstDay : civilDay(zone, startMs - 1) + 1;
    const days = { range: 'custom', from: writeDate(firstDay), to: writeDate(lastDay), interval: null };
    return {
      name: bucketName({ startMs, firstDay, lastDay }, interval, zone),
      label: labelled.has(i) ? bucketLabel(startMs, interval, zone) : null,
      zoom: isWithinDay(interval) ? null : links.with(days),
      ...valuesOf(figure, i),
      notes: chartNotes.filter(({ day }) => day >= begunDay && day <= lastDay).map(({ text }) => text),
    };
  });
  const highest = Math.max(0, ...buckets.flatMap(({ value, earlier }) => [value, earlier ?? 0]));
  return {
    ...{ figure, figures, interval, buckets, isOpen, valuesOf },
    ticks: valueTicks(highest, figure.unit),
    periods: {
      now: dateRange(span.firstDay, span.lastDay),
      earlier: earlierDays === null ? null : dateRange(earlierDays.firstDay, earlierDays.lastDay),
    },
  };
}
