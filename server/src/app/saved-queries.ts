import { filterDimension } from '../domain/dimensions.ts';
import { FILTERS_MAX, parseFilter, printFilter, type ReportFilter } from '../domain/filters.ts';
import { parseStep, printStep, STEPS_MAX, STEPS_MIN } from '../domain/funnel.ts';
import type { GoalTarget } from '../domain/goals.ts';
import { ECHO_MAX_CHARS } from '../domain/nearest.ts';
import { newId } from '../domain/tokens.ts';
import type { PageRules } from '../domain/value-names.ts';
import type { Filter, Goal, Registry, SavedQuery, SavedQueryKind } from '../store/contract/store.ts';
import { may, type Role } from './access.ts';
import type { Context } from './context.ts';
import { readName } from './inputs.ts';
import { toFilter } from './reports/filters.ts';
import { targetOf } from './reports/funnels.ts';
import { refusal } from './use-case-error.ts';

/**
 * Use cases of saved queries: segments, which are the filters of a report, and funnels, which are steps and a split. Each is a part of
 * a report's URL under a name, for the account that saved it or for all who see the site (the team).
 */

/** The most of one kind that a site's team can have. */
export const TEAM_SAVED_MAX = 100;
/** The most of one kind that an account can have of its own at a site. */
export const OWN_SAVED_MAX = 50;
/** The longest saved query. Longer ones do not fit into the URL of every page. */
const QUERY_MAX_CHARS = 8_000;

/** The parameters of a report's URL that a saved query stands for. */
export const SAVED_PARAMETERS: Readonly<Record<SavedQueryKind, readonly string[]>> = {
  segment: ['f'],
  funnel: ['step', 'by'],
};

/** Whose a saved query is: of which site, of which kind, and whether the team's (null) or an account's own. */
export type SavedScope = Pick<SavedQuery, 'siteId' | 'kind' | 'accountId'>;

/** What a person enters to save a query. */
export interface TypedQuery {
  name: string;
  query: URLSearchParams;
}

/** Whether a person who sees a saved query may change it: their own always, the team's with a role that may configure the site. */
export function mayChangeSaved({ accountId }: Pick<SavedQuery, 'accountId'>, role: Role): boolean {
  return accountId !== null || may(role, 'configure');
}

/**
 * Saves a query.
 *
 * @throws UseCaseError `INVALID_NAME`, `INVALID_SAVED_QUERY`, `TOO_MANY_SAVED_QUERIES`, `SAVED_NAME_TAKEN`
 */
export async function saveQuery(
  { registry, clock }: Pick<Context, 'registry' | 'clock'>,
  { siteId, kind, accountId }: SavedScope,
  typed: TypedQuery,
): Promise<SavedQuery> {
  const name = readSavedName(typed.name);
  const query = readSaved(kind, typed.query);
  const seen = await registry.savedQueriesOf(siteId, kind, accountId);
  const max = accountId === null ? TEAM_SAVED_MAX : OWN_SAVED_MAX;
  if (seen.filter((each) => each.accountId === accountId).length >= max)
    throw refusal('TOO_MANY_SAVED_QUERIES', max, kind, accountId === null);
  const saved: SavedQuery = {
    ...{ id: newId(kind), siteId, kind, accountId, name, query },
    createdAtMs: clock.now(),
  };
  if (!(await registry.addSavedQuery(saved))) throw nameTaken(saved);
  return saved;
}

/**
 * Renames a saved query, or replaces what it stands for.
 *
 * @throws UseCaseError `INVALID_NAME`, `INVALID_SAVED_QUERY`, `SAVED_NAME_TAKEN`
 */
export async function changeSaved(
  { registry }: Pick<Context, 'registry'>,
  saved: SavedQuery,
  typed: Partial<TypedQuery>,
): Promise<SavedQuery> {
  const changed = {
    ...saved,
    ...(typed.name === undefined ? {} : { name: readSavedName(typed.name) }),
    ...(typed.query === undefined ? {} : { query: readSaved(saved.kind, typed.query) }),
  };
  if (!(await registry.changeSavedQuery(changed))) throw nameTaken(changed);
  return changed;
}

/** Finds a saved query that an account sees. @throws UseCaseError `SAVED_QUERY_NOT_FOUND` */
export async function findSaved(
  registry: Pick<Registry, 'savedQueriesOf'>,
  { siteId, kind, accountId }: SavedScope,
  id: string,
): Promise<SavedQuery> {
  const found = (await registry.savedQueriesOf(siteId, kind, accountId)).find((saved) => saved.id === id);
  if (found === undefined) throw refusal('SAVED_QUERY_NOT_FOUND', kind, id.slice(0, ECHO_MAX_CHARS));
  return found;
}

/** Returns the part of a URL that would be saved; null if the URL has none, or it is invalid. */
export function savablePart(kind: SavedQueryKind, query: URLSearchParams): string | null {
  const read = READERS[kind](query);
  return 'text' in read ? read.text : null;
}

/** Whether two saved parts ask the same, whatever the order of filters and their values. */
export function isSameSaved(kind: SavedQueryKind, one: string, other: string): boolean {
  return one === other || (kind === 'segment' && segmentKey(one) === segmentKey(other));
}

/**
 * Returns the filters of a segment.
 *
 * @param goals those of the site
 * @param rules which pages the site counts as one
 * @returns a sentence if one of them cannot be read, such as that of a goal which was removed since
 */
export function filtersOfSegment(
  { query }: Pick<SavedQuery, 'query'>,
  goals: readonly Goal[],
  rules: PageRules,
): Filter[] | string {
  const filters: Filter[] = [];
  for (const text of filterTexts(new URLSearchParams(query))) {
    const parsed = parseFilter(text);
    const filter = typeof parsed === 'string' ? parsed : toFilter(parsed, goals, rules);
    if (typeof filter === 'string') return sentence('filter', text, filter);
    filters.push(filter);
  }
  return filters;
}

/** Returns why a saved query cannot be used, as a sentence; null if it can. */
export function problemOfSaved(
  { kind, query }: Pick<SavedQuery, 'kind' | 'query'>,
  goals: readonly (Goal & GoalTarget)[],
  rules: PageRules,
): string | null {
  if (kind === 'segment') {
    const filters = filtersOfSegment({ query }, goals, rules);
    return typeof filters === 'string' ? filters : null;
  }
  for (const text of new URLSearchParams(query).getAll('step')) {
    const step = parseStep(text);
    const target = typeof step === 'string' ? step : targetOf(step, goals, rules);
    if (typeof target === 'string') return sentence('step', text, target);
  }
  return null;
}

/** Lists the filters of a segment as texts, in the grammar of the API. */
export function filterTexts(query: URLSearchParams): string[] {
  return [...new Set(query.getAll('f'))];
}

/** Each returns the canonical text of a part of a URL, or what is wrong with it as a sentence. */
const READERS: Readonly<
  Record<SavedQueryKind, (query: URLSearchParams) => { text: string } | { problem: string }>
> = {
  segment(query) {
    const texts = filterTexts(query);
    if (texts.length === 0) return { problem: 'A segment needs at least one filter.' };
    if (texts.length > FILTERS_MAX) return { problem: `A segment can have at most ${FILTERS_MAX} filters.` };
    const next = new URLSearchParams();
    for (const text of texts) {
      const filter = parseFilter(text);
      if (typeof filter === 'string') return { problem: sentence('filter', text, filter) };
      next.append('f', printFilter(filter));
    }
    return { text: next.toString() };
  },
  funnel(query) {
    const texts = query.getAll('step');
    if (texts.length < STEPS_MIN || texts.length > STEPS_MAX)
      return { problem: `A funnel has ${STEPS_MIN} to ${STEPS_MAX} steps.` };
    const next = new URLSearchParams();
    for (const text of texts) {
      const step = parseStep(text);
      if (typeof step === 'string') return { problem: sentence('step', text, step) };
      next.append('step', printStep(step));
    }
    const by = query.get('by') ?? '';
    const dimension = by === '' ? null : filterDimension(by);
    if (by !== '' && dimension === null) return { problem: sentence('dimension', by, 'is unknown') };
    if (dimension !== null) next.append('by', dimension);
    return { text: next.toString() };
  },
};

function readSaved(kind: SavedQueryKind, query: URLSearchParams): string {
  const read = READERS[kind](query);
  if ('problem' in read) throw refusal('INVALID_SAVED_QUERY', read.problem);
  if (read.text.length <= QUERY_MAX_CHARS) return read.text;
  throw refusal(
    'INVALID_SAVED_QUERY',
    `This ${kind} is too long: in a URL it would take ${read.text.length} characters of at most ${QUERY_MAX_CHARS}.`,
  );
}

function readSavedName(typed: string): string {
  return readName(typed.replaceAll(/\s+/g, ' '));
}

function nameTaken({ kind, name, accountId }: Pick<SavedQuery, 'kind' | 'name' | 'accountId'>) {
  return refusal('SAVED_NAME_TAKEN', kind, name, accountId === null);
}

function sentence(what: string, text: string, problem: string): string {
  return `The ${what} “${text.slice(0, ECHO_MAX_CHARS)}” ${problem}.`;
}

function segmentKey(query: string): string {
  const filters = filterTexts(new URLSearchParams(query)).map((text) => {
    const filter = parseFilter(text);
    return typeof filter === 'string' ? text : printFilter(sorted(filter));
  });
  return filters.sort().join('\n');
}

function sorted(filter: ReportFilter): ReportFilter {
  return { ...filter, values: [...new Set(filter.values)].sort() };
}
