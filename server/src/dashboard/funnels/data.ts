import { PAGEVIEW } from '../../../../tracker/wire/limits.ts';
import { goalsOf } from '../../app/goals.ts';
import { type FunnelResult, funnelResults, targetOf } from '../../app/reports/funnels.ts';
import type { Span } from '../../app/reports/spans.ts';
import { EVENT_DIMENSIONS, type FilterDimension, filterDimension } from '../../domain/dimensions.ts';
import type { ReportFilter } from '../../domain/filters.ts';
import { type FunnelStep, parseStep, STEPS_MAX, STEPS_MIN } from '../../domain/funnel.ts';
import type { GoalTarget } from '../../domain/goals.ts';
import { ECHO_MAX_CHARS } from '../../domain/nearest.ts';
import type { Goal, Scope } from '../../store/contract/store.ts';
import { type SiteAsk, scopeOf } from '../report/data.ts';
import { InvalidReport, notOneOf, unknownParameters } from '../report/problems.ts';
import { stepName } from './steps.ts';
import { FUNNELS_TEXT } from './text.ts';

/** Loads the data of the “Funnels” page. */

/** The values of a split on a page. */
const ROWS = 50;
/** The pages and events that the fields suggest, of each kind. */
const SUGGESTED = 50;
/** The properties that the menus list. Others can be typed into the URL. */
const PROPERTIES_LISTED = 100;

/** The parameters of the page's URL. */
export const FUNNEL_PARAMETERS: readonly string[] = ['range', 'from', 'to', 'f', 'step', 'by'];

/** A step as it was asked for. */
export interface AskedStep {
  text: string;
  /** Null if the text is not a step. */
  step: FunnelStep | null;
  name: string;
}

/** A valid funnel of a URL. */
export interface AskedFunnel {
  scope: Scope;
  span: Span;
  filters: readonly ReportFilter[];
  goals: readonly Goal[];
  by: FilterDimension | null;
  steps: readonly AskedStep[];
  targets: readonly GoalTarget[];
  /** What is wrong with the steps, as sentences. */
  problems: readonly string[];
}

export interface FunnelData extends AskedFunnel {
  zone: string;
  /** The funnel of all visits; null if no steps are given, or not all of them are valid. */
  result: FunnelResult | null;
  /** A page of the rows by `by`; null without it. */
  split: { rows: readonly FunnelResult[]; nextCursor: string | null; isFirst: boolean } | null;
  /** The time from which events are there; null if all of the span's are. */
  eventsSinceMs: number | null;
  pages: readonly string[];
  events: readonly string[];
  properties: readonly string[];
  /** Parameters of the URL that mean nothing. */
  unknown: readonly string[];
}

/** Reads the funnel of a URL. @throws InvalidReport if anything but its steps is invalid */
export async function readFunnel(ask: SiteAsk): Promise<AskedFunnel> {
  const { query, subject: site } = ask;
  const goals = await goalsOf(ask, site);
  const { scope, span, asked: filters } = scopeOf(ask, goals);
  const byText = query.get('by');
  const by = byText === null ? null : filterDimension(byText);
  if (byText !== null && by === null)
    throw new InvalidReport([notOneOf('by', byText, [...EVENT_DIMENSIONS, 'prop:NAME'])]);
  const problems: string[] = [];
  const targets: GoalTarget[] = [];
  const texts = query.getAll('step');
  const steps = texts.slice(0, STEPS_MAX).map((text): AskedStep => {
    const step = parseStep(text);
    const target = typeof step === 'string' ? step : targetOf(step, goals, site);
    if (typeof target === 'string')
      problems.push(FUNNELS_TEXT.badStep(text.slice(0, ECHO_MAX_CHARS), target));
    else targets.push(target);
    return typeof step === 'string'
      ? { text, step: null, name: text }
      : { text, step, name: stepName(step, goals) };
  });
  if (texts.length > STEPS_MAX) problems.push(FUNNELS_TEXT.tooManySteps);
  if (texts.length > 0 && texts.length < STEPS_MIN) problems.push(FUNNELS_TEXT.tooFewSteps);
  return { scope, span, filters, goals, by, steps, targets, problems };
}

/** @throws InvalidReport */
export async function loadFunnel(ask: SiteAsk): Promise<FunnelData> {
  const { reports, query, zone } = ask;
  const asked = await readFunnel(ask);
  const { scope, by, targets } = asked;
  const isAsked = targets.length > 0 && asked.problems.length === 0;
  const cursor = query.get('cursor');
  const unfiltered = { ...scope, filters: [] };
  const ofFunnel = (dimension: FilterDimension | null, paging: { limit: number; cursor?: string }) =>
    funnelResults(reports, scope, { steps: targets, by: dimension }, paging);
  const [whole, split, eventsSinceMs, pages, events, properties] = await Promise.all([
    isAsked ? ofFunnel(null, { limit: 1 }) : null,
    isAsked && by !== null ? ofFunnel(by, { limit: ROWS, ...(cursor === null ? {} : { cursor }) }) : null,
    reports.eventsSince(scope),
    reports.breakdown(unfiltered, 'page', { limit: SUGGESTED }),
    reports.breakdown(unfiltered, 'event', { limit: SUGGESTED }),
    reports.properties(unfiltered, PROPERTIES_LISTED),
  ]);
  return {
    ...asked,
    zone,
    result: whole?.rows[0] ?? null,
    split: split === null ? null : { ...split, isFirst: cursor === null },
    eventsSinceMs,
    pages: pages.rows.flatMap(({ value }) => value ?? []),
    events: events.rows.flatMap(({ value }) => (value === null || value === PAGEVIEW ? [] : value)),
    properties: properties.map(({ name }) => name),
    unknown: unknownParameters(query, [...FUNNEL_PARAMETERS, 'cursor']),
  };
}
