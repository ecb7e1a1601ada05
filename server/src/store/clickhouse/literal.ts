/**
 * Values as literals of ClickHouse SQL, for servers of every age: parameters are known only to newer ones. The only way by
 * which a value gets into a statement.
 */

/** Control characters and the two that end or escape a literal: https://clickhouse.com/docs/sql-reference/syntax#string */
const ESCAPED = /[\\'\0\n\r\t\b\f]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '\0': '\\0',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
};

/** A string, as UTF-8. */
export function text(value: string): string {
  return `'${value.replace(ESCAPED, (character) => ESCAPES[character] ?? '')}'`;
}

/** A whole number. @throws RangeError for anything else: nothing else may stand where a number is meant */
export function integer(value: number | bigint): string {
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw new RangeError(`${value} is no whole number`);
  return String(value);
}

/** A UTC day, by days since 1970-01-01. */
export function day(value: number): string {
  return `toDate(${text(isoDay(value))})`;
}

const DAY_MS = 86_400_000;
/** Days that the type `Date` holds on every server: up to 2105-12-31. */
export const LAST_DAY = 49_672;

/** A day as `YYYY-MM-DD`; one beyond what ClickHouse can hold is the last it can. */
export function isoDay(value: number): string {
  return new Date(Math.min(Math.max(value, 0), LAST_DAY) * DAY_MS).toISOString().slice(0, 10);
}

/** A list, in parentheses. Never empty: ClickHouse knows no empty list. */
export function list(values: readonly string[]): string {
  return `(${values.join(', ')})`;
}
