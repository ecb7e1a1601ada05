import type { Values } from './statement.ts';

/** The page of a breakdown to return. */
export interface Paging {
  limit: number;
  /** Returned by the page before. An invalid cursor is not an error: the first page is returned. */
  cursor?: string;
}

/** A position in the ranking. */
interface Place {
  size: number;
  events: number;
  /** What rows with the same numbers are ordered by; null for the unknown value. */
  sortKey: string | null;
}

/** Longest value that a cursor contains, since cursors are part of URLs. */
const VALUE_IN_CURSOR_MAX_CHARS = 256;

/** Engines write digests differently, but in the same order. It begins with the last code point. */
const DIGEST = "concat('\u{10ffff}', hex(SHA256(key)))";

/**
 * Returns the rows of a query that belong on a page, and one more if there is another page: most visitors first (for bots, most
 * visits), then most events, then by value, with unknown last. Long values come after others, in the order of their digests.
 */
export function ranked(counted: string, { limit, cursor }: Paging, values: Values): string {
  const after = cursor === undefined ? null : parseCursor(cursor);
  return `SELECT * FROM (
    SELECT *, visitors + bots AS size,
      CASE WHEN char_length(key) <= ${VALUE_IN_CURSOR_MAX_CHARS} THEN key ELSE ${DIGEST} END AS sort_key
    FROM (${counted}) AS counted) AS keyed
  WHERE (visits > 0 OR events > 0 OR bots > 0) AND ${after === null ? 'true' : isAfter(after, values)}
  ORDER BY size DESC, events DESC, sort_key ASC NULLS LAST LIMIT ${values.bind(limit + 1)}`;
}

/** Splits the rows of a ranked query into those of the page and the cursor of the next page. */
export function pageOf<Row extends Readonly<Record<string, unknown>>>(
  rows: readonly Row[],
  { limit }: Paging,
): { rows: Row[]; nextCursor: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { rows: page, nextCursor: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}

function isAfter({ size, events, sortKey }: Place, values: Values): string {
  const [sizeBefore, eventsBefore] = [values.bind(size), values.bind(events)];
  const later = sortKey === null ? 'false' : `(sort_key IS NULL OR sort_key > ${values.bind(sortKey)})`;
  return `(size < ${sizeBefore} OR (size = ${sizeBefore}
    AND (events < ${eventsBefore} OR (events = ${eventsBefore} AND ${later}))))`;
}

function cursorOf({ size, events, sort_key: sortKey }: Readonly<Record<string, unknown>>): string {
  const of = [Number(size), Number(events), sortKey === null ? null : String(sortKey)];
  return Buffer.from(JSON.stringify(of)).toString('base64url');
}

function parseCursor(cursor: string): Place | null {
  try {
    const of: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(of)) return null;
    const [size, events, sortKey] = of as unknown[];
    if (!isCount(size) || !isCount(events)) return null;
    return { size, events, sortKey: typeof sortKey === 'string' ? sortKey : null };
  } catch {
    return null;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
