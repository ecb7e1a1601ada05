import { filterDimension } from '../../domain/dimensions.ts';
import type { ReportFilter } from '../../domain/filters.ts';

/**
 * The format of filters in links until 2026: `is.page./pricing`, `not.country.DE`, `has.page.blog`, `lacks.page.blog`,
 * `none.source`.
 */

const KINDS = {
  is: { operator: 'is', negated: false },
  not: { operator: 'is', negated: true },
  has: { operator: 'contains', negated: false },
  lacks: { operator: 'contains', negated: true },
  none: { operator: 'is', negated: false },
  some: { operator: 'is', negated: true },
} as const;

/** The maximum length of a filter in old links. */
const OLD_MAX_CHARS = 2_000;

/** Parses an old filter, which has one value or none; null if it is invalid. */
export function readOldFilter(
  text: string,
): { kind: Omit<ReportFilter, 'values'>; value: string | null } | null {
  const match = /^(is|not|has|lacks|none|some)\.([^.]+)(?:\.([\s\S]*))?$/.exec(text);
  if (match === null || text.length > OLD_MAX_CHARS) return null;
  const [, how = '', name = '', value] = match;
  const by = filterDimension(name.replaceAll('%2E', '.').replaceAll('%25', '%'));
  const needsValue = how !== 'none' && how !== 'some';
  if (by === null || needsValue !== (value !== undefined)) return null;
  const { operator, negated } = KINDS[how as keyof typeof KINDS]; // the pattern allows no other word
  return { kind: { by, operator, negated }, value: value ?? null };
}
