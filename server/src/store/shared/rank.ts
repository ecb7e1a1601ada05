import { hash } from 'node:crypto';
import type { Measures } from '../../domain/measures.ts';
import type { BreakdownRow } from '../contract/store.ts';

/** A value and its measures before ranking. */
export interface Counted {
  /** Null if unknown. */
  key: string | null;
  measures: Measures;
  company?: string | null;
}

/** A position in the order: by measures, largest first, then by value. */
interface Place {
  visitors: number;
  events: number;
  /** The value as `placedBy` returns it. */
  value: string | null;
}

/** Maximum characters of a value in a cursor, because cursors are part of URLs. */
const VALUE_IN_CURSOR_MAX_CHARS = 256;

/** Returns the sort key of a value: a long value is cut, and a digest distinguishes values that begin alike. */
function placedBy(value: string | null): string | null {
  if (value === null || value.length <= VALUE_IN_CURSOR_MAX_CHARS) return value;
  return value.slice(0, VALUE_IN_CURSOR_MAX_CHARS) + hash('sha256', value, 'base64url');
}

/**
 * Returns the page of a breakdown that follows a cursor: most visitors first (for bots, most bot visits), then most events,
 * then value in the order of code units, with unknown last.
 */
export function rank(
  counted: readonly Counted[],
  { limit, cursor }: { limit: number; cursor?: string },
): { rows: BreakdownRow[]; nextCursor: string | null } {
  const after = cursor === undefined ? null : parseCursor(cursor);
  const sizes = (row: Counted) => ({
    visitors: row.measures.visitors + row.measures.botVisits,
    events: row.measures.events,
  });
  const bySize = (a: Counted, b: Counted) => compareSizes(sizes(a), sizes(b));
  const later = after === null ? [...counted] : counted.filter((row) => isAfter(sizes(row), row, after));
  later.sort(bySize);
  // Takes one row more than the limit, and all rows of the same size, since their strings decide the order.
  const last = later[limit];
  const end = last === undefined ? later.length : later.findLastIndex((row) => bySize(row, last) === 0) + 1;
  const candidates = later
    .slice(0, end)
    .map((row) => ({ ...sizes(row), value: placedBy(row.key), row }))
    .sort(comparePlaces);
  const page = candidates.slice(0, limit);
  const lastShown = page.at(-1);
  return {
    rows: page.map(({ row: { key, measures, company } }) => ({
      value: key,
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

function isAfter(sizes: Sizes, { key }: Counted, place: Place): boolean {
  const bySize = compareSizes(place, sizes);
  return bySize < 0 || (bySize === 0 && comparePlaces(place, { ...sizes, value: placedBy(key) }) < 0);
}

function writeCursor({ visitors, events, value }: Place): string {
  return Buffer.from(JSON.stringify([visitors, events, value])).toString('base64url');
}

/** Parses a cursor. An invalid one is not an error: it stands for the place before the first row. */
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
