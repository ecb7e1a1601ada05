import { type Static, Type } from 'typebox';
import { journeyResult } from '../app/reports/journeys.ts';
import { JOURNEY_PAGE_MAX_CHARS, JOURNEY_STEPS } from '../domain/journey.ts';
import { VISIT_GAP_MINUTES } from '../domain/visit-rules.ts';
import { siteEndpoint } from './endpoint.ts';
import { FilterQueries, readFilters } from './filter.ts';
import { LimitQuery } from './paging.ts';
import { EventsSince, eventsSince, Period, PeriodQuery, periodOf, readPeriod, TimeZone } from './period.ts';
import { Count, SiteId } from './schema-parts.ts';
import { rounded } from './totals.ts';

const Position = Type.Integer({
  minimum: -JOURNEY_STEPS,
  maximum: JOURNEY_STEPS,
  description: 'Pages after the requested page; negative before it, 0 for the page itself.',
  examples: [1],
});

export const JourneyItem = Type.Object({
  step: Position,
  page: Type.String({ description: 'The page.', examples: ['/signup'] }),
  visits: Count('Visits that viewed it there.', 41),
  share: Type.Number({
    minimum: 0,
    maximum: 1,
    description: 'Share of the visits that viewed the requested page, from 0 to 1.',
    examples: [0.41],
  }),
});
export type JourneyItem = Static<typeof JourneyItem>;

export const Journey = Type.Object({
  site_id: SiteId,
  period: Period,
  time_zone: TimeZone,
  events_since: EventsSince,
  page: Type.String({ description: 'Requested page.', examples: ['/pricing'] }),
  visits: Count('Visits that viewed the page.', 100),
  began: Count('Of these, visits that began with it.', 34),
  ended: Count('Of these, visits that viewed no other page after it.', 22),
  steps: Type.Array(
    Type.Object({
      step: Position,
      visits: Count('Visits that viewed a page there.', 78),
      pages: Count('Different pages there, listed or not.', 12),
    }),
    { description: 'Each position, from the first one before the page to the last one after it.' },
  ),
  journey: Type.Array(JourneyItem, {
    description: 'The most frequent pages of each position, in the order of positions, then by visits.',
  }),
});
export type Journey = Static<typeof Journey>;

const JourneyQuery = Type.Object({
  page: Type.String({
    pattern: '^/',
    maxLength: JOURNEY_PAGE_MAX_CHARS,
    description: 'The path of the page, in which "*" matches any text.',
    examples: ['/pricing*'],
  }),
  ...PeriodQuery,
  ...FilterQueries,
  limit: LimitQuery('pages of each position'),
});
export type JourneyQuery = Static<typeof JourneyQuery>;

export const journey = siteEndpoint({
  name: 'journey',
  path: '/v1/sites/{id}/journey',
  summary: 'Journey',
  description: `The pages that visits viewed before and after a page, up to ${JOURNEY_STEPS} each way, in order, from their first view of it. Views of one page in a row are one. A visit ends after ${VISIT_GAP_MINUTES} minutes without an event, and at midnight UTC. A filter keeps page views; only these are in the journey.`,
  query: JourneyQuery,
  answer: Journey,
  errors: ['INVALID_DATE_RANGE'],
  rows: 'journey',
  async run(context, { page, filter, segment, limit = 100, ...period }) {
    const { store, clock, timeZone, site } = context;
    const span = readPeriod(period, timeZone, clock.now());
    const { fromMs, toMs } = span;
    const scope = { siteId: site.id, fromMs, toMs, filters: await readFilters(context, { filter, segment }) };
    const found = await journeyResult(store.reports, scope, { page, rules: site, limit });
    return {
      site_id: site.id,
      period: periodOf(span),
      time_zone: timeZone,
      events_since: await eventsSince(context, span),
      page,
      visits: found.visits,
      began: found.began,
      ended: found.ended,
      steps: found.steps.map(({ step, visits, pages }) => ({ step, visits, pages })),
      journey: found.steps.flatMap(({ step, rows }) =>
        rows.map(({ page: path, visits }) => ({
          ...{ step, page: path, visits },
          share: rounded(visits / found.visits, 4),
        })),
      ),
    };
  },
});
