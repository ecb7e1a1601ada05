import { comparedSpan, RANGES, type RangeChoice, type Span, spanOf } from '../../app/reports/spans.ts';
import { civilDay } from '../../domain/calendar.ts';
import type { DayRange } from '../../domain/clock.ts';
import { type Measures, sumOfMeasures } from '../../domain/measures.ts';
import type { AskedReports } from '../../store/contract/store.ts';
import { asOne, type NamedSite } from '../report/subject.ts';

/** Loads the numbers of all sites in a period, in one question. */

/** The periods of the overview, of which the default is one. */
export const OVERVIEW_RANGES: readonly RangeChoice[] = RANGES.filter(({ id }) =>
  ['today', '7d', '30d', '91d', 'month'].includes(id),
);
export const DEFAULT_OVERVIEW_RANGE = '30d';
/** The most sites that one question is about. The first question after a start takes up to 20 ms for each of them. */
export const OVERVIEW_SITES_MAX = 200;

/** What is counted in a period, and in as much time before. */
export interface Compared {
  now: Measures;
  /** Null if there were no events. */
  before: Measures | null;
}

export interface Overview {
  span: Span;
  zone: string;
  /** The days that `before` is about. */
  daysBefore: DayRange | null;
  all: Compared;
  /** What is counted of all sites in each bucket of the span. */
  series: readonly Measures[];
  bySite: ReadonlyMap<string, Compared>;
}

/** @param range one of `OVERVIEW_RANGES` @returns null if there are too many sites */
export async function loadOverview(
  reports: Pick<AskedReports, 'seriesBySite'>,
  sites: readonly NamedSite[],
  { range, zone, nowMs }: { range: string; zone: string; nowMs: number },
): Promise<Overview | null> {
  if (sites.length > OVERVIEW_SITES_MAX) return null;
  const span = spanOf({ range, from: null, to: null, interval: null }, { zone, nowMs, createdAtMs: nowMs });
  const before = comparedSpan(span, 'previous', zone);
  const boundariesMs = [...new Set([...(before?.boundariesMs ?? []), ...span.boundariesMs])];
  const found = await reports.seriesBySite({ ...asOne(sites), filters: [] }, boundariesMs);
  const startsMs = boundariesMs.slice(0, -1);
  const within = (series: readonly Measures[], { fromMs, toMs }: Pick<Span, 'fromMs' | 'toMs'>) =>
    series.filter((_, i) => (startsMs[i] ?? 0) >= fromMs && (startsMs[i] ?? 0) < toMs);
  const compared = (series: readonly Measures[]): Compared => {
    const earlier = before === null ? null : sumOfMeasures(within(series, before));
    return {
      now: sumOfMeasures(within(series, span)),
      before: earlier !== null && earlier.events > 0 ? earlier : null,
    };
  };
  const all = startsMs.map((_, i) => sumOfMeasures(found.flatMap((ofSite) => ofSite[i] ?? [])));
  return {
    ...{ span, zone },
    daysBefore:
      before === null
        ? null
        : { firstDay: civilDay(zone, before.fromMs), lastDay: civilDay(zone, before.toMs - 1) },
    all: compared(all),
    series: within(all, span),
    bySite: new Map(sites.map(({ id }, i) => [id, compared(found[i] ?? [])])),
  };
}
