import { PAGEVIEW } from '../../../../../tracker/wire/limits.ts';
import { type Measures, NO_MEASURES } from '../../../domain/measures.ts';
import { isBounce } from '../../../domain/visit-rules.ts';
import type { Visit, VisitEvent } from './visit-stream.ts';

/** A bucket of time by number, or a value. */
export type CellKey = number | string | null;

/** How a question sorts what it counts. Undefined: not in the answer. */
export interface Sorting {
  /** Events that pass the filters of events. */
  keeps(event: VisitEvent): boolean;
  keepsVisit(visit: Visit): boolean;
  /** Where an event is counted. */
  cellOfEvent(event: VisitEvent, visit: Visit): CellKey | undefined;
  /** Where a visit is counted of which some events are kept. */
  cellsOfVisit(visit: Visit, kept: readonly VisitEvent[]): Iterable<CellKey>;
}

/** Numbers by cell, gathered from one visitor's day after the other. */
export class ReportAccumulator {
  readonly cells = new Map<CellKey, Measures>();
  readonly #sorting: Sorting;

  constructor(sorting: Sorting) {
    this.#sorting = sorting;
  }

  /** @param visits of one visitor and UTC day */
  add(visits: readonly Visit[]): void {
    const seen = new Set<CellKey>();
    for (const visit of visits) {
      if (!this.#sorting.keepsVisit(visit)) continue;
      const kept = visit.events.filter((event) => this.#sorting.keeps(event));
      if (kept.length === 0) continue;
      for (const event of kept) this.#addEvent(event, visit, seen);
      for (const key of this.#sorting.cellsOfVisit(visit, kept)) addVisit(this.at(key), visit);
    }
  }

  at(key: CellKey): Measures {
    let cell = this.cells.get(key);
    if (cell === undefined) {
      cell = { ...NO_MEASURES };
      this.cells.set(key, cell);
    }
    return cell;
  }

  #addEvent(event: VisitEvent, visit: Visit, seen: Set<CellKey>): void {
    const key = this.#sorting.cellOfEvent(event, visit);
    if (key === undefined) return;
    const cell = this.at(key);
    cell.events += 1;
    if (event.name === PAGEVIEW) cell.pageviews += 1;
    else cell.conversions += 1;
    if (seen.has(key)) return;
    seen.add(key);
    cell.visitors += 1;
  }
}

function addVisit(cell: Measures, { events, engagedMs, profile }: Visit): void {
  const pageviews = events.filter(({ name }) => name === PAGEVIEW).length;
  cell.visits += 1;
  cell.engagedMs += engagedMs;
  if (profile.channel === 'ai') cell.referrals += 1;
  if (isBounce({ pageviews, events: events.length, engaged: engagedMs })) cell.bounces += 1;
}
