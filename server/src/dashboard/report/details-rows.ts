import type { Dimension } from '../../domain/dimensions.ts';
import type { Money } from '../../domain/money.ts';
import { valueName } from '../../domain/value-names.ts';
import type { BreakdownRow, Goal, Scope } from '../../store/contract/store.ts';
import { percent, whole } from '../kit/format.ts';
import { type ReportAsk, reaching } from './data.ts';
import { rowOptions } from './details-query.ts';
import { DETAILS_ROWS, type DetailsColumn, type DetailsTable, type TableAsk } from './details-table.ts';
import { exactText, FIGURES } from './measures.ts';
import { sumsText } from './money.ts';
import { tableScope } from './table-scope.ts';
import { REPORT_TEXT } from './text.ts';
import { areOfViews } from './views-data.ts';
import { depthText } from './views-text.ts';

/** Loads the rows of a dimension with several measures. */

/** Further columns, with a value for each row in the order of the rows; null for a column that is left out. */
interface Beside {
  /** The mean scroll depth. */
  scroll: readonly string[] | null;
  /** The visitors who reached a goal. */
  reached: readonly number[] | null;
  revenue: readonly Money[][] | null;
}

export async function loadDimensionRows(
  ask: ReportAsk,
  by: Dimension,
  { scope: asked, goals, details }: TableAsk,
): Promise<DetailsTable> {
  const { reports, subject, query } = ask;
  const scope = tableScope(asked, by, query.get('table'));
  const { cursor } = details;
  const { rows, nextCursor } = await reports.breakdown(scope, by, {
    limit: DETAILS_ROWS,
    ...(cursor === null ? {} : { cursor }),
    ...rowOptions(details, by, subject),
  });
  const beside = await loadBeside(ask, by, { scope, goals, rows });
  const columns = columnsOf(by, beside);
  return {
    columns,
    rows: rows.map((row, i) => ({
      name: valueName(by, row.value),
      note: row.company ?? null,
      value: row.value,
      filterBy: by === 'bot' ? null : by,
      cells: columns.map((column) => column.text(row, i)),
    })),
    nextCursor,
  };
}

async function loadBeside(
  { reports }: ReportAsk,
  by: Dimension,
  { scope, goals, rows }: { scope: Scope; goals: readonly Goal[]; rows: readonly BreakdownRow[] },
): Promise<Beside> {
  if (by === 'bot' || rows.length === 0) return { scroll: null, reached: null, revenue: null };
  const values = rows.map(({ value }) => value);
  const ofRows: Scope = { ...scope, filters: [...scope.filters, { by, values, negated: false }] };
  const [scroll, reached, revenue] = await Promise.all([
    by === 'page' && areOfViews(scope) ? reports.views(ofRows, by, { limit: values.length }) : null,
    by === 'event' || goals.length === 0
      ? null
      : reports.breakdown({ ...ofRows, filters: [...ofRows.filters, reaching(goals)] }, by, {
          limit: values.length,
        }),
    reports.revenueBy(scope, by, values),
  ]);
  const depths = new Map(scroll?.rows.map((row) => [row.value, depthText(row)]));
  const converted = new Map(reached?.rows.map(({ value, visitors }) => [value, visitors]));
  const hasScroll = scroll?.rows.some(({ scrolled }) => scrolled > 0) ?? false;
  return {
    scroll: hasScroll ? values.map((value) => depths.get(value) ?? '–') : null,
    reached: reached === null ? null : values.map((value) => converted.get(value) ?? 0),
    revenue: revenue.some((sums) => sums.length > 0) ? revenue : null,
  };
}

type Column = DetailsColumn & { text(row: BreakdownRow, index: number): string };

function columnsOf(by: Dimension, { scroll, reached, revenue }: Beside): Column[] {
  if (by === 'bot')
    return [
      { name: REPORT_TEXT.requests, definition: null, sort: 'visitors', text: (row) => whole(row.botVisits) },
    ];
  const events: Column = {
    ...{ name: REPORT_TEXT.events, definition: null, sort: 'events' },
    text: (row) => whole(row.events),
  };
  const isOfEvents = by === 'event' || by.startsWith('prop:');
  return [
    ...(isOfEvents ? [...figureColumns(['visitors', 'visits']), events] : figureColumns(BY_VISIT)),
    ...optional(scroll, REPORT_TEXT.scroll, REPORT_TEXT.scrollDefinition, (depths, _, i) => depths[i] ?? '–'),
    ...optional(reached, REPORT_TEXT.conversionRate, REPORT_TEXT.conversionRateHint, (visitors, row, i) =>
      row.visitors === 0 ? '–' : percent((visitors[i] ?? 0) / row.visitors, 1),
    ),
    ...optional(revenue, REPORT_TEXT.revenue, REPORT_TEXT.revenueHint, (sums, _, i) => {
      const amounts = sums[i] ?? [];
      return amounts.length === 0 ? '–' : sumsText(amounts);
    }),
  ];
}

const BY_VISIT = ['visitors', 'visits', 'pageviews', 'bounce', 'engaged'] as const;

/** Returns the columns of figures. A share or time of no visits is not a number. */
function figureColumns(ids: readonly (typeof BY_VISIT)[number][]): Column[] {
  return ids.flatMap((id) => {
    const figure = FIGURES.find((known) => known.id === id);
    if (figure === undefined) return [];
    const { name, definition, unit } = figure;
    const text = (row: BreakdownRow) =>
      unit !== 'count' && row.visits === 0 ? '–' : exactText(figure, figure.of(row));
    return [{ name, definition, sort: id, text }];
  });
}

function optional<T>(
  known: T | null,
  name: string,
  definition: string,
  text: (known: T, row: BreakdownRow, index: number) => string,
): Column[] {
  return known === null
    ? []
    : [{ name, definition, sort: null, text: (row, index) => text(known, row, index) }];
}
