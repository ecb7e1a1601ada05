import { goalResults } from '../../app/goals.ts';
import { EVENT_DIMENSIONS } from '../../domain/dimensions.ts';
import type { ReportFilter } from '../../domain/filters.ts';
import { valueName } from '../../domain/value-names.ts';
import { type ReportAsk, scopeOf } from './data.ts';
import { readDetails, searchOptions } from './details-query.ts';
import { isEdit, type ShownValue, shownValue, typedKind } from './filter-form.ts';
import { isSameKind, type Kind } from './filters.ts';
import { foundGoals, goalName } from './goal-name.ts';
import { InvalidReport, notOneOf } from './problems.ts';
import { goalsIn } from './subject.ts';

/** Loads the values that a filter form suggests. */

/** The most values that are suggested at once. */
export const SUGGESTIONS_MAX = 10;

export interface Suggestion extends ShownValue {
  name: string;
  visitors: number;
}

export interface Suggestions {
  by: Kind['by'];
  search: string;
  /** Those with the most visitors in the report. */
  rows: readonly Suggestion[];
  hasMore: boolean;
}

/**
 * Loads the most frequent values that match what is typed, in the period of the report and with its filters. The query has the
 * fields of the form, and the text in `search`.
 *
 * @throws InvalidReport
 */
export async function loadSuggestions(ask: ReportAsk): Promise<Suggestions> {
  const { reports, registry, subject, query } = ask;
  const goals = await goalsIn(registry, subject);
  const { asked, scope: report } = scopeOf(ask, goals);
  const { search } = readDetails(query);
  const kind = typedKind(query);
  if (kind === null)
    throw new InvalidReport([
      notOneOf('add', query.get('add') ?? '', [...EVENT_DIMENSIONS, 'goal', 'prop:NAME']),
    ]);
  const { by } = kind;
  // A further value of a filter is an alternative, so that filter does not apply to it.
  const isWidened = (filter: ReportFilter | undefined) =>
    !isEdit(query) && filter !== undefined && !filter.negated && isSameKind(filter, kind);
  const scope = { ...report, filters: report.filters.filter((_, i) => !isWidened(asked[i])) };
  if (by === 'goal') {
    const found = foundGoals((await goalResults(reports, scope, goals)).goals, search)
      .map(({ goal, visitors }) => suggestion(kind, { value: goal.id, name: goalName(goal), visitors }))
      .sort((one, other) => other.visitors - one.visitors);
    const rows = found.slice(0, SUGGESTIONS_MAX);
    return { by, search, rows, hasMore: found.length > rows.length };
  }
  const { rows, nextCursor } = await reports.breakdown(scope, by, {
    limit: SUGGESTIONS_MAX,
    ...searchOptions({ search }, by, subject),
  });
  return {
    ...{ by, search, hasMore: nextCursor !== null },
    rows: rows.map(({ value, visitors }) =>
      suggestion(kind, { value, name: valueName(by, value), visitors }),
    ),
  };
}

function suggestion(
  kind: Kind,
  { value, name, visitors }: { value: string | null; name: string; visitors: number },
): Suggestion {
  return { ...shownValue(kind, value, name), name, visitors };
}
