import { goalsOf } from '../../app/goals.ts';
import { type JourneyResult, journeyResult } from '../../app/reports/journeys.ts';
import type { Span } from '../../app/reports/spans.ts';
import type { ReportFilter } from '../../domain/filters.ts';
import { JOURNEY_PAGE_MAX_CHARS } from '../../domain/journey.ts';
import type { Goal } from '../../store/contract/store.ts';
import { type SiteAsk, scopeOf } from '../report/data.ts';
import { unknownParameters } from '../report/problems.ts';
import { JOURNEYS_TEXT } from './text.ts';

/** Loads the data of the “Journeys” page. */

/** The pages of each step on the page. */
const ROWS = 10;
/** The pages that the field suggests. */
const SUGGESTED = 50;
/** The properties that the filter menu lists. Others can be typed into the URL. */
const PROPERTIES_LISTED = 100;

/** The parameters of the page's URL. */
export const JOURNEY_PARAMETERS: readonly string[] = ['range', 'from', 'to', 'f', 'page'];

export interface JourneyData {
  span: Span;
  zone: string;
  filters: readonly ReportFilter[];
  goals: readonly Goal[];
  /** The page that the journeys are about: the most viewed one if none was asked for, and empty if there is none. */
  page: string;
  /** What is wrong with the page; null if nothing is. */
  problem: string | null;
  result: JourneyResult | null;
  /** The time from which events are there; null if all of the span's are. */
  eventsSinceMs: number | null;
  pages: readonly string[];
  properties: readonly string[];
  /** Parameters of the URL that mean nothing. */
  unknown: readonly string[];
}

/**
 * @param limit the most pages of a step
 * @throws InvalidReport if anything but the page is invalid
 */
export async function loadJourneys(ask: SiteAsk, limit = ROWS): Promise<JourneyData> {
  const { reports, query, subject: site, zone } = ask;
  const goals = await goalsOf(ask, site);
  const { scope, span, asked: filters } = scopeOf(ask, goals);
  const unfiltered = { ...scope, filters: [] };
  const [eventsSinceMs, viewed, properties] = await Promise.all([
    reports.eventsSince(scope),
    reports.breakdown(unfiltered, 'page', { limit: SUGGESTED }),
    reports.properties(unfiltered, PROPERTIES_LISTED),
  ]);
  const pages = viewed.rows.flatMap(({ value }) => value ?? []);
  const page = (query.get('page') ?? pages[0] ?? '').trim();
  const isPage = page.startsWith('/') && page.length <= JOURNEY_PAGE_MAX_CHARS;
  return {
    ...{ span, zone, filters, goals, page, eventsSinceMs, pages },
    problem: isPage || page === '' ? null : JOURNEYS_TEXT.notAPage(JOURNEY_PAGE_MAX_CHARS),
    result: isPage ? await journeyResult(reports, scope, { page, rules: site, limit }) : null,
    properties: properties.map(({ name }) => name),
    unknown: unknownParameters(query, JOURNEY_PARAMETERS),
  };
}
