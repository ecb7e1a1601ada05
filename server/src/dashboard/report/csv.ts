import { type GoalResult, goalResults } from '../../app/goals.ts';
import type { Span } from '../../app/reports/spans.ts';
import { type Dimension, dimensionOf, viewDimension } from '../../domain/dimensions.ts';
import { shownDomain } from '../../domain/hosts.ts';
import type { Measures } from '../../domain/measures.ts';
import type { Money } from '../../domain/money.ts';
import { valueName } from '../../domain/value-names.ts';
import { csvRow } from '../../http/csv.ts';
import type { AskedReports, Scope, Site } from '../../store/contract/store.ts';
import type { Answer } from '../kit/parts.ts';
import { type ReportAsk, scopeOf } from './data.ts';
import { readDetails, rowOptions, searchOptions } from './details-query.ts';
import { foundGoals } from './goal-name.ts';
import { InvalidReport } from './problems.ts';
import { fileNameOf, goalsIn, sitesIn } from './subject.ts';
import { tableScope } from './table-scope.ts';
import { REPORT_TEXT } from './text.ts';
import { viewsAsCsv } from './views-csv.ts';
import { areOfViews } from './views-data.ts';

/** The CSV download of a report's table, with all rows. It begins once the first rows are there: until then, it can fail with 503. */

/** Every page runs the whole query again, so pages are large. */
const ROWS_PER_PAGE = 10_000;

/**
 * Responds with the table that the URL's `by` names; `time` stands for the chart, `goal` for the goals. Each currency of the
 * revenue has its own column; that of values without a currency is called `revenue`. With `table=vitals`, the table is that of web
 * vitals and scroll depth; with `table=ai`, it has only visits that AI assistants sent. The search and the sort of the details
 * apply.
 *
 * @throws InvalidReport
 */
export async function rowsFile(ask: ReportAsk): Promise<Answer> {
  const { reports, registry, subject } = ask;
  const ofSite = await goalsIn(registry, subject);
  const { scope, span } = scopeOf(ask, ofSite);
  const details = readDetails(ask.query);
  const [by, table] = [ask.query.get('by') ?? 'page', ask.query.get('table')];
  const file = (name: string, body: AsyncGenerator<string>): Answer => ({
    kind: 'file',
    name: `${fileNameOf(subject)}-${name}-${span.range}.csv`,
    type: 'text/csv; charset=utf-8',
    body,
  });
  if (by === 'goal') {
    const { goals } = await goalResults(reports, scope, ofSite);
    return file('goals', goalsAsCsv(foundGoals(goals, details.search)));
  }
  if (by === 'site') return file('sites', sitesAsCsv(reports, scope, sitesIn(subject)));
  if (by !== 'time' && table === 'vitals') {
    const ofViews = viewDimension(by);
    if (ofViews === null || !areOfViews(scope)) throw new InvalidReport([REPORT_TEXT.notOfViews]);
    return file(
      `vitals-${ofViews}`,
      viewsAsCsv(reports, scope, ofViews, searchOptions(details, by, subject)),
    );
  }
  const dimension = dimensionOf(by) ?? 'page';
  const [sums = []] = dimension === 'bot' ? [] : await reports.revenue(scope, [scope.fromMs, scope.toMs]);
  const currencies = currenciesOf(sums);
  if (by === 'time') return file(span.interval, seriesAsCsv(reports, scope, span, currencies));
  return file(
    table === 'ai' ? `ai-${dimension}` : dimension,
    rowsAsCsv(reports, tableScope(scope, dimension, table), dimension, {
      currencies,
      options: rowOptions(details, dimension, subject),
    }),
  );
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

type Currencies = readonly (string | null)[];

function currenciesOf(revenue: readonly Money[]): Currencies {
  return [...new Set(revenue.map(({ currency }) => currency))];
}

const revenueColumns = (currencies: Currencies) =>
  currencies.map((currency) => (currency === null ? 'revenue' : `revenue_${currency}`));

/** Returns the amounts of a row in the order of the columns. An empty cell means that there were no values. */
const amountsOf = (revenue: readonly Money[], currencies: Currencies) =>
  currencies.map((each) => revenue.find(({ currency }) => currency === each)?.amount);

async function* seriesAsCsv(
  reports: AskedReports,
  scope: Scope,
  span: Span,
  currencies: Currencies,
): AsyncGenerator<string> {
  const series = await reports.series(scope, span.boundariesMs);
  const revenue = await reports.revenue(scope, span.boundariesMs);
  yield csvRow(['from', ...MEASURES, ...revenueColumns(currencies)]);
  for (const [i, measures] of series.entries())
    yield csvRow([
      new Date(span.boundariesMs[i] ?? 0).toISOString(),
      ...numbersOf(measures),
      ...amountsOf(revenue[i] ?? [], currencies),
    ]);
}

/** The chosen sites, in their order. */
async function* sitesAsCsv(
  reports: AskedReports,
  scope: Scope,
  sites: readonly Site[],
): AsyncGenerator<string> {
  const bySite = await reports.seriesBySite(scope, [scope.fromMs, scope.toMs]);
  yield csvRow(['site', 'name', ...MEASURES]);
  for (const [i, { id, domain }] of sites.entries())
    yield csvRow([id, shownDomain(domain), ...(bySite[i] ?? []).flatMap(numbersOf)]);
}

async function* rowsAsCsv(
  reports: AskedReports,
  scope: Scope,
  by: Dimension,
  { currencies, options }: { currencies: Currencies; options: ReturnType<typeof rowOptions> },
): AsyncGenerator<string> {
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await reports.breakdown(scope, by, {
      ...options,
      limit: ROWS_PER_PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    const values = page.rows.map(({ value }) => value);
    const revenue = currencies.length === 0 ? [] : await reports.revenueBy(scope, by, values);
    if (cursor === undefined) yield csvRow([by, 'name', ...MEASURES, ...revenueColumns(currencies)]);
    for (const [i, row] of page.rows.entries())
      yield csvRow([
        row.value ?? '',
        valueName(by, row.value),
        ...numbersOf(row),
        ...amountsOf(revenue[i] ?? [], currencies),
      ]);
    cursor = page.nextCursor;
  }
}

async function* goalsAsCsv(goals: readonly GoalResult[]): AsyncGenerator<string> {
  const currencies = currenciesOf(goals.flatMap(({ revenue }) => revenue));
  yield csvRow([
    ...['goal', 'type', 'pattern', 'visitors', 'conversions', 'conversion_rate'],
    ...revenueColumns(currencies),
  ]);
  for (const { goal, visitors, conversions, rate, revenue } of goals)
    yield csvRow([
      ...[goal.id, goal.kind, goal.pattern, visitors, conversions],
      rate === null ? null : Number(rate.toFixed(4)),
      ...amountsOf(revenue, currencies),
    ]);
}
