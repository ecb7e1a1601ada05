import { funnelResults } from '../../app/reports/funnels.ts';
import { valueName } from '../../domain/value-names.ts';
import { csvRow } from '../../http/csv.ts';
import type { AskedReports } from '../../store/contract/store.ts';
import type { Answer } from '../kit/parts.ts';
import type { SiteAsk } from '../report/data.ts';
import { InvalidReport } from '../report/problems.ts';
import { type AskedFunnel, readFunnel } from './data.ts';
import { FUNNELS_TEXT } from './text.ts';

/** Every page runs the whole query again, so pages are large. */
const ROWS_PER_PAGE = 10_000;

/** Responds with a funnel as CSV: a line for each step, or with a dimension, for each value and step. @throws InvalidReport */
export async function funnelFile(ask: SiteAsk): Promise<Answer> {
  const asked = await readFunnel(ask);
  if (asked.problems.length > 0) throw new InvalidReport(asked.problems);
  if (asked.targets.length === 0) throw new InvalidReport([FUNNELS_TEXT.tooFewSteps]);
  return {
    kind: 'file',
    name: `${ask.subject.domain}-funnel-${asked.span.range}.csv`,
    type: 'text/csv; charset=utf-8',
    body: funnelAsCsv(ask.reports, asked),
  };
}

async function* funnelAsCsv(
  reports: AskedReports,
  { scope, by, steps, targets }: AskedFunnel,
): AsyncGenerator<string> {
  const columns = ['step', 'target', 'visitors', 'visits', 'drop_off'];
  const rates = ['conversion_rate', 'step_conversion_rate'];
  const rounded = (rate: number | null) => (rate === null ? null : Number(rate.toFixed(4)));
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await funnelResults(
      reports,
      scope,
      { steps: targets, by },
      { limit: ROWS_PER_PAGE, ...(cursor === undefined ? {} : { cursor }) },
    );
    if (cursor === undefined) yield csvRow([...(by === null ? [] : [by, 'name']), ...columns, ...rates]);
    for (const { value, steps: results } of page.rows)
      for (const [i, { visitors, visits, dropOff, rate, stepRate }] of results.entries())
        yield csvRow([
          ...(by === null ? [] : [value ?? '', valueName(by, value)]),
          ...[i + 1, steps[i]?.text, visitors, visits, dropOff, rounded(rate), rounded(stepRate)],
        ]);
    cursor = page.nextCursor;
  }
}
