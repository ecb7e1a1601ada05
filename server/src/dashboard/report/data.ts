import { MINUTE_MS } from '../../clock.ts';
import type {
  BreakdownRow,
  Dimension,
  Filter,
  Goal,
  Measures,
  Registry,
  Reports,
  Scope,
  Site,
} from '../../store/store.ts';
import { type Chip, filtersOf, readChips } from './filters.ts';
import { type Figure, figureOf } from './measures.ts';
import { PANELS, type PanelPlan, type PanelTab } from './panels.ts';
import { type Comparison, comparedSpan, readComparison, readSpan, type Span } from './span.ts';
import { canWeigh, type Sums, type Worth, worthOf } from './worth.ts';

/** Everything that the page of one site shows, asked for at once. */

export const LIVE_MS = 5 * MINUTE_MS;
const ROWS = 10;
const PROPERTIES_SHOWN = 5;
/** Paths looked through for those that a goal's pattern fits. */
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
  /** What its events are worth; empty for a page, and where it is not known. */
  worth: Sums;
}

export interface ReportData {
  site: Site;
  zone: string;
  nowMs: number;
  span: Span;
  comparison: Comparison;
  chips: readonly Chip[];
  /** What the chips come to. */
  filters: readonly Filter[];
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
  /** What the conversions are worth; null where the filters do not let it be known. */
  worth: Worth | null;
  query: URLSearchParams;
}

export interface ReportAsk {
  store: { registry: Pick<Registry, 'goalsOf'>; reports: Reports };
  site: Site;
  zone: string;
  nowMs: number;
  query: URLSearchParams;
}

/** The scope that an address asks about. */
export async function scopeOf({ store, site, zone, nowMs, query }: ReportAsk): Promise<{
  span: Span;
  chips: Chip[];
  scope: Scope;
}> {
  const span = readSpan(query, { zone, nowMs, createdAtMs: site.createdAtMs });
  const chips = readChips(query);
  const asked = { siteId: site.id, fromMs: span.fromMs, toMs: span.toMs };
  return { span, chips, scope: { ...asked, filters: await filtersOf(chips, store.reports, asked) } };
}

export async function loadReport(ask: ReportAsk): Promise<ReportData> {
  const { store, site, zone, nowMs, query } = ask;
  const { reports } = store;
  const { span, chips, scope } = await scopeOf(ask);
  const comparison = readComparison(query);
  const before = comparedSpan(span, comparison, zone);
  const { filters, siteId } = scope;
  const weighable = canWeigh(filters);
  const conversions = await worthOf(reports, weighable ? scope : { ...scope, filters: [] });
  const worth = weighable ? conversions : null;
  const [totals, series, earlier, earlierSeries, panels, assistants, crawlers, goals, live] =
    await Promise.all([
      reports.totals(scope),
      reports.series({ siteId, filters }, span.boundariesMs),
      before === null ? null : reports.totals({ ...scope, fromMs: before.fromMs, toMs: before.toMs }),
      before === null ? null : reports.series({ siteId, filters }, before.boundariesMs),
      Promise.all(PANELS.map((plan) => loadPanel(ask, scope, plan, conversions.properties))),
      rowsOf(
        ask,
        { ...scope, filters: [...filters, { by: 'channel', values: ['ai'], negated: false }] },
        'source',
      ),
      rowsOf(ask, { ...scope, filters: [] }, 'bot'),
      loadGoals(ask, scope, worth),
      reports.realtime(siteId, nowMs - LIVE_MS),
    ]);
  // With nothing counted there is nothing to compare with: the site was not there yet.
  const wasThere = earlier !== null && earlier.events > 0;
  return {
    ...{ site, zone, nowMs, span, comparison, chips, filters, query, worth },
    figure: figureOf(query.get('metric')),
    ...{ totals, series, panels, assistants, crawlers, goals },
    earlier: wasThere ? earlier : null,
    earlierSeries: wasThere ? earlierSeries : null,
    live: live.visitors,
  };
}

async function rowsOf({ store }: ReportAsk, scope: Scope, by: Dimension): Promise<BreakdownRow[]> {
  return (await store.reports.breakdown(scope, by, { limit: ROWS })).rows;
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
  // Page views stand in the list of events as well; here they would only be in the way.
  const filters =
    tab.by === 'event'
      ? [...scope.filters, { by: 'event' as const, values: ['pageview'], negated: true }]
      : scope.filters;
  const { rows, nextCursor } = await ask.store.reports.breakdown({ ...scope, filters }, tab.by, {
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

/** The properties that are sent most, and the one that is asked for. */
function propertyTabs({ query }: ReportAsk, properties: readonly string[]): PanelTab[] {
  const asked = query.get('events');
  const first = asked?.startsWith('prop:') ? [asked.slice('prop:'.length)] : [];
  const names = [...new Set([...first, ...properties])].slice(0, PROPERTIES_SHOWN);
  return names.map((name) => ({ by: `prop:${name}`, name }));
}

const NO_SUMS: Sums = new Map();

async function loadGoals({ store, site }: ReportAsk, scope: Scope, worth: Worth | null): Promise<GoalData[]> {
  const goals = await store.registry.goalsOf(site.id);
  return Promise.all(
    goals.map(async (goal) => {
      const values =
        goal.kind === 'event' || !goal.pattern.includes('*') ? [goal.pattern] : await pathsLike(goal.pattern);
      if (values.length === 0) return { goal, visitors: 0, worth: NO_SUMS };
      const by = goal.kind === 'event' ? 'event' : 'page';
      const measures = await store.reports.totals({
        ...scope,
        filters: [...scope.filters, { by, values, negated: false }],
      });
      const sums = goal.kind === 'event' ? worth?.byEvent.get(goal.pattern) : undefined;
      return { goal, visitors: measures.visitors, worth: sums ?? NO_SUMS };
    }),
  );

  async function pathsLike(pattern: string): Promise<string[]> {
    const { rows } = await store.reports.breakdown(scope, 'page', { limit: PATHS_MAX });
    return rows.flatMap(({ value }) => (value !== null && fits(pattern, value) ? [value] : []));
  }
}

/** Whether a text fits a pattern in which `*` stands for any text. Takes time in proportion to their lengths, whatever they are. */
export function fits(pattern: string, text: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return text === pattern;
  if (!text.startsWith(head) || !text.endsWith(tail) || text.length < head.length + tail.length) return false;
  let at = head.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= text.length - tail.length;
}
