import { csvRow } from '../../http/csv.ts';
import type { Answer } from '../kit/parts.ts';
import type { SiteAsk } from '../report/data.ts';
import { InvalidReport } from '../report/problems.ts';
import { loadJourneys } from './data.ts';
import { JOURNEYS_TEXT } from './text.ts';

/** The pages of a step that have a line of their own. The others share one. */
const ROWS_MAX = 10_000;

/** Responds with journeys as CSV: a line for each page of each step, from those before the page to those after it. @throws InvalidReport */
export async function journeysFile(ask: SiteAsk): Promise<Answer> {
  const { problem, result, span } = await loadJourneys(ask, ROWS_MAX);
  if (problem !== null) throw new InvalidReport([problem]);
  const { steps, visits: all } = result ?? { steps: [], visits: 0 };
  const lines = steps.flatMap(({ step, visits, pages, rows }) => {
    const listed = rows.reduce((sum, row) => sum + row.visits, 0);
    const others = pages - rows.length;
    return [
      ...rows.map((row) => ({ step, ...row })),
      ...(others > 0 ? [{ step, page: JOURNEYS_TEXT.others(others), visits: visits - listed }] : []),
    ];
  });
  return {
    kind: 'file',
    name: `${ask.subject.domain}-journeys-${span.range}.csv`,
    type: 'text/csv; charset=utf-8',
    body: [
      csvRow(['step', 'page', 'visits', 'share']),
      ...lines.map(({ step, page, visits }) =>
        csvRow([step, page, visits, Number((visits / all).toFixed(4))]),
      ),
    ].join(''),
  };
}
