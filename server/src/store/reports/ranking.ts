import type { RowSort } from '../../domain/measures.ts';
import type { RowPaging } from '../contract/store.ts';
import { isOneOf } from './conditions.ts';
import type { Values } from './statement.ts';

/** What rows are ranked by: expressions over their columns. */
export interface Ranking {
  /** A whole number, since it is a part of cursors. */
  size: string;
  /** What rows of the same size are ranked by. */
  more: string;
  /** Which rows are listed. */
  isListed: string;
}

const BY_VISITORS: Ranking = {
  size: 'visitors + bots',
  more: 'events',
  isListed: '(visits > 0 OR events > 0 OR bots > 0)',
};

/** The sizes by which rows can be sorted. Shares are compared to the sixth decimal, times to the millisecond. */
const SIZES: Readonly<Record<RowSort['by'], string>> = {
  visitors: BY_VISITORS.size,
  visits: 'visits',
  pageviews: 'pageviews',
  events: 'events',
  bounce: 'floor(bounces * 1000000 / greatest(visits, 1))',
  engaged: 'floor(engaged / greatest(visits, 1))',
};

/** Returns the ranking of a sort. */
export function rankingOf(sort: RowSort | undefined): Ranking {
  if (sort === undefined) return BY_VISITORS;
  const { by, ascending } = sort;
  const more = by === 'visitors' ? BY_VISITORS.more : 'visitors';
  return { ...BY_VISITORS, size: ascending ? `-(${SIZES[by]})` : SIZES[by], more };
}

/** A position in the ranking. */
interface Place {
  size: number;
  more: number;
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
 *
 * @param by the dimension of the rows
 * @param ranking what rows are ranked by instead of visitors and events
 */
export function ranked(
  counted: string,
  { limit, cursor, matching }: RowPaging,
  values: Values,
  { by, ranking }: { by: string; ranking: Ranking },
): string {
  const { size, more, isListed } = ranking;
  const matches = matching === undefined ? 'true' : isOneOf('key', { by, ...matching }, values);
  const after = cursor === undefined ? null : parseCursor(cursor);
  return `SELECT * FROM (
    SELECT *, ${size} AS size, ${more} AS more,
      CASE WHEN char_length(key) <= ${VALUE_IN_CURSOR_MAX_CHARS} THEN key ELSE ${DIGEST} END AS sort_key
    FROM (${counted}) AS counted) AS keyed
  WHERE ${isListed} AND ${matches} AND ${after === null ? 'true' : isAfter(after, values)}
  ORDER BY size DESC, more DESC, sort_key ASC NULLS LAST LIMIT ${values.bind(limit + 1)}`;
}

/** Splits the rows of a ranked query into those of the page and the cursor of the next page. */
export function pageOf<Row extends Readonly<Record<string, unknown>>>(
  rows: readonly Row[],
  { limit }: Pick<RowPaging, 'limit'>,
): { rows: Row[]; nextCursor: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { rows: page, nextCursor: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}

function isAfter({ size, more, sortKey }: Place, values: Values): string {
  const [sizeBefore, moreBefore] = [values.bind(size), values.bind(more)];
  const later = sortKey === null ? 'false' : `(sort_key IS NULL OR sort_key > ${values.bind(sortKey)})`;
  return `(size < ${sizeBefore} OR (size = ${sizeBefore}
    AND (more < ${moreBefore} OR (more = ${moreBefore} AND ${later}))))`;
}

function cursorOf({ size, more, sort_key: sortKey }: Readonly<Record<string, unknown>>): string {
  const of = [Number(size), Number(more), sortKey === null ? null : String(sortKey)];
  return Buffer.from(JSON.stringify(of)).toString('base64url');
}

function parseCursor(cursor: string): Place | null {
  try {
    const of: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(of)) return null;
    const [size, more, sortKey] = of as unknown[];
    if (!isCount(size) || !isCount(more)) return null;
    return { size, more, sortKey: typeof sortKey === 'string' ? sortKey : null };
  } catch {
    return null;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
