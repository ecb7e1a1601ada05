import { hash } from 'node:crypto';
import type { BreakdownRow, Measures } from './store.ts';

/** What a value is known by while it is counted: a text's number, a text, or null for what is not known. */
export type Key = number | string | null;

/** A value's numbers before it has a place. */
export interface Counted {
  key: Key;
  measures: Measures;
  company?: string | null;
}

/** A place in the order: by what is largest, then by value. */
interface Place {
  visitors: number;
  events: number;
  /** As `placedBy` writes it. */
  value: string | null;
}

/** A cursor is part of an address, and addresses must not get long. */
const VALUE_IN_CURSOR_MAX_CHARS = 256;

/** A value as it is ordered: a long one by its beginning, and by a digest among those that begin alike. */
function placedBy(value: string | null): string | null {
  if (value === null || value.length <= VALUE_IN_CURSOR_MAX_CHARS) return value;
  return value.slice(0, VALUE_IN_CURSOR_MAX_CHARS) + hash('sha256', value, 'base64url');
}

/**
 * The page of a breakdown that follows a cursor: most visitors first (bot visits count as such for bots), then events, then
 * value in the order of code units, with what is not known last. Texts are looked up for the page's own rows only.
 */
export function rank(
  counted: readonly Counted[],
  textOf: (key: Key) => string | null,
  { limit, cursor }: { limit: number; cursor?: string },
): { rows: BreakdownRow[]; nextCursor: string | null } {
  const after = cursor === undefined ? null : parseCursor(cursor);
  const sizes = (row: Counted) => ({
    visitors: row.measures.visitors + row.measures.botVisits,
    events: row.measures.events,
  });
  const bySize = (a: Counted, b: Counted) => compareSizes(sizes(a), sizes(b));
  const later =
    after === null ? [...counted] : counted.filter((row) => isAfter(sizes(row), row, textOf, after));
  later.sort(bySize);
  // One more than asked for, and all that are as large as that one: their texts decide.
  const last = later[limit];
  const end = last === undefined ? later.length : later.findLastIndex((row) => bySize(row, last) === 0) + 1;
  const candidates = later
    .slice(0, end)
    .map((row) => {
      const text = textOf(row.key);
      return { ...sizes(row), value: placedBy(text), text, row };
    })
    .sort(comparePlaces);
  const page = candidates.slice(0, limit);
  const lastShown = page.at(-1);
  return {
    rows: page.map(({ text, row: { measures, company } }) => ({
      value: text,
      ...measures,
      ...(company === undefined ? {} : { company }),
    })),
    nextCursor: candidates.length > limit && lastShown !== undefined ? writeCursor(lastShown) : null,
  };
}

type Sizes = Omit<Place, 'value'>;

function compareSizes(a: Sizes, b: Sizes): number {
  return b.visitors - a.visitors || b.events - a.events;
}

function comparePlaces(a: Place, b: Place): number {
  const bySize = compareSizes(a, b);
  if (bySize !== 0 || a.value === b.value) return bySize;
  if (a.value === null) return 1;
  if (b.value === null) return -1;
  return a.value < b.value ? -1 : 1;
}

function isAfter(sizes: Sizes, { key }: Counted, textOf: (key: Key) => string | null, place: Place): boolean {
  const bySize = compareSizes(place, sizes);
  return bySize < 0 || (bySize === 0 && comparePlaces(place, { ...sizes, value: placedBy(textOf(key)) }) < 0);
}

function writeCursor({ visitors, events, value }: Place): string {
  return Buffer.from(JSON.stringify([visitors, events, value])).toString('base64url');
}

/** Throws nothing: a made-up cursor is the place before the first. */
function parseCursor(cursor: string): Place | null {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(place)) return null;
    const [visitors, events, value] = place as unknown[];
    if (typeof visitors !== 'number' || typeof events !== 'number') return null;
    return { visitors, events, value: typeof value === 'string' ? value : null };
  } catch {
    return null;
  }
}
