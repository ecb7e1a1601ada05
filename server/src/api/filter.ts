import { Type } from 'typebox';
import { ApiError } from '../errors.ts';
import { type Dimension, EVENT_DIMENSIONS, type Filter } from '../store/store.ts';
import { nearest } from './query.ts';

/**
 * What numbers can be split and filtered by, in the API's words. The grammar of a filter:
 *
 *     filter = ["!"] dimension ":" value *( "|" value )      dimension = page | entry | … | prop ":" name
 *
 * `!` keeps what has none of the values. An empty value is "not known". A backslash takes `|`, `:` and `\` literally. Several
 * filters must all hold.
 */

const FILTERS_MAX = 10;
const VALUES_MAX = 100;
const FILTER_MAX_CHARS = 4_096;
const PROP_NAME_MAX_CHARS = 64;

const DIMENSIONS = [...EVENT_DIMENSIONS, 'bot'] as const;

export const FilterQuery = Type.Optional(
  Type.Array(Type.String({ maxLength: FILTER_MAX_CHARS }), {
    maxItems: FILTERS_MAX,
    description: `Keeps only what fits, such as country:DE|AT, !page:/admin or prop:plan:pro. Give it up to ${FILTERS_MAX} times; all must hold. "!" negates, "|" means or, an empty value means not known, a backslash takes the next character literally. Dimensions: ${EVENT_DIMENSIONS.join(', ')}, prop:NAME.`,
    examples: [['country:DE|AT', '!page:/admin']],
  }),
);

export const ByQuery = Type.String({
  pattern: `^(${DIMENSIONS.join('|')}|prop:[\\s\\S]{1,${PROP_NAME_MAX_CHARS}})$`,
  description: `One of ${DIMENSIONS.join(', ')} or prop:NAME, the values of a property of events.`,
  examples: [...DIMENSIONS, 'prop:plan'],
});

/** A dimension that `ByQuery` let through. */
export function readDimension(by: string): Dimension {
  return by as Dimension; // the pattern has every name of the union and no other
}

/** @throws ApiError INVALID_QUERY saying which filter is wrong, and how one is written */
export function readFilters(texts: readonly string[] = []): Filter[] {
  return texts.map(readFilter);
}

function readFilter(text: string): Filter {
  const refuse = (why: string) =>
    new ApiError('INVALID_QUERY', {
      detail: `filter "${text.slice(0, 80)}" ${why}. One is written dimension:value, such as country:DE|AT or !page:/admin.`,
    });
  const negated = text.startsWith('!');
  const [dimension, afterDimension] = cut(negated ? text.slice(1) : text);
  if (afterDimension === null) throw refuse('has no colon');
  const [name, values] = dimension === 'prop' ? cut(afterDimension) : ['', afterDimension];
  if (values === null) throw refuse('has no colon after the name of the property');
  if (name.length > PROP_NAME_MAX_CHARS) throw refuse('names a property with too long a name');
  const by = dimensionOf(dimension, name);
  if (by === null) {
    const near = nearest(dimension, [...EVENT_DIMENSIONS, 'prop']);
    throw refuse(
      `is about "${dimension}", which is no dimension${near === null ? '' : ` (did you mean ${near}?)`}`,
    );
  }
  const list = splitAt(values, '|').map((value) => (value === '' ? null : value));
  if (list.length > VALUES_MAX) throw refuse(`has more than ${VALUES_MAX} values`);
  return { by, values: list, negated };
}

function dimensionOf(dimension: string, propName: string): Filter['by'] | null {
  if (dimension === 'prop') return propName === '' ? null : `prop:${propName}`;
  return EVENT_DIMENSIONS.find((known) => known === dimension) ?? null;
}

/** What stands before and after the first colon that no backslash takes literally. */
function cut(text: string): [string, string | null] {
  const match = /^((?:[^\\:]|\\.)*):(.*)$/s.exec(text);
  return match === null ? [literally(text), null] : [literally(match[1] ?? ''), match[2] ?? ''];
}

/** The parts between separators that no backslash takes literally. */
function splitAt(text: string, separator: '|'): string[] {
  const parts = [''];
  for (const [piece] of text.matchAll(/\\.|./gs)) {
    if (piece === separator) parts.push('');
    else parts.push(`${parts.pop() ?? ''}${literally(piece)}`);
  }
  return parts;
}

function literally(text: string): string {
  return text.replace(/\\(.)/gs, '$1');
}
