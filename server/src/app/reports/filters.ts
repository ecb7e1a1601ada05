import { PAGEVIEW } from '../../../../tracker/wire/limits.ts';
import type { FilterDimension } from '../../domain/dimensions.ts';
import type { ReportFilter } from '../../domain/filters.ts';
import { valueName } from '../../domain/value-names.ts';
import type { Filter, Reports, Scope } from '../../store/contract/store.ts';

/** The filter for visits referred by AI assistants. */
export const AI_VISITS: Filter = { by: 'channel', values: ['ai'], negated: false };
/** The filter for events other than page views. */
export const CUSTOM_EVENTS: Filter = { by: 'event', values: [PAGEVIEW], negated: true };

/** The maximum number of a span's values that are searched for a text, starting with the most visited. */
export const VALUES_SEARCHED_MAX = 1_000;

export interface ResolvedFilters {
  filters: Filter[];
  /** The `contains` filters that are incomplete, because the span has more than `VALUES_SEARCHED_MAX` values. */
  cut: ReportFilter[];
}

/**
 * Resolves filters for the store, which compares only whole values. A `contains` filter becomes the list of the span's values
 * that contain the text, either themselves or in their display name: `german` finds the country `DE`.
 */
export async function resolveFilters(
  asked: readonly ReportFilter[],
  reports: Pick<Reports, 'breakdown'>,
  span: Omit<Scope, 'filters'>,
): Promise<ResolvedFilters> {
  const searched = new Map<FilterDimension, ReturnType<Reports['breakdown']>>();
  const valuesOf = (by: FilterDimension) => {
    const found =
      searched.get(by) ?? reports.breakdown({ ...span, filters: [] }, by, { limit: VALUES_SEARCHED_MAX });
    searched.set(by, found);
    return found;
  };
  const resolved: ResolvedFilters = { filters: [], cut: [] };
  for (const filter of asked) {
    const { by, operator, negated, values } = filter;
    if (operator === 'is') {
      resolved.filters.push({ by, negated, values });
      continue;
    }
    const { rows, nextCursor } = await valuesOf(by);
    if (nextCursor !== null) resolved.cut.push(filter);
    const parts = values.flatMap((value) => value?.toLowerCase() ?? []);
    const matching = rows.flatMap(({ value }) =>
      value !== null && contains(by, value, parts) ? [value] : [],
    );
    // A negated filter whose text no value contains keeps everything, so it is dropped.
    if (!negated || matching.length > 0) resolved.filters.push({ by, negated, values: matching });
  }
  return resolved;
}

function contains(by: FilterDimension, value: string, parts: readonly string[]): boolean {
  const texts = [value.toLowerCase(), valueName(by, value).toLowerCase()];
  return parts.some((part) => texts.some((text) => text.includes(part)));
}
