import { utcDay } from '../../domain/clock.ts';
import type { Dimension, FilterDimension, ViewDimension } from '../../domain/dimensions.ts';
import type { GoalTarget } from '../../domain/goals.ts';
import { type Measures, NO_MEASURES, type RowSort } from '../../domain/measures.ts';
import type { Money } from '../../domain/money.ts';
import type {
  AskedReports,
  BreakdownRow,
  FilteredSites,
  FunnelRow,
  GoalCount,
  JourneyStep,
  OfSites,
  PropertyCount,
  RowPaging,
  Scope,
  ViewsRow,
} from '../contract/store.ts';
import { countFunnel, funnelRow } from './funnels.ts';
import { countJourneys, journeyOf } from './journeys.ts';
import { amountOf } from './measures.ts';
import {
  countBots,
  countBy,
  countByTime,
  countGoals,
  countProperties,
  idsOf,
  lastPages,
  type StoredDay,
  sumByTime,
  sumByValue,
  sumGoals,
} from './questions.ts';
import { pageOf, rankingOf } from './ranking.ts';
import type { Statement } from './statement.ts';
import { allViews, countViews, type P75, viewsRow } from './views.ts';

export type Row = Readonly<Record<string, unknown>>;

/** What an engine must do so that all reports can be asked of it. */
export interface ReportEngine {
  /** Lists the days on which sites have data among those from one to another (both inclusive). */
  daysOf(siteIds: readonly string[], range: { firstDay: number; lastDay: number }): Promise<StoredDay[]>;
  /** Answers a statement over the relations. Counts are numbers, or text of digits. */
  rows(statement: Statement): Promise<Row[]>;
  /** How the engine writes a percentile. */
  readonly p75: P75;
}

/** Answers reports with one statement each. */
export class SqlReports implements Omit<AskedReports, 'listActivity' | 'eventsSince'> {
  readonly #engine: ReportEngine;

  constructor(engine: ReportEngine) {
    this.#engine = engine;
  }

  /** Totals are a series of one bucket. */
  async totals({ fromMs, toMs, ...scope }: Scope): Promise<Measures> {
    const [measures] = await this.series(scope, [fromMs, toMs]);
    return measures ?? { ...NO_MEASURES };
  }

  async series(scope: FilteredSites, boundariesMs: readonly number[]): Promise<Measures[]> {
    const days = await this.#daysWithin(scope, boundariesMs[0] ?? 0, boundariesMs.at(-1) ?? 0);
    const rows = await this.#rows(countByTime(scope, boundariesMs, days));
    const byBucket = new Map(rows.map((row) => [Number(row.key), measuresOf(row)]));
    return boundariesMs.slice(1).map((_, bucket) => byBucket.get(bucket) ?? { ...NO_MEASURES });
  }

  async seriesBySite(scope: FilteredSites, boundariesMs: readonly number[]): Promise<Measures[][]> {
    const days = await this.#daysWithin(scope, boundariesMs[0] ?? 0, boundariesMs.at(-1) ?? 0);
    const rows = await this.#rows(countByTime(scope, boundariesMs, days, { bySite: true }));
    const byKey = new Map(rows.map((row) => [String(row.key), measuresOf(row)]));
    return idsOf(scope).map((siteId) =>
      boundariesMs.slice(1).map((_, bucket) => byKey.get(`${siteId} ${bucket}`) ?? { ...NO_MEASURES }),
    );
  }

  async breakdown(
    scope: Scope,
    by: Dimension,
    { sort, ...paging }: RowPaging & { sort?: RowSort },
  ): Promise<{ rows: BreakdownRow[]; nextCursor: string | null }> {
    // Filters are about people.
    if (by === 'bot' && scope.filters.length > 0) return { rows: [], nextCursor: null };
    const days = await this.#daysWithin(scope, scope.fromMs, scope.toMs);
    const asked = { paging, ranking: rankingOf(sort), days };
    const page = await this.#rows(by === 'bot' ? countBots(scope, asked) : countBy(scope, by, asked));
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

  async views(
    scope: Scope,
    by: ViewDimension | null,
    paging: RowPaging,
  ): Promise<{ rows: ViewsRow[]; nextCursor: string | null }> {
    const days = await this.#daysWithin(scope, scope.fromMs, scope.toMs);
    const page = await this.#rows(countViews(scope, by, { paging, days, p75: this.#engine.p75 }));
    if (by === null) return { rows: [allViews(page)], nextCursor: null };
    const { rows, nextCursor } = pageOf(page, paging);
    return { rows: rows.map(viewsRow), nextCursor };
  }

  async revenue(scope: FilteredSites, boundariesMs: readonly number[]): Promise<Money[][]> {
    const days = await this.#daysWithin(scope, boundariesMs[0] ?? 0, boundariesMs.at(-1) ?? 0);
    const byBucket = moneyByKey(await this.#rows(sumByTime(scope, boundariesMs, days)));
    return boundariesMs.slice(1).map((_, bucket) => byBucket.get(String(bucket)) ?? []);
  }

  async revenueBy(scope: Scope, by: Dimension, values: readonly (string | null)[]): Promise<Money[][]> {
    if (by === 'bot' || values.length === 0) return values.map(() => []);
    const days = await this.#daysWithin(scope, scope.fromMs, scope.toMs);
    const found: Money[][] = [];
    for (let from = 0; from < values.length; from += VALUES_AT_ONCE) {
      const some = values.slice(from, from + VALUES_AT_ONCE);
      const byValue = moneyByKey(await this.#rows(sumByValue(scope, by, some, days)));
      found.push(...some.map((value) => byValue.get(value) ?? []));
    }
    return found;
  }

  async goals(scope: Scope, goals: readonly GoalTarget[]): Promise<GoalCount[]> {
    const days = await this.#daysWithin(scope, scope.fromMs, scope.toMs);
    const [counted] = await this.#rows(countGoals(scope, goals, days));
    const sums = await this.#rows(sumGoals(scope, goals, days));
    return goals.map((_, i) => ({
      visitors: Number(counted?.[`visitors_${i}`] ?? 0),
      conversions: Number(counted?.[`events_${i}`] ?? 0),
      revenue: inOrder(
        sums
          .filter((row) => Number(row[`events_${i}`]) > 0)
          .map((row) => moneyOf(row.currency, row[`revenue_${i}`])),
      ),
    }));
  }

  async funnel(
    scope: Scope,
    steps: readonly GoalTarget[],
    by: FilterDimension | null,
    paging: RowPaging,
  ): Promise<{ rows: FunnelRow[]; nextCursor: string | null }> {
    const days = await this.#daysWithin(scope, scope.fromMs, scope.toMs);
    const page = await this.#rows(countFunnel(scope, steps, by, { paging, days }));
    if (by === null) return { rows: [funnelRow(page[0], steps.length)], nextCursor: null };
    const { rows, nextCursor } = pageOf(page, paging);
    return { rows: rows.map((row) => funnelRow(row, steps.length)), nextCursor };
  }

  async journeys(scope: Scope, page: GoalTarget, limit: number): Promise<JourneyStep[]> {
    const days = await this.#daysWithin(scope, scope.fromMs, scope.toMs);
    return journeyOf(await this.#rows(countJourneys(scope, page, limit, days)));
  }

  async properties(scope: Scope, limit: number): Promise<PropertyCount[]> {
    const days = await this.#daysWithin(scope, scope.fromMs, scope.toMs);
    const rows = await this.#rows(countProperties(scope, limit, days));
    return rows.map((row) => ({ name: String(row.property), events: Number(row.events) }));
  }

  async realtime(
    siteId: string,
    sinceMs: number,
  ): Promise<{ visitors: number; pages: { path: string; visitors: number }[] }> {
    const days = await this.#engine.daysOf([siteId], { firstDay: utcDay(sinceMs), lastDay: LAST_DAY });
    const rows = await this.#rows(days.length === 0 ? null : lastPages({ siteId, sinceMs }, days));
    const pages = rows
      .map((row) => ({ path: String(row.page), visitors: Number(row.visitors) }))
      .sort((a, b) => b.visitors - a.visitors || (a.path < b.path ? -1 : 1));
    return { visitors: pages.reduce((sum, page) => sum + page.visitors, 0), pages };
  }

  async #daysWithin(of: OfSites, fromMs: number, toMs: number): Promise<StoredDay[]> {
    if (fromMs >= toMs) return [];
    return this.#engine.daysOf(idsOf(of), { firstDay: utcDay(fromMs), lastDay: utcDay(toMs - 1) });
  }

  async #rows(statement: Statement | null): Promise<Row[]> {
    return statement === null ? [] : this.#engine.rows(statement);
  }
}

/** Values that one statement names. They may be long. */
const VALUES_AT_ONCE = 1_000;

function moneyByKey(rows: readonly Row[]): Map<string | null, Money[]> {
  const byKey = new Map<string | null, Money[]>();
  for (const row of rows) {
    const key = textOf(row.key);
    byKey.set(key, [...(byKey.get(key) ?? []), moneyOf(row.currency, row.revenue)]);
  }
  return new Map([...byKey].map(([key, money]) => [key, inOrder(money)]));
}

function moneyOf(currency: unknown, sum: unknown): Money {
  return { currency: textOf(currency), amount: amountOf(String(sum)) };
}

/** Sorts by currency. What has none comes last. */
function inOrder(money: readonly Money[]): Money[] {
  return money.toSorted((a, b) =>
    a.currency === null || (b.currency !== null && a.currency > b.currency) ? 1 : -1,
  );
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
