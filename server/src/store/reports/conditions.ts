import { PAGEVIEW } from '../../../../tracker/wire/limits.ts';
import { type FilterDimension, propName } from '../../domain/dimensions.ts';
import type { GoalTarget } from '../../domain/goals.ts';
import { hasPages } from '../../domain/value-names.ts';
import type { Filter, ValueFilter } from '../contract/store.ts';
import { ALIKE, folded, pageExpression, pageTextExpression } from './page-expressions.ts';
import { columnOf } from './relations.ts';
import type { Values } from './statement.ts';

/** Filters as conditions over rows of `events`. Every name of a function is known to every engine, or a macro there. */

/** Returns the condition of rows that all filters keep. */
export function keptBy(filters: readonly Filter[], values: Values): string {
  if (filters.length === 0) return 'true';
  return filters.map((filter) => condition(filter, values)).join(' AND ');
}

/** Returns a dimension's value of a row. */
export function keyOf(by: FilterDimension, values: Values): string {
  return columnOf(by) ?? `props[${values.bind(propName(by) ?? '')}]`;
}

function condition(filter: Filter, values: Values): string {
  const is =
    filter.by === 'goal'
      ? reachedAny(filter.goals, values)
      : isOneOf(keyOf(filter.by, values), filter, values);
  return filter.negated ? `NOT ${is}` : is;
}

/** Returns the condition that a value is one of those of a filter, which may be negated or not. @param key the value */
export function isOneOf(
  key: string,
  { by, values: wanted, containing = [], ending = [] }: Omit<ValueFilter, 'by' | 'negated'> & { by: string },
  values: Values,
): string {
  const texts = wanted.filter((value) => value !== null);
  const isKnown = anyOf([
    ...(texts.length === 0 ? [] : [`${key} IN (${texts.map((text) => values.bind(text)).join(', ')})`]),
    ...containing.map((text) =>
      hasPages(by) ? matches(key, pageTextExpression(text), values) : contains(key, text, values),
    ),
    ...ending.map((text) => matches(key, pageTextExpression(text, { atPathEnd: true }), values)),
  ]);
  return wanted.includes(null) ? `(${key} IS NULL OR ${isKnown})` : `(${key} IS NOT NULL AND ${isKnown})`;
}

function reachedAny(goals: readonly GoalTarget[], values: Values): string {
  return anyOf(goals.map((goal) => reached(goal, values)));
}

/** Returns the condition of rows whose event reaches a goal. */
export function reached({ kind, pattern, alternatives = [] }: GoalTarget, values: Values): string {
  if (kind === 'event') return `name = ${values.bind(pattern)}`;
  const expression = [pattern, ...alternatives].map(pageExpression).join('|');
  return `(name = '${PAGEVIEW}' AND ${matches('page', expression, values)})`;
}

function matches(key: string, expression: string, values: Values): string {
  return `match(${key}, ${values.bind(expression)})`;
}

function anyOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? 'false' : `(${conditions.join(' OR ')})`;
}

/** Returns the condition that a value contains a text, whatever the case of its letters. */
function contains(key: string, text: string, values: Values): string {
  const sought = folded(text);
  // Most texts have no such letter, and replacing takes several times the time of searching.
  const value = ALIKE.filter(([, plain]) => sought.includes(plain)).reduce(
    (known, [odd, plain]) => `replace(${known}, '${odd}', '${plain}')`,
    `lowerUTF8(${key})`,
  );
  return `position(${values.bind(sought)} IN ${value}) > 0`;
}
