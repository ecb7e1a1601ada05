import { type GoalResult, goalResults } from '../../app/goals.ts';
import type { Span } from '../../app/reports/spans.ts';
import {
  type Dimension,
  dimensionLabel,
  dimensionOf,
  listedDimension,
  viewDimension,
} from '../../domain/dimensions.ts';
import type { ReportFilter } from '../../domain/filters.ts';
import { valueName } from '../../domain/value-names.ts';
import { VITALS } from '../../domain/vitals.ts';
import type { Goal } from '../../store/contract/store.ts';
import { percent, whole } from '../kit/format.ts';
import { type ReportAsk, scopeOf } from './data.ts';
import { type DetailsQuery, readDetails, searchOptions } from './details-query.ts';
import { loadDimensionRows } from './details-rows.ts';
import { DETAILS_ROWS, type DetailsColumn, type DetailsTable, type TableAsk } from './details-table.ts';
import { foundGoals, goalName } from './goal-name.ts';
import { sumsText } from './money.ts';
import { InvalidReport } from './problems.ts';
import { goalsIn, type Subject } from './subject.ts';
import { REPORT_TEXT } from './text.ts';
import { areOfViews } from './views-data.ts';
import { depthText, ratedText } from './views-text.ts';

/** Loads a table of a report with all its rows, page by page, and with several measures of each row. */

/** What the table is of: the rows of a dimension, of all visits or those that AI sent; its views that ended; or goals. */
export type DetailsOf = { kind: 'rows' | 'ai' | 'vitals'; by: Dimension } | { kind: 'goals'; by: 'goal' };

export interface DetailsData extends DetailsTable {
  subject: Subject;
  zone: string;
  nowMs: number;
  span: Span;
  asked: readonly ReportFilter[];
  goals: readonly Goal[];
  of: DetailsOf;
  details: DetailsQuery;
  /** As in `ReportData`. */
  eventsSinceMs: number | null;
}

/** @throws InvalidReport */
export async function loadDetails(ask: ReportAsk): Promise<DetailsData> {
  const { reports, registry, subject, zone, nowMs, query } = ask;
  const goals = await goalsIn(registry, subject);
  const { span, asked, scope } = scopeOf(ask, goals);
  const details = readDetails(query);
  const of = detailsOf(query);
  const [table, eventsSinceMs] = await Promise.all([
    loadTable(ask, { scope, goals, of, details }),
    reports.eventsSince(scope),
  ]);
  return { ...table, ...{ subject, zone, nowMs, span, asked, goals, of, details, eventsSinceMs } };
}

function detailsOf(query: URLSearchParams): DetailsOf {
  const by = query.get('by') ?? 'page';
  if (by === 'goal') return { kind: 'goals', by };
  const dimension = dimensionOf(by);
  if (dimension === null)
    throw new InvalidReport([by === 'site' ? REPORT_TEXT.noDetailsOfSites : REPORT_TEXT.noDetails]);
  const table = query.get('table');
  return {
    kind: table === 'vitals' || table === 'ai' ? table : 'rows',
    by: listedDimension(dimension)?.name ?? dimension,
  };
}

function loadTable(ask: ReportAsk, { of, ...table }: TableAsk & { of: DetailsOf }): Promise<DetailsTable> {
  if (of.kind === 'goals') return loadGoals(ask, table);
  return of.kind === 'vitals' ? loadVitals(ask, of.by, table) : loadDimensionRows(ask, of.by, table);
}

/** Loads the goals, which are few: all are on one page. */
async function loadGoals({ reports }: ReportAsk, { scope, goals, details }: TableAsk): Promise<DetailsTable> {
  const results = (await goalResults(reports, scope, goals)).goals;
  const hasRevenue = results.some(({ revenue }) => revenue.length > 0);
  const column = (name: string): DetailsColumn => ({ name, definition: null, sort: null });
  const cellsOf = ({ visitors, conversions, rate, revenue }: GoalResult): string[] => [
    ...[whole(visitors), whole(conversions), rate === null ? '–' : percent(rate, 1)],
    ...(hasRevenue ? [revenue.length === 0 ? '–' : sumsText(revenue)] : []),
  ];
  return {
    columns: [
      ...[REPORT_TEXT.visitors, REPORT_TEXT.conversions, REPORT_TEXT.rate].map(column),
      ...(hasRevenue ? [column(REPORT_TEXT.revenue)] : []),
    ],
    rows: foundGoals(results, details.search).map((result) => ({
      name: goalName(result.goal),
      note: null,
      value: result.goal.id,
      filterBy: 'goal',
      cells: cellsOf(result),
    })),
    nextCursor: null,
  };
}

/** Loads web vitals and scroll depth by a dimension. @throws InvalidReport */
async function loadVitals(
  { reports, subject }: ReportAsk,
  dimension: Dimension,
  { scope, details }: TableAsk,
): Promise<DetailsTable> {
  const by = viewDimension(dimension);
  if (by === null || !areOfViews(scope)) throw new InvalidReport([REPORT_TEXT.notOfViews]);
  const { cursor } = details;
  const page = await reports.views(scope, by, {
    limit: DETAILS_ROWS,
    ...(cursor === null ? {} : { cursor }),
    ...searchOptions(details, by, subject),
  });
  const column = (name: string, definition: string | null): DetailsColumn => ({
    name,
    definition,
    sort: null,
  });
  return {
    columns: [
      column(REPORT_TEXT.views, null),
      column(REPORT_TEXT.scroll, REPORT_TEXT.scrollDefinition),
      ...VITALS.map(({ short, label }) => column(short, label)),
    ],
    rows: page.rows.map((row) => ({
      name: valueName(by, row.value),
      note: null,
      value: row.value,
      filterBy: by,
      cells: [
        whole(row.views),
        depthText(row),
        ...VITALS.map((vital) => ratedText(vital, row.vitals[vital.name])),
      ],
    })),
    nextCursor: page.nextCursor,
  };
}

/** Returns the label of the values of a table. */
export function headingOf({ by }: DetailsOf): string {
  return dimensionLabel(by);
}
