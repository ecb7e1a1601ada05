import { PAGEVIEW } from '../../../../tracker/wire/limits.ts';
import type { ReportFilter } from '../../domain/filters.ts';
import { displayPage, slashPages, storedPage } from '../../domain/page-path.ts';
import {
  type PageRules,
  storedTexts,
  storedValues,
  valueName,
  valuesLike,
} from '../../domain/value-names.ts';
import type { Filter, Goal, ValueFilter } from '../../store/contract/store.ts';

/** The filter for visits referred by AI assistants. */
export const AI_VISITS: Filter = { by: 'channel', values: ['ai'], negated: false };
/** The filter for events other than page views. */
export const CUSTOM_EVENTS: Filter = { by: 'event', values: [PAGEVIEW], negated: true };

/**
 * Converts a filter for the store. One that contains a text keeps the values that contain it, either themselves or in their
 * display name: `german` finds the country `DE`.
 *
 * @param goals those of the site, in case that the filter names one
 * @param rules which pages the site counts as one
 * @returns the end of an error sentence, like `parseFilter`, if the filter names a goal that does not exist
 */
export function toFilter(
  { by, operator, negated, values }: ReportFilter,
  goals: readonly Goal[],
  rules: PageRules,
): Filter | string {
  if (by === 'goal') {
    const isMeant = (value: string | null) => (goal: Goal) => isNamed(goal, value ?? '', { operator, rules });
    const unknown = values.find((value) => operator === 'is' && !goals.some(isMeant(value)));
    if (unknown !== undefined) return `names a goal that the site does not have: "${unknown}"`;
    return { by, goals: goals.filter((goal) => values.some((value) => isMeant(value)(goal))), negated };
  }
  const texts = values.filter((value) => value !== null);
  if (operator === 'is') {
    const unknown = values.includes(null) ? [null] : [];
    return { by, values: [...unknown, ...texts.flatMap((value) => storedValues(by, value, rules))], negated };
  }
  return { by, ...containing(by, texts, rules), negated };
}

/** The longest text to search for in the rows of a report. */
export const SEARCH_MAX_CHARS = 200;

type Matching = Omit<ValueFilter, 'by' | 'negated'>;

/** Returns the values that contain one of the texts, either themselves or in their display name. */
function containing(by: string, texts: readonly string[], rules: PageRules): Matching {
  const sought = texts.map((text) => storedTexts(by, text, rules));
  const ending = sought.flatMap((each) => each.ending);
  return {
    values: texts.flatMap((text) => valuesLike(by, text)),
    containing: sought.flatMap((each) => each.containing),
    ...(ending.length === 0 ? {} : { ending }),
  };
}

/** Returns the values that a search for a text finds: like a filter, and the unknown value by its display name. */
export function foundBy(by: string, text: string, rules: PageRules): Matching {
  const { values, ...found } = containing(by, [text], rules);
  const isUnknown = valueName(by, null).toLowerCase().includes(text.toLowerCase());
  return { values: isUnknown ? [...values, null] : values, ...found };
}

/** Whether a value means a goal by its ID, or its name or path. */
export function isNamed(
  { id, kind, pattern }: Goal,
  value: string,
  { operator, rules }: { operator: ReportFilter['operator']; rules: PageRules },
): boolean {
  const isPage = kind === 'page';
  if (operator === 'contains') {
    const [name, text] = isPage ? [displayPage(pattern), displayPage(value)] : [pattern, value];
    return name.toLowerCase().includes(text.toLowerCase());
  }
  if (id === value || pattern === value) return true;
  const page = storedPage(value);
  return isPage && (rules.mergeTrailingSlashes ? slashPages(page) : [page]).includes(pattern);
}
