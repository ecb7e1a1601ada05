import type { LostEvents } from '../../app/reports/lost-events.ts';
import { explanationOf } from '../../domain/outcomes.ts';
import type { Annotation } from '../../store/contract/store.ts';
import { REPORT_TEXT } from './text.ts';

/** A note about a day of the chart. */
export interface ChartNote {
  /** The id of the annotation; null if the note comes from the ledger, and cannot be removed. */
  id: string | null;
  day: number;
  text: string;
}

/** Returns all notes about the days of a report, in their order. */
export function chartNotes(annotations: readonly Annotation[], lost: readonly LostEvents[]): ChartNote[] {
  const notes = lost.map(({ day, reason, count }) => ({
    id: null,
    day,
    text: REPORT_TEXT.lost(count, explanationOf(reason).title),
  }));
  return [...annotations, ...notes].sort((a, b) => a.day - b.day);
}
