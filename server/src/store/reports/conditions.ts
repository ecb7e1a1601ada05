import { PAGEVIEW } from '../../../../tracker/wire/limits.ts';
import { type FilterDimension, propName } from '../../domain/dimensions.ts';
import type { GoalTarget } from '../../domain/goals.ts';
import { arePages, hasPages } from '../../domain/value-names.ts';
import {
  type Filter,
  type FilteredSites,
  type NamedSite,
  sitesIn,
  type ValueFilter,
} from '../contract/store.ts';
import { ALIKE, folded, pageExpression, pageTextExpression } from './page-expressions.ts';
import { columnOf } from './relations.ts';
import type { Values } from './statement.ts';

/** Filters as conditions over rows of `events`. Every name of a function is known to every engine, or a macro there. */

/** Returns the condition of rows that all filters keep. */
export function keptBy(scope: FilteredSites, values: Values): string {
  if (scope.filters.length === 0) return 'true';
  return scope.filters.map((filter) => condition(filter, sitesIn(scope), values)).join(' AND ');
}

type Sites = readonly NamedSite[];

/** Returns a dimension's value of a row. */
export function keyOf(by: FilterDimension, sites: Sites, values: Values): string {
  const column = columnOf(by);
  return column === null ? `props[${values.bind(propName(by) ?? '')}]` : namedKey(column, by, sites, values);
}

/** Returns a dimension's value, given its column. Among several sites, pages begin with the name of their site. */
export function namedKey(column: string, by: FilterDimension, sites: Sites, values: Values): string {
  if (sites.length === 1 || !arePages(by)) return column;
  const names = sites.map(({ siteId, name }) => `WHEN ${values.bind(siteId)} THEN ${values.bind(name)}`);
  return `(CASE site ${names.join(' ')} END || ${column})`;
}

function condition(filter: Filter, sites: Sites, values: Values): string {
  const is = filter.by === 'goal' ? reachedAny(filter.goals, values) : hasValue(filter, sites, values);
  return filter.negated ? `NOT ${is}` : is;
}

function hasValue(filter: ValueFilter, sites: Sites, values: Values): string {
  const ofEverySite = filter.values.filter((value) => value?.startsWith('/'));
  if (sites.length === 1 || !arePages(filter.by) || ofEverySite.length === 0)
    return isOneOf(keyOf(filter.by, sites, values), filter, values);
  const others = filter.values.filter((value) => !value?.startsWith('/'));
  return anyOf([
    isOneOf(columnOf(filter.by) ?? '', { by: filter.by, values: ofEverySite }, values),
    isOneOf(keyOf(filter.by, sites, values), { ...filter, values: others }, values),
  ]);
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
