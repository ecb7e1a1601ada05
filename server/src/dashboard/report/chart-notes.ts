import type { Interruption } from '../../app/reports/interruptions.ts';
import { civilDay } from '../../domain/calendar.ts';
import { DAY_MS } from '../../domain/clock.ts';
import { explanationOf } from '../../domain/outcomes.ts';
import type { Annotation } from '../../store/contract/store.ts';
import { date, time } from '../kit/format.ts';
import { REPORT_TEXT } from './text.ts';

/** A note about a day of the chart. */
export interface ChartNote {
  /** The id of the annotation; null if the note is made of the data, so that nobody can remove it. */
  id: string | null;
  day: number;
  text: string;
}

/** Returns all notes about the days of a report, in their order. */
export function chartNotes(
  annotations: readonly Annotation[],
  interruptions: readonly Interruption[],
  zone: string,
): ChartNote[] {
  const notes = interruptions.map((interruption) => ({
    id: null,
    day: civilDay(zone, interruption.fromMs),
    text: textOf(interruption, zone),
  }));
  return [...annotations, ...notes].sort((a, b) => a.day - b.day);
}

function textOf(interruption: Interruption, zone: string): string {
  if (interruption.kind === 'lost')
    return REPORT_TEXT.lost(interruption.count, explanationOf(interruption.reason).title);
  const { fromMs, toMs, usual } = interruption;
  const from = time(fromMs, zone);
  if (toMs === null) return REPORT_TEXT.silentSince(from, usual);
  const lastDay = civilDay(zone, toMs);
  const to = time(toMs, zone);
  return REPORT_TEXT.silent(
    from,
    lastDay === civilDay(zone, fromMs) ? to : `${to} on ${date(lastDay * DAY_MS)}`,
    usual,
  );
}
