import type { FilterSubject } from '../../domain/filters.ts';
import type { RowSort } from '../../domain/measures.ts';
import type { Goal, Scope } from '../../store/contract/store.ts';
import type { DetailsQuery } from './details-query.ts';

/** A page of a table with all its rows. */

/** The rows of a page. */
export const DETAILS_ROWS = 100;

export interface DetailsColumn {
  name: string;
  /** What the numbers are, for a title; null if the name says it. */
  definition: string | null;
  /** The measure that rows can be sorted by with this column; null if they cannot. */
  sort: RowSort['by'] | null;
}

export interface DetailsRow {
  name: string;
  /** A hint beside the name: the company that runs a crawler. */
  note: string | null;
  /** The value; of a goal, its id. */
  value: string | null;
  /** What a filter by the value is about; null if the report cannot be filtered by it. */
  filterBy: FilterSubject | null;
  cells: readonly string[];
}

export interface DetailsTable {
  columns: readonly DetailsColumn[];
  rows: readonly DetailsRow[];
  nextCursor: string | null;
}

export interface TableAsk {
  scope: Scope;
  goals: readonly Goal[];
  details: DetailsQuery;
}
