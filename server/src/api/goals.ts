import { type Static, Type } from 'typebox';
import { goalResults, goalsOf } from '../app/goals.ts';
import { siteEndpoint } from './endpoint.ts';
import { FilterQueries, readFilters } from './filter.ts';
import { EventsSince, eventsSince, Period, PeriodQuery, periodOf, readPeriod, TimeZone } from './period.ts';
import { Count, SiteId } from './schema-parts.ts';
import { RevenueSums, rounded } from './totals.ts';

export const GoalItem = Type.Object({
  id: Type.String({
    description: 'ID of the goal, for filter=goal:ID in other endpoints.',
    examples: ['goal_abc123'],
  }),
  type: Type.Enum(['page', 'event'], {
    description: 'page: reached by a view of a page. event: reached by an event with a name.',
    examples: ['event'],
  }),
  pattern: Type.String({
    description: 'Name of the event, or path of the page, in which "*" matches any text.',
    examples: ['signup'],
  }),
  visitors: Count('Visitors who reached the goal, counted once per UTC day.', 61),
  conversions: Count('How often the goal was reached: page views or events.', 64),
  conversion_rate: Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()], {
    description: 'Share of all visitors who reached the goal, from 0 to 1. Null if there are no visitors.',
    examples: [0.0507],
  }),
  revenue: RevenueSums,
});
export type GoalItem = Static<typeof GoalItem>;

export const Goals = Type.Object({
  site_id: SiteId,
  period: Period,
  time_zone: TimeZone,
  events_since: EventsSince,
  visitors: Count('All visitors of the period who match the filters.', 1_204),
  goals: Type.Array(GoalItem, { description: 'All goals of the site, sorted by pattern.' }),
});
export type Goals = Static<typeof Goals>;

const GoalsQuery = Type.Object({ ...PeriodQuery, ...FilterQueries });
export type GoalsQuery = Static<typeof GoalsQuery>;

export const goals = siteEndpoint({
  name: 'goals',
  path: '/v1/sites/{id}/goals',
  summary: 'Goals',
  description:
    'How often each goal of a site was reached in a period, by how many visitors, and with how much revenue. Goals are defined in the site’s settings.',
  query: GoalsQuery,
  answer: Goals,
  errors: ['INVALID_DATE_RANGE'],
  rows: 'goals',
  async run(context, { filter, segment, ...period }) {
    const { store, clock, timeZone, site } = context;
    const span = readPeriod(period, timeZone, clock.now());
    const filters = await readFilters(context, { filter, segment });
    const { fromMs, toMs } = span;
    const scope = { siteId: site.id, fromMs, toMs, filters };
    const results = await goalResults(store.reports, scope, await goalsOf(store, site));
    return {
      site_id: site.id,
      period: periodOf(span),
      time_zone: timeZone,
      events_since: await eventsSince(context, span),
      visitors: results.visitors,
      goals: results.goals.map(({ goal, visitors, conversions, rate, revenue }) => ({
        id: goal.id,
        type: goal.kind,
        pattern: goal.pattern,
        visitors,
        conversions,
        conversion_rate: rate === null ? null : rounded(rate, 4),
        revenue,
      })),
    };
  },
});
