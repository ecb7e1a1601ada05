import type { Dimension, FilterDimension, ViewDimension } from '../../domain/dimensions.ts';
import type { GoalTarget } from '../../domain/goals.ts';
import type { Measures, RowSort } from '../../domain/measures.ts';
import type { Money } from '../../domain/money.ts';
import type { ViewFigures } from '../../domain/vitals.ts';
import type { DamagedDay, StoredEvent } from './events.ts';

/** Reports about events. `store.ts` defines times and ids. */

/**
 * A filter that keeps what has one of the values, or with `negated`, what has none of them. Null means unknown: it contains and
 * matches nothing, so a negated filter keeps it.
 */
export interface ValueFilter {
  by: FilterDimension;
  values: readonly (string | null)[];
  /**
   * Texts. A value that contains one of them is one of the values, whatever the case of its letters. Pages and referrers are
   * searched as people read them: escapes of a character beyond ASCII are that character, and any other escape is one character.
   */
  containing?: readonly string[];
  /** Texts without `?` and `#`. A page whose path ends in one of them, maybe before a slash, is one of the values, as above. */
  ending?: readonly string[];
  negated: boolean;
}

/** A filter that keeps the events that reach one of the goals, or with `negated`, those that reach none of them. */
export interface GoalFilter {
  by: 'goal';
  goals: readonly GoalTarget[];
  negated: boolean;
}

export type Filter = ValueFilter | GoalFilter;

/** A site in a report over several sites. */
export interface NamedSite {
  siteId: string;
  /** What its pages begin with in the report, such as its domain. It is a part of their values. */
  name: string;
}

/**
 * Whose events a report covers: those of a site, or of several sites, which are added up. A visitor belongs to one site, so that
 * visitors add up as well. In a report over several sites, pages begin with the name of their site, and a filter for pages that
 * begin with a slash is about those of every site.
 */
export type OfSites = { siteId: string; sites?: never } | { siteId?: never; sites: readonly NamedSite[] };

/** The filtered events of some sites, of any time. */
export type FilteredSites = OfSites & { filters: readonly Filter[] };

/** Some time of some sites, from one instant (inclusive) to another (exclusive). */
export type SpanOfSites = OfSites & { fromMs: number; toMs: number };

/** The events that a report covers. */
export type Scope = FilteredSites & SpanOfSites;

/** Some time of one site. */
export interface SiteSpan {
  siteId: string;
  fromMs: number;
  toMs: number;
}

/** Returns the sites that a report covers. */
export function sitesIn(of: OfSites): readonly NamedSite[] {
  return of.sites ?? [{ siteId: of.siteId, name: '' }];
}

/** The page of rows to return. */
export interface RowPaging {
  limit: number;
  /** Returned with the previous page, for the same search and sort. An invalid one is not an error: the first page is returned. */
  cursor?: string;
  /** Which values have rows; by default, all. Unlike a filter of the scope, it changes no number of a row, and needs no events. */
  matching?: Omit<ValueFilter, 'by' | 'negated'>;
}

export interface BreakdownRow extends Measures {
  /** The value of the dimension; null if unknown. */
  value: string | null;
  /** The company that runs the crawler; only in breakdowns by `bot`. */
  company?: string | null;
}

export interface ViewsRow extends ViewFigures {
  /** The value of the dimension; null if unknown. */
  value: string | null;
}

/** How often a goal was reached. */
export interface GoalCount {
  /** Visitors who reached it. */
  visitors: number;
  /** Events that reached it. */
  conversions: number;
  /** The values of those events, by currency. */
  revenue: Money[];
}

/** How far the visits of one value of a dimension got through the steps of a funnel. */
export interface FunnelRow {
  /** The value that the event of the first step has; null if unknown, and without a dimension. */
  value: string | null;
  /** For each step, the visits that reached it after all steps before it, and their visitors. */
  steps: { visitors: number; visits: number }[];
}

/** The pages of visits at one distance from a page. */
export interface JourneyStep {
  /** How many pages after that page; negative before it. */
  step: number;
  /** The visits that got as far. */
  visits: number;
  /** The number of different pages. */
  pages: number;
  /** The most frequent of them, with the visits that viewed each. */
  rows: { page: string; visits: number }[];
}

/** The name of a property, and how many events other than page views have it. */
export interface PropertyCount {
  name: string;
  events: number;
}

/** One event or crawler hit in the activity list. */
export type ActivityItem =
  | { type: 'event'; event: StoredEvent }
  | {
      type: 'bot';
      cursor: string;
      receivedAtMs: number;
      bot: string;
      company: string | null;
      botClass: string;
      host: string;
      path: string;
    };

/** The resources that reports may use on this machine. */
export interface ReportLimits {
  memoryMib: number;
  threads: number;
  /** The folder for what does not fit in memory; null: a folder among the data. */
  spillFolder: string | null;
}

export interface SealingProgress {
  sealed: number;
  all: number;
}

/** Who asks for reports. Askers take turns, so that none has to wait for all that another one wants to know. */
export interface Asker {
  /** The id of an account or of a public link. */
  asker: string;
  /** Whether it is a public link. All of these together get no more turns than one account. */
  isPublicLink?: boolean;
  /** Ends the asker's questions, whether they wait or are being answered. They then reject with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Reports, computed off the writer's thread. Every method may throw `StoreUnavailable`: `StoreBusy` if too many questions wait
 * for their turn, or one waited too long.
 */
export interface AskedReports {
  totals(scope: Scope): Promise<Measures>;
  /** Returns one result per bucket. Bucket i runs from boundary i (inclusive) to boundary i + 1 (exclusive). */
  series(scope: FilteredSites, boundariesMs: readonly number[]): Promise<Measures[]>;
  /** Does the same for each site of the scope, in their order, without adding them up. */
  seriesBySite(scope: FilteredSites, boundariesMs: readonly number[]): Promise<Measures[][]>;
  /** Returns a page of rows, largest first: by visitors, then events, then value, or by `sort`, then visitors, then value. */
  breakdown(
    scope: Scope,
    by: Dimension,
    options: RowPaging & { sort?: RowSort },
  ): Promise<{ rows: BreakdownRow[]; nextCursor: string | null }>;
  /**
   * Counts views by when they ended, with their scroll depths and web vitals. Returns a page of rows, most views first; without a
   * dimension, one row of all views. Filters must be of `ViewDimension`.
   */
  views(
    scope: Scope,
    by: ViewDimension | null,
    options: RowPaging,
  ): Promise<{ rows: ViewsRow[]; nextCursor: string | null }>;
  /**
   * Adds up the values of events, once for each of the buckets between boundaries. Sums are exact to the sixth decimal. Sorted by
   * currency; values without one come last.
   */
  revenue(scope: FilteredSites, boundariesMs: readonly number[]): Promise<Money[][]>;
  /** Does the same for each of some values of a dimension. */
  revenueBy(scope: Scope, by: Dimension, values: readonly (string | null)[]): Promise<Money[][]>;
  /** Returns the count of each goal, in the same order. */
  goals(scope: Scope, goals: readonly GoalTarget[]): Promise<GoalCount[]>;
  /**
   * Counts visits that reached steps in order: each by an event of the visit after the one that reached the step before. Filters
   * keep events. Returns a page of rows, most visitors of the first step first; without a dimension, one row of all visits. Each
   * visit is in one row: that of the value which its first event of the first step has.
   */
  funnel(
    scope: Scope,
    steps: readonly GoalTarget[],
    by: FilterDimension | null,
    options: { limit: number; cursor?: string },
  ): Promise<{ rows: FunnelRow[]; nextCursor: string | null }>;
  /**
   * Counts the pages that visits viewed up to three pages before and after their first view of a page, in that order, with that
   * page in the middle. Views of one page in a row are one step.
   *
   * @param limit the most rows of a step, most visits first
   */
  journeys(scope: Scope, page: GoalTarget, limit: number): Promise<JourneyStep[]>;
  /** Lists the properties of events other than page views, most frequent first. */
  properties(scope: Scope, limit: number): Promise<PropertyCount[]>;
  /**
   * Returns the instant from which all sites of a span have events, if retention has deleted earlier ones that other reports
   * still count; else null. Filters, revenue, goals, funnels, journeys and properties need events.
   */
  eventsSince(scope: SpanOfSites): Promise<number | null>;
  /** Lists events and crawler hits, newest first. `referral` selects page views that began a visit sent by an assistant. */
  listActivity(
    scope: SiteSpan,
    options: { type: 'event' | 'bot' | 'referral' | 'conversion' | null; limit: number; cursor?: string },
  ): Promise<{ items: ActivityItem[]; nextCursor: string | null }>;
  /** Counts visitors with an event since an instant, and lists the pages they saw last, the most visited first. */
  realtime(
    siteId: string,
    sinceMs: number,
  ): Promise<{ visitors: number; pages: { path: string; visitors: number }[] }>;
}

/** All reports. Asked directly, the instance itself is the asker. */
export interface Reports extends AskedReports {
  /** Returns the same reports for one asker. */
  askedBy(asker: Asker): AskedReports;
  /**
   * Seals the UTC days before `beforeDay`, which makes reports about them fast without changing any result. Ends early when
   * aborted.
   *
   * @returns the number of site days that were sealed
   */
  sealDaysBefore(beforeDay: number, signal?: AbortSignal): Promise<number>;
  /** Calls the listener as days are sealed, with the number of sites' days that are sealed in this round and of all of them. */
  onSealing?(listener: (progress: SealingProgress) => void): void;
  /**
   * Calls the listener with each day that a round does not seal because it is damaged. Neither it nor any later day is archived.
   * Its rollups are made of the rows that it has when retention is about to delete them.
   */
  onDamagedDay?(listener: (day: DamagedDay) => void): void;
  /**
   * Archives the sealed UTC days before `beforeDay`, which changes no result either: their events are then stored only in the
   * form in which reports read them. Entries of such a day are refused from then on. Absent if an engine has only one form.
   *
   * @returns the day before which all days are archived now
   */
  archiveDaysBefore?(beforeDay: number, signal?: AbortSignal): Promise<number>;
}
