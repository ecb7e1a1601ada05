import { type GoalResult, goalResults } from '../../app/goals.ts';
import { LIVE_MS } from '../../app/live-feed.ts';
import { toFilter } from '../../app/reports/filters.ts';
import { type Comparison, comparedSpan, comparisonOf, type Span, spanOf } from '../../app/reports/spans.ts';
import { civilDay } from '../../domain/calendar.ts';
import type { DayRange } from '../../domain/clock.ts';
import { type Dimension, filterDimension, propName } from '../../domain/dimensions.ts';
import { printFilter, type ReportFilter } from '../../domain/filters.ts';
import { type Measures, NO_MEASURES } from '../../domain/measures.ts';
import type { Money } from '../../domain/money.ts';
import { ECHO_MAX_CHARS } from '../../domain/nearest.ts';
import type {
  AskedReports,
  BreakdownRow,
  Filter,
  FilteredSites,
  Goal,
  Registry,
  Scope,
  Site,
} from '../../store/contract/store.ts';
import { readReportFilters } from './filters.ts';
import { CONVERSIONS, type Figure, figureOf, figuresOf } from './measures.ts';
import { PANELS, type PanelPlan, type PanelTab } from './panels.ts';
import { InvalidReport, notOneOf, problemsOf, unknownParameters } from './problems.ts';
import { goalsIn, isRollUp, onlineSince, type RollUp, type Subject, sitesOf } from './subject.ts';
import { tableScope } from './table-scope.ts';
import { REPORT_TEXT } from './text.ts';
import { loadViews, type ViewsData } from './views-data.ts';

/** Loads the data of a report, with parallel queries. */

const ROWS = 10;
/** The properties that have a tab. */
const PROPERTIES_SHOWN = 5;
/** The properties that the filter form lists. Others can be typed into the URL. */
const PROPERTIES_LISTED = 100;

export interface PanelData {
  plan: PanelPlan;
  tabs: readonly PanelTab[];
  tab: PanelTab;
  rows: readonly BreakdownRow[];
  more: boolean;
}

/** A site of a roll-up. */
export interface SiteRow {
  site: Site;
  measures: Measures;
}

export interface ReportData {
  subject: Subject;
  /** What is counted of each site of a roll-up, most visitors first; null for the report of one site. */
  bySite: readonly SiteRow[] | null;
  zone: string;
  nowMs: number;
  span: Span;
  comparison: Comparison;
  asked: readonly ReportFilter[];
  /** The time from which filters, revenue and goals include events; null if they include all of the span. */
  eventsSinceMs: number | null;
  /** Parameters of the URL that mean nothing. */
  unknown: readonly string[];
  figures: readonly Figure[];
  figure: Figure;
  /** On a site with goals, its `conversions` are the events that reached one, as are those of `earlier`. */
  totals: Measures;
  earlier: Measures | null;
  /** The days that `earlier` and `earlierSeries` are about; null if there is no comparison. */
  earlierDays: DayRange | null;
  /** On a site with goals, their `conversions` are of use only if that is the figure of the chart. */
  series: readonly Measures[];
  earlierSeries: readonly Measures[] | null;
  panels: readonly PanelData[];
  assistants: readonly BreakdownRow[];
  crawlers: readonly BreakdownRow[];
  goals: readonly GoalResult[];
  /** What the ends of views say; null if there are none, or if the filters do not apply to views. */
  views: ViewsData | null;
  live: number;
  /** The names of the most frequent properties. */
  properties: readonly string[];
  revenue: readonly Money[];
  query: URLSearchParams;
}

export interface ReportAsk {
  registry: Pick<Registry, 'goalsOf'>;
  reports: AskedReports;
  subject: Subject;
  zone: string;
  nowMs: number;
  query: URLSearchParams;
}

/** What is asked of the report of one site. */
export interface SiteAsk extends ReportAsk {
  subject: Site;
}

/**
 * Reads the scope of a report from its query string.
 *
 * @param goals those of the report
 * @throws InvalidReport
 */
export function scopeOf(
  { subject, zone, nowMs, query }: Omit<ReportAsk, 'registry' | 'reports'>,
  goals: readonly Goal[],
): { span: Span; asked: ReportFilter[]; scope: Scope } {
  const problems = problemsOf(query);
  const asked = readReportFilters(query);
  const filters: Filter[] = [];
  for (const each of asked) {
    const filter = toFilter(each, goals, subject);
    if (typeof filter !== 'string') filters.push(filter);
    else problems.push(REPORT_TEXT.badFilter(printFilter(each).slice(0, ECHO_MAX_CHARS), filter));
  }
  if (problems.length > 0) throw new InvalidReport(problems);
  const [range, from, to] = [query.get('range'), query.get('from'), query.get('to')];
  const interval = query.get('interval');
  const span = spanOf({ range, from, to, interval }, { zone, nowMs, createdAtMs: subject.createdAtMs });
  if (interval !== null && interval !== span.interval)
    throw new InvalidReport([notOneOf('interval', interval, span.intervals)]);
  const { fromMs, toMs } = span;
  return { span, asked, scope: { ...sitesOf(subject), fromMs, toMs, filters } };
}

/** @throws InvalidReport */
export async function loadReport(ask: ReportAsk): Promise<ReportData> {
  const { reports, registry, subject, zone, nowMs, query } = ask;
  const goals = await goalsIn(registry, subject);
  const { span, asked, scope } = scopeOf(ask, goals);
  const figures = figuresOf(goals.length > 0);
  const figure = figureOf(query.get('metric'), figures);
  const comparison = comparisonOf(query.get('compare'));
  const before = comparedSpan(span, comparison, zone);
  const properties = await reports.properties(scope, PROPERTIES_LISTED);
  const names = properties.map(({ name }) => name);
  const totalsOf = (within: Scope) => totalsWithGoals(reports, within, goals);
  const counted = totalsOf(scope);
  // What reached goals is a question of its own, and not a cheap one.
  const inSeries = figure.id === CONVERSIONS ? goals : [];
  const seriesOf = (boundariesMs: readonly number[]) =>
    seriesWithGoals(reports, scope, boundariesMs, inSeries);
  const [
    totals,
    series,
    earlier,
    earlierSeries,
    panels,
    assistants,
    crawlers,
    results,
    live,
    [revenue = []],
    eventsSinceMs,
    views,
    bySite,
  ] = await Promise.all([
    counted,
    seriesOf(span.boundariesMs),
    before === null ? null : totalsOf({ ...scope, fromMs: before.fromMs, toMs: before.toMs }),
    before === null ? null : seriesOf(before.boundariesMs),
    Promise.all(PANELS.map((plan) => loadPanel(ask, scope, plan, names))),
    rowsOf(ask, tableScope(scope, 'source', 'ai'), 'source'),
    rowsOf(ask, tableScope(scope, 'bot'), 'bot'),
    goals.length === 0 ? [] : goalResults(reports, scope, goals, counted).then((found) => found.goals),
    onlineSince(reports, subject, { sinceMs: nowMs - LIVE_MS, nowMs }),
    reports.revenue(scope, [scope.fromMs, scope.toMs]),
    reports.eventsSince(scope),
    loadViews(reports, scope, { tab: query.get('vitals'), limit: ROWS }),
    isRollUp(subject) ? siteRows(reports, scope, subject) : null,
  ]);
  // A period without events is not compared, because the site probably did not exist yet.
  const wasThere = earlier !== null && earlier.events > 0;
  return {
    ...{ subject, bySite, zone, nowMs, span, comparison, asked, query, revenue, figures, figure },
    properties: names,
    ...{ eventsSinceMs, views },
    unknown: unknownParameters(query),
    ...{ totals, series, panels, assistants, crawlers, goals: results },
    earlier: wasThere ? earlier : null,
    earlierDays: wasThere && before !== null ? daysOf(before, zone) : null,
    earlierSeries: wasThere ? earlierSeries : null,
    live,
  };
}

async function siteRows(reports: AskedReports, scope: Scope, { sites }: RollUp): Promise<SiteRow[]> {
  const bySite = await reports.seriesBySite(scope, [scope.fromMs, scope.toMs]);
  return sites
    .map((site, i) => ({ site, measures: bySite[i]?.[0] ?? NO_MEASURES }))
    .sort((a, b) => b.measures.visitors - a.measures.visitors);
}

/** The civil days of a span, the last included. */
function daysOf({ fromMs, toMs }: Pick<Span, 'fromMs' | 'toMs'>, zone: string): DayRange {
  return { firstDay: civilDay(zone, fromMs), lastDay: civilDay(zone, toMs - 1) };
}

/** The filter for what reaches one of the goals. */
export const reaching = (goals: readonly Goal[]): Filter => ({ by: 'goal', goals, negated: false });

async function seriesWithGoals(
  reports: AskedReports,
  scope: FilteredSites,
  boundariesMs: readonly number[],
  goals: readonly Goal[],
): Promise<Measures[]> {
  if (goals.length === 0) return reports.series(scope, boundariesMs);
  const [all, reached] = await Promise.all([
    reports.series(scope, boundariesMs),
    reports.series({ ...scope, filters: [...scope.filters, reaching(goals)] }, boundariesMs),
  ]);
  return all.map((measures, i) => ({ ...measures, conversions: reached[i]?.events ?? 0 }));
}

async function totalsWithGoals(
  reports: AskedReports,
  scope: Scope,
  goals: readonly Goal[],
): Promise<Measures> {
  if (goals.length === 0) return reports.totals(scope);
  const [totals, reached] = await Promise.all([
    reports.totals(scope),
    reports.totals({ ...scope, filters: [...scope.filters, reaching(goals)] }),
  ]);
  return { ...totals, conversions: reached.events };
}

async function rowsOf({ reports }: ReportAsk, scope: Scope, by: Dimension): Promise<BreakdownRow[]> {
  return (await reports.breakdown(scope, by, { limit: ROWS })).rows;
}

async function loadPanel(
  ask: ReportAsk,
  scope: Scope,
  plan: PanelPlan,
  properties: readonly string[],
): Promise<PanelData> {
  const tabs = plan.id === 'events' ? [...plan.tabs, ...propertyTabs(ask, properties)] : plan.tabs;
  const load = async (tab: PanelTab): Promise<PanelData> => {
    const { rows, nextCursor } = await ask.reports.breakdown(tableScope(scope, tab.by), tab.by, {
      limit: ROWS,
    });
    return {
      plan,
      tabs,
      tab,
      rows: rows.filter(({ value }) => value !== null || !tab.by.startsWith('prop:')),
      more: nextCursor !== null,
    };
  };
  const asked = ask.query.get(plan.id);
  const opened = asked === null ? openedTab(tabs, readReportFilters(ask.query)) : undefined;
  const parts = opened === undefined ? null : await load(opened);
  if (parts?.rows.some(({ value }) => value !== null)) return parts;
  const by = asked === 'campaign' ? 'utm_campaign' : asked; // its name in old links
  const tab = tabs.find((each) => each.by === by) ?? tabs[0];
  if (tab === undefined) throw new Error('a panel has no tabs');
  return load(tab);
}

/** Returns the tab that the filters open: the referrers of one source, or the cities of one region. */
function openedTab(tabs: readonly PanelTab[], filters: readonly ReportFilter[]): PanelTab | undefined {
  const whole = tabs.findLast(
    ({ by, parts }) =>
      parts !== undefined &&
      filters.some(
        ({ by: subject, operator, negated, values }) =>
          subject === by && operator === 'is' && !negated && values.length === 1 && values[0] !== null,
      ),
  );
  return tabs.find(({ by }) => by === whole?.parts);
}

/** Creates the tabs of the requested property, and of the most frequent ones. */
function propertyTabs({ query }: ReportAsk, properties: readonly string[]): PanelTab[] {
  const asked = filterDimension(query.get('events') ?? '');
  const first = asked === null ? null : propName(asked);
  const names = [...new Set([...(first === null ? [] : [first]), ...properties])].slice(0, PROPERTIES_SHOWN);
  return names.map((name) => ({ by: `prop:${name}`, name }));
}
