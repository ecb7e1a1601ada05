import { filterSubject, type ReportFilter } from '../../domain/filters.ts';
import { valueNamed } from '../../domain/value-names.ts';
import { type Kind, OPERATORS, readReportFilters, widened, withFilters } from './filters.ts';
import { REPORT_TEXT } from './text.ts';

/**
 * The fields of a form that adds or changes a filter: `add` is its dimension, `how` the condition, and each `text` a value as people
 * read it. Values that such a text cannot say are in pairs: the text in `known`, and the value in `means`, as JSON. `edit` is the
 * position among the filters of one that is changed; the other filters are in the URL.
 */
const FIELDS = ['add', 'how', 'edit', 'text', 'known', 'means'] as const;

/** A value as a field shows it. */
export interface ShownValue {
  text: string;
  /** The value as JSON; null if the text says it. */
  means: string | null;
}

/** Returns what a field shows of a value. @param name its display name */
export function shownValue(kind: Kind, value: string | null, name: string): ShownValue {
  const text = oneLine(name) === '' ? EMPTY : oneLine(name);
  return { text, means: typedValue(kind, text) === value ? null : JSON.stringify(value) };
}

/** Returns what the fields of a filter show. @param names the display names of its values */
export function shownValues(filter: ReportFilter, names: readonly string[]): ShownValue[] {
  const shown = filter.values.map((value, i) => shownValue(filter, value, names[i] ?? ''));
  const isShared = (text: string) => shown.filter((other) => other.text === text).length > 1;
  return shown.map(({ text, means }, i) => ({
    text,
    means: isShared(text) ? JSON.stringify(filter.values[i]) : means,
  }));
}

/** What a field shows of a value of blanks, since an empty field has no value. */
const EMPTY = '(empty)';

/** Returns a text as a browser sends that of a field, without blanks around it. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]/g, '').trim();
}

/** Returns which filter a form is about; null if it was not sent, or names no dimension. */
export function typedKind(query: URLSearchParams): Kind | null {
  const by = filterSubject(query.get('add') ?? '');
  if (by === null) return null;
  const { operator, negated } = OPERATORS.find(({ id }) => id === query.get('how')) ?? OPERATORS[0];
  return { by, operator, negated };
}

/** Whether a form changes a filter, instead of adding one or further values to one of its kind. */
export function isEdit(query: URLSearchParams): boolean {
  return query.get('edit') !== null;
}

/**
 * Replaces the fields of a filter form in a query string with the filter that they describe. A filter beyond the limits is kept, so
 * that the report says so. Returns null if the form was not sent.
 */
export function withTypedFilter(query: URLSearchParams): URLSearchParams | null {
  if (query.get('add') === null) return null;
  const next = new URLSearchParams(query);
  for (const name of FIELDS) next.delete(name);
  const filters = readReportFilters(query);
  const kind = typedKind(query);
  if (kind === null) return withFilters(next, filters);
  const filter: ReportFilter = { ...kind, values: typedValues(query, kind) };
  return withFilters(
    next,
    isEdit(query) ? inserted(filters, filter, query.get('edit')) : widened(filters, filter),
  );
}

function inserted(
  filters: readonly ReportFilter[],
  filter: ReportFilter,
  position: string | null,
): ReportFilter[] {
  if (filter.values.length === 0) return [...filters];
  const at = /^\d{1,3}$/.test(position ?? '') ? Number(position) : filters.length;
  return filters.toSpliced(at, 0, filter);
}

function typedValues(query: URLSearchParams, kind: Kind): (string | null)[] {
  const known = knownValues(query, kind);
  const texts = query.getAll('text').flatMap((text) => text.split('\n'));
  const values = texts.map(oneLine).flatMap((text) => {
    if (text === '') return [];
    const meant = known.get(text);
    // Different values may have the same name: each field means one of them.
    const value = meant !== undefined && meant.length > 1 ? meant.shift() : meant?.[0];
    return [value === undefined ? typedValue(kind, text) : value];
  });
  return [...new Set(values)];
}

/** Reads which values texts mean. A filter that contains a text takes them only as the same text, maybe with blanks. */
function knownValues(query: URLSearchParams, { operator }: Kind): Map<string, (string | null)[]> {
  const meanings = query.getAll('means').map(readMeaning);
  const known = new Map<string, (string | null)[]>();
  query.getAll('known').forEach((text, i) => {
    const value = meanings[i];
    if (value === undefined) return;
    if (operator === 'contains' && (value === null || (oneLine(value) || EMPTY) !== text)) return;
    known.set(text, [...(known.get(text) ?? []), value]);
  });
  return known;
}

/** Reads a value that is JSON. Returns undefined for any other text. */
function readMeaning(text: string): string | null | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' || value === null ? value : undefined;
  } catch {
    return undefined;
  }
}

function typedValue({ by, operator }: Kind, text: string): string {
  if (by === 'goal') return text.startsWith(VISIT) ? text.slice(VISIT.length - 1) : text;
  return operator === 'is' ? valueNamed(by, text) : text;
}

/** How the display name of a goal begins that is a page, with the slash of its path. */
const VISIT = REPORT_TEXT.visitPage('/');
