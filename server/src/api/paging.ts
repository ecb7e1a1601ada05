import { hash } from 'node:crypto';
import { Type } from 'typebox';
import { ApiError } from '../domain/errors.ts';

/** Paginates lists. A cursor is opaque to clients: it holds the list that it belongs to, and where the next page starts. */

const LIMIT_MAX = 1_000;
const LIMIT_DEFAULT = 100;
const CURSOR_MAX_CHARS = 4_096;
/** The length of the digest of parameters in a cursor. It guards against mistakes, not against attacks. */
const DIGEST_CHARS = 12;

/** Creates the schema of the largest page. @param what the things that it has, as a plural */
export const LimitQuery = (what: string) =>
  Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: LIMIT_MAX,
      default: LIMIT_DEFAULT,
      description: `Maximum number of ${what} to return, from 1 to ${LIMIT_MAX}. Default: ${LIMIT_DEFAULT}.`,
    }),
  );

export const PageQuery = {
  limit: LimitQuery('rows'),
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: CURSOR_MAX_CHARS,
      description: 'next_cursor of the previous page. Keep all other parameters the same.',
    }),
  ),
};

export const NextCursor = Type.Union([Type.String(), Type.Null()], {
  description: 'Pass this as cursor to get the next page. Null on the last page.',
  examples: [null],
});

/**
 * Names a list by the parameters that decide which rows it has, so that no cursor is used for another list: filters as they are read,
 * since a segment may change.
 */
export function listName(name: string, siteId: string, parameters: object): string {
  return `${name} ${siteId} ${hash('sha256', JSON.stringify(parameters), 'base64url').slice(0, DIGEST_CHARS)}`;
}

/** Encodes a cursor; null if there is no next page. @param list the list that the cursor is valid for */
export function writeCursor(list: string, place: string | null): string | null {
  return place === null ? null : Buffer.from(JSON.stringify([list, place])).toString('base64url');
}

/** Decodes a cursor. @throws ApiError INVALID_QUERY if it was not created for this list */
export function readCursor(list: string, cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const read = parse(Buffer.from(cursor, 'base64url').toString());
  if (!Array.isArray(read) || read.length !== 2 || read[0] !== list || typeof read[1] !== 'string') {
    throw new ApiError('INVALID_QUERY', {
      detail:
        'cursor is invalid: pass next_cursor from the previous response with the same parameters, or omit cursor to start at the first page.',
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
