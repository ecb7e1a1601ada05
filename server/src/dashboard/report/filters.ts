import {
  FILTERS_MAX,
  isWithinLimits,
  parseFilter,
  printFilter,
  type ReportFilter,
} from '../../domain/filters.ts';
import { ECHO_MAX_CHARS } from '../../domain/nearest.ts';
import { readOldFilter } from './old-links.ts';
import { REPORT_TEXT } from './text.ts';

/** The filters in the URL of a report: each parameter `f` is one filter, in the grammar of the API. */

/** A filter without its values. */
export type Kind = Omit<ReportFilter, 'values'>;

/** The conditions of filters, by their names in the filter form. */
export const OPERATORS = [
  { id: 'is', name: 'is', negated: false, operator: 'is' },
  { id: 'not', name: 'is not', negated: true, operator: 'is' },
  { id: 'has', name: 'contains', negated: false, operator: 'contains' },
  { id: 'lacks', name: 'does not contain', negated: true, operator: 'contains' },
] as const;

/** Returns the name of a filter's condition, such as `is` or `does not contain`. */
export function operatorName({ negated, operator }: Pick<Kind, 'negated' | 'operator'>): string {
  const found = OPERATORS.find((known) => known.negated === negated && known.operator === operator);
  return (found ?? OPERATORS[0]).name;
}

/** Reads the filters of a report's URL. Invalid ones are left out, as `filterProblems` says. */
export function readReportFilters(query: URLSearchParams): ReportFilter[] {
  return readAll(query).filters;
}

/** Lists what is wrong with the filters of a report's URL, as sentences. */
export function filterProblems(query: URLSearchParams): string[] {
  return readAll(query).problems;
}

function readAll(query: URLSearchParams): { filters: ReportFilter[]; problems: string[] } {
  const texts = [...new Set(query.getAll('f'))];
  const problems = texts.length > FILTERS_MAX ? [REPORT_TEXT.tooManyFilters(FILTERS_MAX)] : [];
  let filters: ReportFilter[] = [];
  for (const text of texts.slice(0, FILTERS_MAX)) {
    const filter = parseFilter(text);
    if (typeof filter !== 'string') {
      filters.push(filter);
      continue;
    }
    // In old links, each value was a separate filter, and filters of one kind were alternatives.
    const old = readOldFilter(text);
    if (old === null) problems.push(REPORT_TEXT.badFilter(text.slice(0, ECHO_MAX_CHARS), filter));
    else filters = withValue(filters, old.kind, old.value);
  }
  return { filters, problems };
}

/** Adds a value to the filter of its kind, or as a new filter. Returns the filters unchanged if a limit is reached. */
export function withValue(
  filters: readonly ReportFilter[],
  kind: Kind,
  value: string | null,
): ReportFilter[] {
  const { by, operator, negated } = kind;
  const next = widened(filters, { by, operator, negated, values: [value] });
  return next.length <= FILTERS_MAX && next.every(isWithinLimits) ? next : [...filters];
}

/** Adds the values of a filter to the filter of its kind, or the filter itself, whatever the limits are. */
export function widened(filters: readonly ReportFilter[], filter: ReportFilter): ReportFilter[] {
  if (filter.values.length === 0) return [...filters];
  const at = filters.findIndex((one) => isSameKind(one, filter));
  const found = filters[at];
  return found === undefined
    ? [...filters, filter]
    : filters.with(at, { ...found, values: [...new Set([...found.values, ...filter.values])] });
}

/** Whether filters differ only in their values. */
export function isSameKind(one: Kind, other: Kind): boolean {
  return one.by === other.by && one.operator === other.operator && one.negated === other.negated;
}

/** Removes one value from a filter. A filter without values is removed. */
export function withoutValue(
  filters: readonly ReportFilter[],
  filter: ReportFilter,
  value: string | null,
): ReportFilter[] {
  const values = filter.values.filter((one) => one !== value);
  return filters.flatMap((one) => (one !== filter ? [one] : values.length === 0 ? [] : [{ ...one, values }]));
}

/** Replaces the filters of a report's query string. */
export function withFilters(query: URLSearchParams, filters: readonly ReportFilter[]): URLSearchParams {
  const next = new URLSearchParams(query);
  next.delete('f');
  for (const filter of filters) next.append('f', printFilter(filter));
  return next;
}
