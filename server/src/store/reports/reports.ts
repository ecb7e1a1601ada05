import { utcDay } from '../../domain/clock.ts';
import type { Dimension } from '../../domain/dimensions.ts';
import { type Measures, NO_MEASURES } from '../../domain/measures.ts';
import type { BreakdownRow, Reports, Scope } from '../contract/store.ts';
import { countBots, countBy, countByTime, lastPages, type StoredDay } from './questions.ts';
import { type Paging, pageOf } from './ranking.ts';
import type { Statement } from './statement.ts';

/** The pages that `realtime` lists. */
const PAGES_SHOWN = 100;

export type Row = Readonly<Record<string, unknown>>;

/** What an engine must do so that all reports can be asked of it. */
export interface ReportEngine {
  /** Lists a site's days with data among those from one to another (both inclusive). */
  daysOf(siteId: string, range: { firstDay: number; lastDay: number }): Promise<StoredDay[]>;
  /** Answers a statement over the relations. Counts are numbers, or text of digits. */
  rows(statement: Statement): Promise<Row[]>;
}

/** Answers reports with one statement each. */
export class SqlReports implements Pick<Reports, 'totals' | 'series' | 'breakdown' | 'realtime'> {
  readonly #engine: ReportEngine;

  constructor(engine: ReportEngine) {
    this.#engine = engine;
  }

  /** Totals are a series of one bucket. */
  async totals({ fromMs, toMs, ...scope }: Scope): Promise<Measures> {
    const [measures] = await this.series(scope, [fromMs, toMs]);
    return measures ?? { ...NO_MEASURES };
  }

  async series(
    scope: Pick<Scope, 'siteId' | 'filters'>,
    boundariesMs: readonly number[],
  ): Promise<Measures[]> {
    const days = await this.#daysWithin(scope.siteId, boundariesMs[0] ?? 0, boundariesMs.at(-1) ?? 0);
    const rows = await this.#rows(countByTime(scope, boundariesMs, days));
    const byBucket = new Map(rows.map((row) => [Number(row.key), measuresOf(row)]));
    return boundariesMs.slice(1).map((_, bucket) => byBucket.get(bucket) ?? { ...NO_MEASURES });
  }

  async breakdown(
    scope: Scope,
    by: Dimension,
    paging: Paging,
  ): Promise<{ rows: BreakdownRow[]; nextCursor: string | null }> {
    // Filters are about people.
    if (by === 'bot' && scope.filters.length > 0) return { rows: [], nextCursor: null };
    const days = await this.#daysWithin(scope.siteId, scope.fromMs, scope.toMs);
    const page = await this.#rows(
      by === 'bot' ? countBots(scope, paging, days) : countBy(scope, by, paging, days),
    );
    const { rows, nextCursor } = pageOf(page, paging);
    return {
      rows: rows.map((row) => ({
        value: textOf(row.key),
        ...measuresOf(row),
        ...(by === 'bot' ? { company: textOf(row.company) } : {}),
      })),
      nextCursor,
    };
  }

  async realtime(
    siteId: string,
    sinceMs: number,
  ): Promise<{ visitors: number; pages: { path: string; visitors: number }[] }> {
    const days = await this.#engine.daysOf(siteId, { firstDay: utcDay(sinceMs), lastDay: LAST_DAY });
    const rows = await this.#rows(days.length === 0 ? null : lastPages({ siteId, sinceMs }, days));
    const pages = rows
      .map((row) => ({ path: String(row.page), visitors: Number(row.visitors) }))
      .sort((a, b) => b.visitors - a.visitors || (a.path < b.path ? -1 : 1));
    return {
      visitors: pages.reduce((sum, page) => sum + page.visitors, 0),
      pages: pages.slice(0, PAGES_SHOWN),
    };
  }

  async #daysWithin(siteId: string, fromMs: number, toMs: number): Promise<StoredDay[]> {
    if (fromMs >= toMs) return [];
    return this.#engine.daysOf(siteId, { firstDay: utcDay(fromMs), lastDay: utcDay(toMs - 1) });
  }

  async #rows(statement: Statement | null): Promise<Row[]> {
    return statement === null ? [] : this.#engine.rows(statement);
  }
}

/** An upper bound of days. */
const LAST_DAY = 2 ** 31 - 1;

function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

function measuresOf(row: Row): Measures {
  const number = (name: string) => Number(row[name] ?? 0);
  const [events, pageviews] = [number('events'), number('pageviews')];
  return {
    visitors: number('visitors'),
    visits: number('visits'),
    pageviews,
    events,
    conversions: events - pageviews,
    referrals: number('referrals'),
    bounces: number('bounces'),
    engagedMs: number('engaged'),
    botVisits: number('bots'),
  };
}
