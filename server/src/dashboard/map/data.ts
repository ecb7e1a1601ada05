import type { Span } from '../../app/reports/spans.ts';
import type { BreakdownRow, Goal } from '../../store/contract/store.ts';
import { type ReportAsk, scopeOf } from '../report/data.ts';
import { goalsIn } from '../report/subject.ts';

/** More than there are codes of two letters, so that no country is missing. */
const MAX_COUNTRIES = 700;

export interface MapData {
  span: Span;
  zone: string;
  /** Those of the site. */
  goals: readonly { goal: Goal }[];
  /** The countries with visitors, most first. The value of unknown countries is null. */
  countries: readonly BreakdownRow[];
}

/** Loads the visitors by country of a report. @throws InvalidReport */
export async function loadMap(ask: ReportAsk): Promise<MapData> {
  const goals = await goalsIn(ask.registry, ask.subject);
  const { span, scope } = scopeOf(ask, goals);
  const { rows } = await ask.reports.breakdown(scope, 'country', { limit: MAX_COUNTRIES });
  return {
    ...{ span, zone: ask.zone, goals: goals.map((goal) => ({ goal })) },
    countries: rows.filter(({ visitors }) => visitors > 0),
  };
}
