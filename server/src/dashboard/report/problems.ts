import { DAYS_MAX, isRange, RANGES } from '../../app/reports/spans.ts';
import { readDate } from '../../domain/calendar.ts';
import { dimensionOf, listedDimension } from '../../domain/dimensions.ts';
import { ECHO_MAX_CHARS } from '../../domain/nearest.ts';
import { html } from '../kit/answers.ts';
import { isolated, whole } from '../kit/format.ts';
import type { Answer } from '../kit/parts.ts';
import { partsIn, REPORT_PARTS, THEMES } from './appearance.ts';
import { filterProblems } from './filters.ts';
import { REPORT_PARAMETERS } from './links.ts';
import { FIGURES } from './measures.ts';
import { PANELS } from './panels.ts';
import { REPORT_TEXT } from './text.ts';
import { VITALS_TABS } from './views-data.ts';

/** Checks the URL of a report. An invalid part is an error, so that no report shows numbers other than those asked for. */

/** The URL of a report is invalid. */
export class InvalidReport extends Error {
  override readonly name = 'InvalidReport';
  /** What is wrong, as sentences. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join(' '));
    this.problems = problems;
  }
}

/** The tables that are not of a dimension: the chart, the goals, and the sites of a roll-up. */
const OTHER_TABLES: readonly string[] = ['time', 'goal', 'site'];

/** Lists what is wrong with the query string of a report, as sentences. */
export function problemsOf(query: URLSearchParams): string[] {
  const single = REPORT_PARAMETERS.filter((name) => name !== 'f');
  return [
    ...single.filter((name) => query.getAll(name).length > 1).map(REPORT_TEXT.givenTwice),
    ...periodProblems(query),
    ...choiceProblems(query),
    ...filterProblems(query),
  ];
}

/** Returns the page that says what is wrong with a report's URL. @param base the path of the report @throws any other error */
export function invalidReport(error: unknown, base: string, page: (invalid: Invalid) => string): Answer {
  if (!(error instanceof InvalidReport)) throw error;
  return html(page({ problems: error.problems, without: base }), 400);
}

export interface Invalid {
  /** What is wrong with the URL of a report, as sentences. */
  problems: readonly string[];
  /** The URL without all of its parameters; null if that is invalid, too. */
  without: string | null;
}

/** Lists the parameters that mean nothing to a page. @param known those of the page; by default, of a report */
export function unknownParameters(query: URLSearchParams, known = REPORT_PARAMETERS): string[] {
  return [...new Set(query.keys())]
    .filter((name) => !known.includes(name) && name !== 'allowed')
    .map((name) => name.slice(0, ECHO_MAX_CHARS));
}

function periodProblems(query: URLSearchParams): string[] {
  const [range, from, to] = [query.get('range'), query.get('from'), query.get('to')];
  if (range !== null && !isRange(range))
    return [notOneOf('range', range, [...RANGES.map(({ id }) => id), 'custom'])];
  if (from === null && to === null && range !== 'custom') return [];
  if (range !== null && range !== 'custom') return [REPORT_TEXT.datesNeedCustom(range)];
  if (from === null || to === null) return [REPORT_TEXT.dateMissing];
  const dates = { from: readDate(from), to: readDate(to) };
  const bad = (['from', 'to'] as const).filter((name) => dates[name] === null);
  if (bad.length > 0)
    return bad.map((name) =>
      REPORT_TEXT.notADate(name, isolated((query.get(name) ?? '').slice(0, ECHO_MAX_CHARS))),
    );
  const [first, last] = [dates.from ?? 0, dates.to ?? 0];
  if (first > last) return [REPORT_TEXT.reversedDates(from, to)];
  return last - first >= DAYS_MAX ? [REPORT_TEXT.tooManyDays(whole(DAYS_MAX))] : [];
}

function choiceProblems(query: URLSearchParams): string[] {
  const choices: Record<string, readonly string[]> = {
    compare: ['none', 'previous', 'year'],
    metric: FIGURES.map(({ id }) => id),
    vitals: VITALS_TABS.map(({ by }) => by),
    table: ['vitals', 'ai'],
    ...{ theme: THEMES, frame: ['none'] },
    ...Object.fromEntries(PANELS.map(({ id, tabs }) => [id, tabs.map(({ by }) => by)])),
  };
  const problems = Object.entries(choices).flatMap(([name, known]) => {
    const value = query.get(name);
    if (value === null || known.includes(value)) return [];
    // An old name of a dimension is that of its tab.
    const dimension = dimensionOf(value);
    if (dimension !== null && known.includes(listedDimension(dimension)?.name ?? '')) return [];
    // The other tabs of custom events are their properties.
    if (name === 'events' && value.startsWith('prop:') && dimension !== null) return [];
    return [notOneOf(name, value, name === 'events' ? [...known, 'prop:NAME'] : known)];
  });
  const by = query.get('by');
  if (by !== null && !OTHER_TABLES.includes(by) && dimensionOf(by) === null)
    problems.push(
      notOneOf('by', by, [
        ...OTHER_TABLES,
        'bot',
        ...PANELS.flatMap(({ tabs }) => tabs.map((tab) => tab.by)),
        'prop:NAME',
      ]),
    );
  const unknownPart = partsIn(query).find((part) => !REPORT_PARTS.includes(part));
  if (unknownPart !== undefined) problems.push(notOneOf('parts', unknownPart, REPORT_PARTS));
  return problems;
}

/** Says that a parameter has none of its known values. */
export function notOneOf(name: string, value: string, known: readonly string[]): string {
  return REPORT_TEXT.notOneOf(name, isolated(value.slice(0, ECHO_MAX_CHARS)), known);
}
