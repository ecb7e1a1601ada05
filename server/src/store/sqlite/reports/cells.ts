import type { Key } from '../../rank.ts';
import type { Measures } from '../../store.ts';

export type { Key };

/** What is counted together: a bucket of time, or a value of a dimension. */
export interface Cell {
  readonly index: number;
  visitors: number;
  visits: number;
  pageviews: number;
  events: number;
  referrals: number;
  bounces: number;
  engaged: number;
  bots: number;
}

/** Visits of a site and day are numbered below this. */
const VISITS_PER_DAY = 2 ** 26;

/** Cells by key, made as keys turn up. */
export class Cells {
  readonly byKey = new Map<Key, Cell>();
  readonly #visitors = new Set<number>();
  readonly #visits = new Set<number>();

  at(key: Key): Cell {
    let cell = this.byKey.get(key);
    if (cell === undefined) {
      cell = emptyCell(this.byKey.size);
      this.byKey.set(key, cell);
    }
    return cell;
  }

  /** Whether a visitor of the day (by number of the first visit) was not in the cell before; it is from now on. */
  newVisitor(cell: Cell, first: number): boolean {
    return isNew(this.#visitors, cell.index * VISITS_PER_DAY + first);
  }

  newVisit(cell: Cell, no: number): boolean {
    return isNew(this.#visits, cell.index * VISITS_PER_DAY + no);
  }

  /** Pseudonyms and the numbers of visits are those of one day. */
  nextDay(): void {
    this.#visitors.clear();
    this.#visits.clear();
  }
}

function isNew(set: Set<number>, key: number): boolean {
  const before = set.size;
  return set.add(key).size > before;
}

export function emptyCell(index = 0): Cell {
  return {
    index,
    visitors: 0,
    visits: 0,
    pageviews: 0,
    events: 0,
    referrals: 0,
    bounces: 0,
    engaged: 0,
    bots: 0,
  };
}

export function addCell(to: Cell, from: Omit<Cell, 'index'>): void {
  to.visitors += from.visitors;
  to.visits += from.visits;
  to.pageviews += from.pageviews;
  to.events += from.events;
  to.referrals += from.referrals;
  to.bounces += from.bounces;
  to.engaged += from.engaged;
  to.bots += from.bots;
}

export function toMeasures(cell: Omit<Cell, 'index'>): Measures {
  return {
    visitors: cell.visitors,
    visits: cell.visits,
    pageviews: cell.pageviews,
    events: cell.events,
    conversions: cell.events - cell.pageviews,
    referrals: cell.referrals,
    bounces: cell.bounces,
    engagedMs: cell.engaged,
    botVisits: cell.bots,
  };
}
