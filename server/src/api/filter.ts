import { Type } from 'typebox';
import { resolveFilters, VALUES_SEARCHED_MAX } from '../app/reports/filters.ts';
import { type Dimension, dimensionOf, EVENT_DIMENSIONS, PROP_NAME_MAX_CHARS } from '../domain/dimensions.ts';
import { ApiError } from '../domain/errors.ts';
import {
  FILTER_MAX_CHARS,
  FILTERS_MAX,
  parseFilter,
  printFilter,
  type ReportFilter,
} from '../domain/filters.ts';
import { ECHO_MAX_CHARS } from '../domain/nearest.ts';
import type { Filter, Reports, Scope } from '../store/contract/store.ts';

/** The query parameters that group and filter reports. */

const SPLITTABLE = [...EVENT_DIMENSIONS, 'bot'] as const;

export const FilterQuery = Type.Optional(
  Type.Array(Type.String({ maxLength: FILTER_MAX_CHARS }), {
    maxItems: FILTERS_MAX,
    description: `Keeps only matching data, such as country:DE|AT, !page:/admin, ~page:blog or prop:plan:pro. Repeat it up to ${FILTERS_MAX} times; all filters must match. A leading "!" negates; "~" (after it) matches values that contain the text, ignoring case; "|" means or. An empty value means unknown, and \\0 the empty text; a backslash escapes the next character. "~" is refused if the period has more than ${VALUES_SEARCHED_MAX} different values. Dimensions: ${EVENT_DIMENSIONS.join(', ')}, prop:NAME.`,
    examples: [['country:DE|AT', '!page:/admin', '~page:blog']],
  }),
);

export const ByQuery = Type.String({
  pattern: `^(${SPLITTABLE.join('|')}|prop:[\\s\\S]{1,${PROP_NAME_MAX_CHARS}})$`,
  description: `Dimension to group by: ${SPLITTABLE.join(', ')} or prop:NAME for the values of an event property.`,
  examples: [...SPLITTABLE, 'prop:plan'],
});

/** Converts a dimension that `ByQuery` has accepted. */
export function readDimension(by: string): Dimension {
  const dimension = dimensionOf(by);
  if (dimension === null) throw new ApiError('INVALID_QUERY', { detail: `by is invalid; got "${by}".` });
  return dimension;
}

/** Parses the filters of a query. @throws ApiError INVALID_QUERY if one is invalid */
export function readFilters(texts: readonly string[] = []): ReportFilter[] {
  return texts.map((text) => {
    const filter = parseFilter(text);
    if (typeof filter !== 'string') return filter;
    throw new ApiError('INVALID_QUERY', {
      detail: `filter "${text.slice(0, ECHO_MAX_CHARS)}" ${filter}. Write filters as dimension:value, such as country:DE|AT, !page:/admin or ~page:blog.`,
    });
  });
}

/**
 * Resolves filters for the store, over a period.
 *
 * @throws ApiError INVALID_QUERY if the period has too many values to search for those that contain a text
 */
export async function filtersFor(
  asked: readonly ReportFilter[],
  reports: Pick<Reports, 'breakdown'>,
  { siteId, fromMs, toMs }: Omit<Scope, 'filters'>,
): Promise<Filter[]> {
  const { filters, cut } = await resolveFilters(asked, reports, { siteId, fromMs, toMs });
  const [first] = cut;
  if (first === undefined) return filters;
  const text = printFilter(first).slice(0, ECHO_MAX_CHARS);
  throw new ApiError('INVALID_QUERY', {
    detail: `filter "${text}" matches too broadly: the period has more than ${VALUES_SEARCHED_MAX} distinct values of ${first.by}. Use a shorter period, or exact values.`,
  });
}
