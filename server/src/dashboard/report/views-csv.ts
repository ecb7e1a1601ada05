import type { ViewDimension } from '../../domain/dimensions.ts';
import { valueName } from '../../domain/value-names.ts';
import { scrollDepth, VITALS, type ViewFigures } from '../../domain/vitals.ts';
import { csvRow } from '../../http/csv.ts';
import type { AskedReports, RowPaging, Scope } from '../../store/contract/store.ts';

/** The CSV download of web vitals and scroll depth, with all rows and with the columns of the API. */

/** Every page runs the whole query again, so pages are large. */
const ROWS_PER_PAGE = 10_000;

const COLUMNS = [
  ...['views', 'scroll_depth', 'scroll_samples'],
  ...VITALS.flatMap(({ name }) =>
    ['p75', 'samples', 'good', 'needs_improvement', 'poor'].map((figure) => `${name}_${figure}`),
  ),
];

/** @param scope with filters that apply to views */
export async function* viewsAsCsv(
  reports: AskedReports,
  scope: Scope,
  by: ViewDimension,
  options: Pick<RowPaging, 'matching'> = {},
): AsyncGenerator<string> {
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await reports.views(scope, by, {
      ...options,
      limit: ROWS_PER_PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    if (cursor === undefined) yield csvRow([by, 'name', ...COLUMNS]);
    for (const row of page.rows) yield csvRow([row.value ?? '', valueName(by, row.value), ...figuresOf(row)]);
    cursor = page.nextCursor;
  }
}

function figuresOf(row: ViewFigures): (number | null)[] {
  const depth = scrollDepth(row);
  return [
    ...[row.views, depth === null ? null : Number(depth.toFixed(2)), row.scrolled],
    ...VITALS.flatMap(({ name }) => {
      const { p75, samples, good, needsImprovement, poor } = row.vitals[name];
      return [p75, samples, good, needsImprovement, poor];
    }),
  ];
}
