import { LIVE_MS } from '../../app/live-feed.ts';
import { AI_VISITS, CUSTOM_EVENTS, type ResolvedFilters, resolveFilters } from '../../app/reports/filters.ts';
import { canSumRevenue, type Revenue, revenueOf, type Sums } from '../../app/reports/revenue.ts';
import { type Comparison, comparedSpan, comparisonOf, type Span, spanOf } from '../../app/reports/spans.ts';
import { type Dimension, filterDimension, propName } from '../../domain/dimensions.ts';
import type { ReportFilter } from '../../domain/filters.ts';
import type { Measures } from '../../domain/measures.ts';
import { matchesPattern } from '../../domain/patterns.ts';
import type { AskedReports, BreakdownRow, Goal, Registry, Scope, Site } from '../../store/contract/store.ts';
import { readReportFilters } from './filters.ts';
import { type Figure, figureOf } from './measures.ts';
import { PANELS, type PanelPlan, type PanelTab } from './panels.ts';

/** Loads the data of a site's report, with parallel queries. */

const ROWS = 10;
const PROPERTIES_SHOWN = 5;
/** The maximum number of paths that are searched for matches of a goal's pattern. */
const PATHS_MAX = 1_000;

export interface PanelData {
  plan: PanelPlan;
  tabs: readonly PanelTab[];
  tab: PanelTab;
  rows: readonly BreakdownRow[];
  more: boolean;
}

export interface GoalData {
  goal: Goal;
  visitors: number;
  /** The revenue of the goal's events; empty for a page, or if it is unknown. */
  revenue: Sums;
}

export interface ReportData {
  site: Site;
  zone: string;
  nowMs: number;
  span: Span;
  comparison: Comparison;
  asked: readonly ReportFilter[];
  /** The requested `contains` filters that are incomplete, because they did not search every value of the span. */
  cut: readonly ReportFilter[];
  figure: Figure;
  totals: Measures;
  earlier: Measures | null;
  series: readonly Measures[];
  earlierSeries: readonly Measures[] | null;
  panels: readonly PanelData[];
  assistants: readonly BreakdownRow[];
  crawlers: readonly BreakdownRow[];
  goals: readonly GoalData[];
  live: number;
  /** The revenue of the conversions; null if the filters prevent summing it. */
  revenue: Revenue | null;
  query: URLSearchParams;
}

export interface ReportAsk {
  registry: Pick<Registry, 'goalsOf'>;
  reports: AskedReports;
  site: Site;
  zone: string;
  nowMs: number;
  query: URLSearchParams;
}

/** Reads the scope of a report from its query string. */
export async function scopeOf({ reports, site, zone, nowMs, query }: ReportAsk): Promise<{
  span: Span;
  asked: ReportFilter[];
  scope: Scope;
  cut: ResolvedFilters['cut'];
}> {
  const [range, from, to] = [query.get('range'), query.get('from'), query.get('to')];
  const span = spanOf({ range, from, to }, { zone, nowMs, createdAtMs: site.createdAtMs });
  const asked = readReportFilters(query);
  const bounds = { siteId: site.id, fromMs: span.fromMs, toMs: span.toMs };
  const { filters, cut } = await resolveFilters(asked, reports, bounds);
  return { span, asked, scope: { ...bounds, filters }, cut };
}

export async function loadReport(ask: ReportAsk): Promise<ReportData> {
  const { reports, site, zone, nowMs, query } = ask;
  const { span, asked, scope, cut } = await scopeOf(ask);
  const comparison = comparisonOf(query.get('compare'));
  const before = comparedSpan(span, comparison, zone);
  const { filters, siteId } = scope;
  const earlierBounds = before === null ? null : { siteId, fromMs: before.fromMs, toMs: before.toMs };
  // Other values may contain the text in the earlier period, so the filters are resolved again.
  const resolved = earlierBounds === null ? null : await resolveFilters(asked, reports, earlierBounds);
  const earlierFilters = resolved?.filters ?? [];
  const canSum = canSumRevenue(filters);
  const conversions = await revenueOf(reports, canSum ? scope : { ...scope, filters: [] });
  const revenue = canSum ? conversions : null;
  const [totals, series, earlier, earlierSeries, panels, assistants, crawlers, goals, live] =
    await Promise.all([
      reports.totals(scope),
      reports.series({ siteId, filters }, span.boundariesMs),
      earlierBounds === null ? null : reports.totals({ ...earlierBounds, filters: earlierFilters }),
      before === null ? null : reports.series({ siteId, filters: earlierFilters }, before.boundariesMs),
      Promise.all(PANELS.map((plan) => loadPanel(ask, scope, plan, conversions.properties))),
      rowsOf(ask, { ...scope, filters: [...filters, AI_VISITS] }, 'source'),
      rowsOf(ask, { ...scope, filters: [] }, 'bot'),
      loadGoals(ask, scope, revenue),
      reports.realtime(siteId, nowMs - LIVE_MS),
    ]);
  // A period without events is not compared, because the site probably did not exist yet.
  const wasThere = earlier !== null && earlier.events > 0;
  return {
    ...{ site, zone, nowMs, span, comparison, asked, query, revenue },
    cut: [...new Set([...cut, ...(resolved?.cut ?? [])])],
    figure: figureOf(query.get('metric')),
    ...{ totals, series, panels, assistants, crawlers, goals },
    earlier: wasThere ? earlier : null,
    earlierSeries: wasThere ? earlierSeries : null,
    live: live.visitors,
  };
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
  const asked = ask.query.get(plan.id);
  const tab = tabs.find(({ by }) => by === asked) ?? tabs[0];
  if (tab === undefined) throw new Error('a panel has no tabs');
  // The panel lists custom events, without page views.
  const filters = tab.by === 'event' ? [...scope.filters, CUSTOM_EVENTS] : scope.filters;
  const { rows, nextCursor } = await ask.reports.breakdown({ ...scope, filters }, tab.by, {
    limit: ROWS,
  });
  return {
    plan,
    tabs,
    tab,
    rows: rows.filter(({ value }) => value !== null || !tab.by.startsWith('prop:')),
    more: nextCursor !== null,
  };
}

/** Creates the tabs of the requested property, and of the most frequent ones. */
function propertyTabs({ query }: ReportAsk, properties: readonly string[]): PanelTab[] {
  const asked = filterDimension(query.get('events') ?? '');
  const first = asked === null ? null : propName(asked);
  const names = [...new Set([...(first === null ? [] : [first]), ...properties])].slice(0, PROPERTIES_SHOWN);
  return names.map((name) => ({ by: `prop:${name}`, name }));
}

const NO_SUMS: Sums = new Map();

async function loadGoals(
  { registry, reports, site }: ReportAsk,
  scope: Scope,
  revenue: Revenue | null,
): Promise<GoalData[]> {
  const goals = await registry.goalsOf(site.id);
  return Promise.all(
    goals.map(async (goal) => {
      const values =
        goal.kind === 'event' || !goal.pattern.includes('*') ? [goal.pattern] : await pathsLike(goal.pattern);
      if (values.length === 0) return { goal, visitors: 0, revenue: NO_SUMS };
      const by = goal.kind === 'event' ? 'event' : 'page';
      const measures = await reports.totals({
        ...scope,
        filters: [...scope.filters, { by, values, negated: false }],
      });
      const sums = goal.kind === 'event' ? revenue?.byEvent.get(goal.pattern) : undefined;
      return { goal, visitors: measures.visitors, revenue: sums ?? NO_SUMS };
    }),
  );

  async function pathsLike(pattern: string): Promise<string[]> {
    const { rows } = await reports.breakdown(scope, 'page', { limit: PATHS_MAX });
    return rows.flatMap(({ value }) => (value !== null && matchesPattern(pattern, value) ? [value] : []));
  }
}
