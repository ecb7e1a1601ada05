import type { Dimension, Reports, Scope } from '../../store/store.ts';
import { csvRow } from '../export.ts';
import type { Answer } from '../parts.ts';
import { type ReportAsk, scopeOf } from './data.ts';
import { PANELS, valueName } from './panels.ts';

/** A table of a report as a file, all of its rows. */

const ROWS_PER_PAGE = 1_000;
const ROWS_MAX = 100_000;

export function rowsFile({ store }: { store: { reports: Reports } }, ask: Omit<ReportAsk, 'store'>): Answer {
  const { scope, span } = scopeOf(ask);
  const by = ask.query.get('by') ?? 'page';
  const isKnown =
    by === 'bot' || by.startsWith('prop:') || PANELS.some(({ tabs }) => tabs.some((tab) => tab.by === by));
  const dimension = (isKnown ? by : 'page') as Dimension; // one of those looked up
  return {
    kind: 'file',
    name: `${ask.site.domain}-${dimension}-${span.range}.csv`,
    type: 'text/csv; charset=utf-8',
    body: rowsAsCsv(store.reports, scope, dimension),
  };
}

async function* rowsAsCsv(reports: Reports, scope: Scope, by: Dimension): AsyncGenerator<string> {
  yield csvRow([
    by,
    'name',
    'visitors',
    'visits',
    'pageviews',
    'events',
    'conversions',
    'bounces',
    'engaged_ms',
    'bot_visits',
  ]);
  let rows = 0;
  for (let cursor: string | null | undefined; cursor !== null && rows < ROWS_MAX; ) {
    const page = await reports.breakdown(scope, by, {
      limit: ROWS_PER_PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const row of page.rows) {
      const { visitors, visits, pageviews, events, conversions, bounces, engagedMs, botVisits } = row;
      const numbers = [visitors, visits, pageviews, events, conversions, bounces, engagedMs, botVisits];
      yield csvRow([row.value ?? '', valueName(by, row.value), ...numbers]);
    }
    rows += page.rows.length;
    cursor = page.nextCursor;
  }
}
