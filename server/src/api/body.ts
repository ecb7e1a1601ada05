import type { Static, TObject } from 'typebox';
import { Compile } from 'typebox/compile';
import { ApiError } from '../domain/errors.ts';
import { ECHO_MAX_CHARS } from '../domain/nearest.ts';

/**
 * Returns a function that reads a JSON body by its schema. Unknown fields are refused, because a misspelled one would otherwise change
 * nothing.
 *
 * @param ignored the fields that the response of GET has in addition, so that it can be sent back
 * @throws ApiError INVALID_REQUEST
 */
export function bodyReader<Body extends TObject>(
  schema: Body,
  ignored: readonly string[] = [],
): (body: unknown) => Static<Body> {
  const shape = Compile(schema);
  const fields = Object.keys(schema.properties);
  return (body) => {
    if (!shape.Check(body)) {
      const [problem] = shape.Errors(body);
      const field = problem?.instancePath.slice(1).replaceAll('/', '.') || 'The body';
      throw new ApiError('INVALID_REQUEST', {
        detail: `${field} ${withArticle(problem?.message ?? 'is invalid')}.`,
      });
    }
    const unknown = Object.keys(body as object).find(
      (name) => !fields.includes(name) && !ignored.includes(name),
    );
    if (unknown === undefined) return body as Static<Body>; // checked above
    throw new ApiError('INVALID_REQUEST', {
      detail: `Unknown field "${unknown.slice(0, ECHO_MAX_CHARS)}". Valid fields: ${fields.join(', ')}.`,
    });
  };
}

/** Writes “must be array”, as the validator says it, as “must be an array”. */
function withArticle(message: string): string {
  return message.replace(/^must be (?=(?:array|object)$)/, '$&an ').replace(/^must be (?=[a-z]+$)/, '$&a ');
}
