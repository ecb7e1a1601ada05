/**
 * Functions that write values as literals of ClickHouse SQL, since only newer servers support parameters. Every value in a
 * statement goes through them.
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

/** Writes a string literal. */
export function text(value: string): string {
  return `'${value.replace(ESCAPED, (character) => ESCAPES[character] ?? '')}'`;
}

/** Writes an integer literal. @throws RangeError for anything else */
export function integer(value: number | bigint): string {
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw new RangeError(`${value} is not a whole number`);
  return String(value);
}

/** Writes a UTC day as a literal. @param value days since 1970-01-01 */
export function day(value: number): string {
  return `toDate(${text(isoDay(value))})`;
}

const DAY_MS = 86_400_000;
/** The last day that the type `Date` can hold on every server: 2105-12-31. */
export const LAST_DAY = 49_672;

/** Formats a day as `YYYY-MM-DD`. A day beyond ClickHouse's range becomes the last one in it. */
export function isoDay(value: number): string {
  return new Date(Math.min(Math.max(value, 0), LAST_DAY) * DAY_MS).toISOString().slice(0, 10);
}

/** Writes a list in parentheses. It must not be empty, since ClickHouse has no empty lists. */
export function list(values: readonly string[]): string {
  return `(${values.join(', ')})`;
}
