import type { Measures } from '../../../domain/measures.ts';
import type { Key } from '../../shared/rank.ts';
import { NO_MEASURES, type RollupMeasures } from '../tables/dimension-rollups.ts';

export type { Key };

/** What is counted together: a bucket of time, or a value of a dimension. */
export interface Cell extends RollupMeasures {
  readonly index: number;
}

/** Visits of a site and day are numbered below this. */
const VISITS_PER_DAY = 2 ** 26;

/** Cells by key, made as keys turn up. */
export class Accumulator {
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
  return { index, ...NO_MEASURES };
}

export function addCell(to: Cell, from: RollupMeasures): void {
  to.visitors += from.visitors;
  to.visits += from.visits;
  to.pageviews += from.pageviews;
  to.events += from.events;
  to.referrals += from.referrals;
  to.bounces += from.bounces;
  to.engaged += from.engaged;
  to.bots += from.bots;
}

export function toMeasures(cell: RollupMeasures): Measures {
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
