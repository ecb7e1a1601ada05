import type { Dimension } from '../../../domain/dimensions.ts';
import { type Measures, NO_MEASURES } from '../../../domain/measures.ts';
import type { BreakdownRow, Filter, Reports, Scope } from '../../contract/store.ts';
import { rank } from '../../shared/rank.ts';
import type { OnServer } from '../warehouse/replicas.ts';
import { type CellKey, ReportAccumulator } from './accumulator.ts';
import { listActivity, realtime } from './activity.ts';
import { botsByBucket, botsByName } from './bots.ts';
import { columnOf, dimensionValue, isOfVisits, matches } from './values.ts';
import {
  isEmptySpan,
  type OptionalColumn,
  streamVisits,
  type Visit,
  type VisitEvent,
} from './visit-stream.ts';

/**
 * Answers from the rows: the server filters and orders them, what a visit is decides this process, a visitor's day at a time.
 * Costs what it takes to read the site's rows of the span; nothing is rolled up. A visit's events follow each other by time of
 * receipt, also where the clock of a collector stepped back.
 */
export class ClickHouseReports implements Reports {
  readonly #on: OnServer;

  constructor(on: OnServer) {
    this.#on = on;
  }

  async totals({ fromMs, toMs, ...scope }: Scope): Promise<Measures> {
    const [measures] = await this.series(scope, [fromMs, toMs]);
    return measures ?? { ...NO_MEASURES };
  }

  async series(
    { siteId, filters }: Omit<Scope, 'fromMs' | 'toMs'>,
    boundariesMs: readonly number[],
  ): Promise<Measures[]> {
    const [fromMs, toMs] = [boundariesMs[0] ?? 0, boundariesMs.at(-1) ?? 0];
    const buckets = boundariesMs.slice(1).map((_, i) => i);
    if (isEmptySpan(fromMs, toMs)) return buckets.map(() => ({ ...NO_MEASURES }));
    const bucketOf = bucketsOf(boundariesMs);
    const tally = new ReportAccumulator({
      ...keeping(filters),
      cellOfEvent: ({ atMs }) => bucketOf(atMs),
      cellsOfVisit: ({ startMs }) => present(bucketOf(startMs)),
    });
    return this.#on(async (server) => {
      tally.cells.clear();
      await streamVisits(server, { siteId, fromMs, toMs, columns: columnsFor(filters) }, (visits) =>
        tally.add(visits),
      );
      const bots =
        filters.length > 0 ? new Map<number, number>() : await botsByBucket(server, siteId, boundariesMs);
      return buckets.map((bucket) => ({ ...tally.at(bucket), botVisits: bots.get(bucket) ?? 0 }));
    });
  }

  async breakdown(
    { siteId, fromMs, toMs, filters }: Scope,
    by: Dimension,
    options: { limit: number; cursor?: string },
  ): Promise<{ rows: BreakdownRow[]; nextCursor: string | null }> {
    if (isEmptySpan(fromMs, toMs) || (by === 'bot' && filters.length > 0))
      return { rows: [], nextCursor: null };
    if (by === 'bot') {
      const bots = await this.#on((server) => botsByName(server, { siteId, fromMs, toMs }));
      return rank(
        bots.map(({ bot, company, visits }) => ({
          key: bot,
          measures: { ...NO_MEASURES, botVisits: visits },
          company,
        })),
        textOf,
        options,
      );
    }
    const inSpan = (atMs: number) => atMs >= fromMs && atMs < toMs;
    const keyOf = (event: VisitEvent, visit: Visit) => dimensionValue(by, visit, event);
    const tally = new ReportAccumulator({
      ...keeping(filters),
      cellOfEvent: (event, visit) => (inSpan(event.atMs) ? keyOf(event, visit) : undefined),
      cellsOfVisit: (visit, kept) =>
        inSpan(visit.startMs)
          ? new Set((isOfVisits(by) ? kept.slice(0, 1) : kept).map((event) => keyOf(event, visit)))
          : [],
    });
    await this.#on(async (server) => {
      tally.cells.clear();
      const columns = columnsFor([...filters, { by, values: [], negated: false }]);
      await streamVisits(server, { siteId, fromMs, toMs, columns }, (visits) => tally.add(visits));
    });
    // Split by a property are the events that have it.
    if (by.startsWith('prop:')) tally.cells.delete(null);
    return rank(
      [...tally.cells].map(([key, measures]) => ({ key, measures })),
      textOf,
      options,
    );
  }

  listActivity: Reports['listActivity'] = (scope, options) =>
    this.#on((server) => listActivity(server, scope, options));

  realtime: Reports['realtime'] = (siteId, sinceMs) =>
    this.#on((server) => realtime(server, siteId, sinceMs));

  /** Nothing is kept besides the rows. */
  sealDaysBefore: Reports['sealDaysBefore'] = async () => 0;
}

function textOf(key: CellKey): string | null {
  return key === null ? null : String(key);
}

function present(key: CellKey | undefined): CellKey[] {
  return key === undefined ? [] : [key];
}

function keeping(filters: readonly Filter[]) {
  const ofVisits = filters.filter(({ by }) => isOfVisits(by));
  const ofEvents = filters.filter(({ by }) => !isOfVisits(by));
  // Dimensions of visits are the same for each of their events; those of events need no visit.
  return {
    keepsVisit: (visit: Visit) => {
      const [first] = visit.events;
      return first !== undefined && ofVisits.every((filter) => matches(filter, visit, first));
    },
    keeps: (event: VisitEvent) => ofEvents.every((filter) => matches(filter, NO_VISIT, event)),
  };
}

const NO_VISIT: Visit = {
  startMs: 0,
  events: [],
  engagedMs: 0,
  profile: {
    source: null,
    channel: null,
    campaign: null,
    country: null,
    device: null,
    browser: null,
    os: null,
  },
};

function columnsFor(filters: readonly Filter[]): ReadonlySet<OptionalColumn> {
  const columns = filters.flatMap(({ by }) => columnOf(by) ?? []);
  return new Set<OptionalColumn>(['channel', ...columns]);
}

/** The bucket that holds an instant; undefined outside of all. */
function bucketsOf(boundariesMs: readonly number[]): (atMs: number) => number | undefined {
  return (atMs) => {
    let [low, high] = [0, boundariesMs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((boundariesMs[middle] ?? 0) <= atMs) low = middle + 1;
      else high = middle;
    }
    return low === 0 || low === boundariesMs.length ? undefined : low - 1;
  };
}
