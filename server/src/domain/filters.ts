import {
  EVENT_DIMENSIONS,
  type FilterDimension,
  filterDimension,
  PROP_NAME_MAX_CHARS,
} from './dimensions.ts';
import { nearest } from './nearest.ts';

/**
 * The grammar of filters, in the API's `filter` and in the dashboard's URLs:
 *
 *     filter = ["!"] ["~"] dimension ":" value *( "|" value )      dimension = page | entry | … | prop ":" name | goal
 *
 * `!` negates. `~` matches values that contain the text, ignoring case. `goal` keeps the events that reach a goal of the site, given
 * by its ID, name or path. An empty value means unknown, and `\0` the empty text. A backslash escapes `|`, `:` and `\`. Several
 * filters must all match.
 */

/** The maximum number of filters in a report. */
export const FILTERS_MAX = 10;
/** The maximum number of values in a filter. */
const FILTER_VALUES_MAX = 100;
/** The maximum length of a filter's text. */
export const FILTER_MAX_CHARS = 4_096;

/** What a filter is about. */
export type FilterSubject = FilterDimension | 'goal';

/** A parsed filter. */
export interface ReportFilter {
  by: FilterSubject;
  /** `is`: equals one of the values. `contains`: contains one of the texts, ignoring case. */
  operator: 'is' | 'contains';
  /** Whether to keep what does not match instead. */
  negated: boolean;
  /** At least one value. Null means unknown, and is not allowed with `contains`. */
  values: readonly (string | null)[];
}

const EMPTY_TEXT = '\\0';

/** Parses a filter. @returns the end of an error sentence, such as `must contain a colon`, if it is invalid */
export function parseFilter(text: string): ReportFilter | string {
  const [, bang, tilde, rest = ''] = /^(!?)(~?)([\s\S]*)$/.exec(text) ?? [];
  if (text.length > FILTER_MAX_CHARS) return `is longer than ${FILTER_MAX_CHARS} characters`;
  const [dimension, afterDimension] = cut(rest);
  if (afterDimension === null) return 'must contain a colon';
  const isProp = dimension === 'prop';
  const [name, values] = isProp ? cut(afterDimension) : ['', afterDimension];
  if (values === null) return 'must contain a colon after the property name';
  if (name.length > PROP_NAME_MAX_CHARS)
    return `has a property name longer than ${PROP_NAME_MAX_CHARS} characters`;
  // Only an unescaped colon makes it a property. With an escaped one, the dimension is unknown.
  const by = isProp
    ? filterDimension(`prop:${name}`)
    : dimension.includes(':')
      ? null
      : filterSubject(dimension);
  if (by === null) {
    const near = nearest(dimension, [...EVENT_DIMENSIONS, 'prop', 'goal']);
    return `has an unknown dimension "${dimension}"${near === null ? '' : ` (did you mean ${near}?)`}`;
  }
  const list = splitAtBars(values).map(readValue);
  if (list.length > FILTER_VALUES_MAX) return `has more than ${FILTER_VALUES_MAX} values`;
  const operator = tilde === '' ? 'is' : 'contains';
  if (operator === 'contains' && list.includes(null))
    return 'has an empty value; "~" requires text to search for';
  if (by === 'goal' && list.includes(null)) return 'has an empty value; "goal" requires a goal of the site';
  return { by, operator, negated: bang === '!', values: list };
}

/** Returns a word as the subject of a filter; null if it is not one. */
export function filterSubject(word: string): FilterSubject | null {
  return word === 'goal' ? word : filterDimension(word);
}

/** Whether a filter has values and is within the limits. */
export function isWithinLimits(filter: ReportFilter): boolean {
  const count = filter.values.length;
  return count > 0 && count <= FILTER_VALUES_MAX && printFilter(filter).length <= FILTER_MAX_CHARS;
}

/** Formats a filter so that `parseFilter` returns the same filter. */
export function printFilter({ by, operator, negated, values }: ReportFilter): string {
  const name = by.startsWith('prop:') ? `prop:${literal(by.slice('prop:'.length))}` : by;
  return `${negated ? '!' : ''}${operator === 'contains' ? '~' : ''}${name}:${values.map(printValue).join('|')}`;
}

function readValue(written: string): string | null {
  if (written === EMPTY_TEXT) return '';
  return written === '' ? null : unescaped(written);
}

function printValue(value: string | null): string {
  if (value === null) return '';
  return value === '' ? EMPTY_TEXT : literal(value);
}

/** Splits a text at its first unescaped colon. @returns the unescaped first part, and the rest; null if there is no colon */
function cut(text: string): [string, string | null] {
  const match = /^((?:[^\\:]|\\.)*):(.*)$/s.exec(text);
  return match === null ? [unescaped(text), null] : [unescaped(match[1] ?? ''), match[2] ?? ''];
}

/** Splits a text at unescaped bars; the parts remain escaped. */
function splitAtBars(text: string): string[] {
  const parts = [''];
  for (const [piece] of text.matchAll(/\\.|./gs)) {
    if (piece === '|') parts.push('');
    else parts.push(`${parts.pop() ?? ''}${piece}`);
  }
  return parts;
}

function literal(text: string): string {
  return text.replaceAll(/[\\|:]/g, '\\$&');
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, '$1');
}
