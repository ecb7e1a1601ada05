import { Type } from 'typebox';
import { ApiError } from '../errors.ts';

/** Lists are handed over in pages. A cursor is opaque: it says where the next page starts, and which list it belongs to. */

export const LIMIT_MAX = 1_000;
const LIMIT_DEFAULT = 100;
const CURSOR_MAX_CHARS = 4_096;

export const PageQuery = {
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: LIMIT_MAX,
      default: LIMIT_DEFAULT,
      description: `Most rows in the answer, 1 to ${LIMIT_MAX}. Without it: ${LIMIT_DEFAULT}.`,
    }),
  ),
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: CURSOR_MAX_CHARS,
      description: 'The next_cursor of the page before, with the same other parameters.',
    }),
  ),
};

export const NextCursor = Type.Union([Type.String(), Type.Null()], {
  description: 'Ask again with this as cursor for the next page; null after the last.',
  examples: [null],
});

/** @param list what the cursor is good for: the same place in another list would be another place */
export function writeCursor(list: string, place: string | null): string | null {
  return place === null ? null : Buffer.from(JSON.stringify([list, place])).toString('base64url');
}

/** @throws ApiError INVALID_QUERY for a cursor that was not handed out for this list */
export function readCursor(list: string, cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const read = parse(Buffer.from(cursor, 'base64url').toString());
  if (!Array.isArray(read) || read.length !== 2 || read[0] !== list || typeof read[1] !== 'string') {
    throw new ApiError('INVALID_QUERY', {
      detail: 'cursor is none that was handed out here. Leave it out to start at the first page.',
    });
  }
  return read[1];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
