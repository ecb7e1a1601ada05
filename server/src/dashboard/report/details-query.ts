import { foundBy, SEARCH_MAX_CHARS } from '../../app/reports/filters.ts';
import { type RowSort, SORT_MEASURES } from '../../domain/measures.ts';
import type { PageRules } from '../../domain/value-names.ts';
import type { RowPaging } from '../../store/contract/store.ts';
import { InvalidReport, notOneOf } from './problems.ts';
import { REPORT_TEXT } from './text.ts';

/** The parameters of a table with all rows, in addition to those of a report: what is searched for, the sort and the page. */

const PARAMETERS = ['search', 'sort', 'order', 'cursor'] as const;

export interface DetailsQuery {
  /** The text that values must contain; empty for all rows. */
  search: string;
  /** What rows are sorted by; null for the order of the panel. */
  sort: RowSort | null;
  /** Where the page begins; null for the first page. */
  cursor: string | null;
}

/** @throws InvalidReport */
export function readDetails(query: URLSearchParams): DetailsQuery {
  const problems = PARAMETERS.filter((name) => query.getAll(name).length > 1).map(REPORT_TEXT.givenTwice);
  const [sort, order] = [query.get('sort'), query.get('order')];
  const by = SORT_MEASURES.find((known) => known === sort) ?? null;
  if (sort !== null && by === null) problems.push(notOneOf('sort', sort, SORT_MEASURES));
  if (order !== null && order !== 'asc') problems.push(notOneOf('order', order, ['asc']));
  const search = (query.get('search') ?? '').trim();
  if (search.length > SEARCH_MAX_CHARS) problems.push(REPORT_TEXT.searchTooLong(SEARCH_MAX_CHARS));
  if (problems.length > 0) throw new InvalidReport(problems);
  return {
    search,
    sort: by === null ? null : { by, ascending: order === 'asc' },
    cursor: query.get('cursor'),
  };
}

/** Returns the store's options for the rows that are searched for. */
export function searchOptions(
  { search }: Pick<DetailsQuery, 'search'>,
  by: string,
  rules: PageRules,
): Pick<RowPaging, 'matching'> {
  return search === '' ? {} : { matching: foundBy(by, search, rules) };
}

/** Returns the store's options for the rows and their order. */
export function rowOptions(
  details: DetailsQuery,
  by: string,
  rules: PageRules,
): Pick<RowPaging, 'matching'> & { sort?: RowSort } {
  const { sort } = details;
  return { ...searchOptions(details, by, rules), ...(sort === null ? {} : { sort }) };
}
