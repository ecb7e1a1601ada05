import type { Span } from '../../app/reports/spans.ts';
import { type Dimension, dimensionOf } from '../../domain/dimensions.ts';
import type { Measures } from '../../domain/measures.ts';
import { valueName } from '../../domain/value-names.ts';
import { csvRow } from '../../http/csv.ts';
import type { AskedReports, Scope } from '../../store/contract/store.ts';
import type { Answer } from '../kit/parts.ts';
import { type ReportAsk, scopeOf } from './data.ts';

/** The CSV download of a report's table, with all rows. It begins when the first are there, since until then it may fail with 503. */

/** Every page runs the whole query again, so pages are large. */
const ROWS_PER_PAGE = 10_000;
const ROWS_MAX = 100_000;

/** Responds with the table that the URL's `by` names; `time` stands for the chart. */
export async function rowsFile(ask: ReportAsk): Promise<Answer> {
  const { reports } = ask;
  const { scope, span, cut } = await scopeOf(ask);
  const by = ask.query.get('by') ?? 'page';
  const file = (name: string, body: AsyncGenerator<string>): Answer => ({
    kind: 'file',
    name: `${ask.site.domain}-${name}-${span.range}${cut.length === 0 ? '' : '-incomplete'}.csv`,
    type: 'text/csv; charset=utf-8',
    body,
  });
  if (by === 'time') return file(span.interval, seriesAsCsv(reports, scope, span));
  const dimension = dimensionOf(by) ?? 'page';
  return file(dimension, rowsAsCsv(reports, scope, dimension));
}

const MEASURES = [
  'visitors',
  'visits',
  'pageviews',
  'events',
  'conversions',
  'bounces',
  'engaged_ms',
  'bot_visits',
];

function numbersOf(row: Measures): number[] {
  const { visitors, visits, pageviews, events, conversions, bounces, engagedMs, botVisits } = row;
  return [visitors, visits, pageviews, events, conversions, bounces, engagedMs, botVisits];
}

async function* seriesAsCsv(
  reports: AskedReports,
  { siteId, filters }: Scope,
  span: Span,
): AsyncGenerator<string> {
  const series = await reports.series({ siteId, filters }, span.boundariesMs);
  yield csvRow(['from', ...MEASURES]);
  for (const [i, measures] of series.entries())
    yield csvRow([new Date(span.boundariesMs[i] ?? 0).toISOString(), ...numbersOf(measures)]);
}

async function* rowsAsCsv(reports: AskedReports, scope: Scope, by: Dimension): AsyncGenerator<string> {
  let rows = 0;
  for (let cursor: string | null | undefined; cursor !== null && rows < ROWS_MAX; ) {
    const page = await reports.breakdown(scope, by, {
      limit: ROWS_PER_PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    if (cursor === undefined) yield csvRow([by, 'name', ...MEASURES]);
    for (const row of page.rows) yield csvRow([row.value ?? '', valueName(by, row.value), ...numbersOf(row)]);
    rows += page.rows.length;
    cursor = page.nextCursor;
  }
}
