import { type Static, Type } from 'typebox';
import { goalsOf } from '../app/goals.ts';
import { funnelResults, targetOf } from '../app/reports/funnels.ts';
import { ApiError } from '../domain/errors.ts';
import {
  type FunnelStep,
  parseStep,
  printStep,
  STEP_MAX_CHARS,
  STEPS_MAX,
  STEPS_MIN,
} from '../domain/funnel.ts';
import type { GoalTarget } from '../domain/goals.ts';
import { ECHO_MAX_CHARS } from '../domain/nearest.ts';
import { VISIT_GAP_MINUTES } from '../domain/visit-rules.ts';
import { type SiteRequestContext, siteEndpoint } from './endpoint.ts';
import { EventByQuery, FilterQueries, readEventDimension, readFilters } from './filter.ts';
import { LimitQuery, listName, NextCursor, PageQuery, readCursor, writeCursor } from './paging.ts';
import { EventsSince, eventsSince, Period, PeriodQuery, periodOf, readPeriod, TimeZone } from './period.ts';
import { Count, Maybe, SiteId } from './schema-parts.ts';
import { rounded } from './totals.ts';

const Rate = (description: string, example: number) =>
  Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()], { description, examples: [example] });

export const FunnelItem = Type.Object({
  value: Maybe(
    'Value of the dimension which the event of the first step has. Null if unknown, and without by.',
  ),
  step: Type.Integer({
    minimum: 1,
    maximum: STEPS_MAX,
    description: 'Position of the step, from 1.',
    examples: [2],
  }),
  target: Type.String({ description: 'The step, as requested.', examples: ['event:signup'] }),
  visitors: Count(
    'Visitors of the visits that reached this step after all steps before it, counted once per UTC day.',
    61,
  ),
  visits: Count('Visits that reached this step after all steps before it.', 64),
  drop_off: Count('Visitors of the step before who did not reach this one. 0 for the first step.', 143),
  conversion_rate: Rate(
    'Share of the first step’s visitors who reached this step, from 0 to 1. Null if there are none.',
    0.299,
  ),
  step_conversion_rate: Rate(
    'Share of the visitors of the step before who reached this one, from 0 to 1. Null if there are none, and for the first step.',
    0.299,
  ),
});
export type FunnelItem = Static<typeof FunnelItem>;

export const Funnel = Type.Object({
  site_id: SiteId,
  period: Period,
  time_zone: TimeZone,
  events_since: EventsSince,
  by: Maybe('Requested dimension; null if there is none.'),
  funnel: Type.Array(FunnelItem, {
    description:
      'One item for each step; with by, one for each value and step: values by visitors of the first step, in descending order, and the steps of each in order.',
  }),
  next_cursor: NextCursor,
});
export type Funnel = Static<typeof Funnel>;

const FunnelQuery = Type.Object({
  step: Type.Array(Type.String({ maxLength: STEP_MAX_CHARS }), {
    minItems: STEPS_MIN,
    maxItems: STEPS_MAX,
    description: `A step: page:PATH (in which "*" matches any text, such as page:/pricing*), event:NAME, or goal:ID with a goal’s ID, name or path. Repeat it for each of the ${STEPS_MIN} to ${STEPS_MAX} steps, in order.`,
    examples: [['page:/pricing*', 'event:signup']],
  }),
  by: Type.Optional(EventByQuery),
  ...PeriodQuery,
  ...FilterQueries,
  ...PageQuery,
  limit: LimitQuery('values of by'),
});
export type FunnelQuery = Static<typeof FunnelQuery>;

export const funnel = siteEndpoint({
  name: 'funnel',
  path: '/v1/sites/{id}/funnel',
  summary: 'Funnel',
  description: `How many visits went through ${STEPS_MIN} to ${STEPS_MAX} steps in order. A visit reaches a step by an event after the one that reached the step before; other events may be between them. A visit ends when a visitor has sent no event for ${VISIT_GAP_MINUTES} minutes, or at midnight UTC; a funnel does not go on in the next visit. A filter keeps events, and only these can reach steps. Grouped by a dimension, each visit is in the row of the value which its first event of the first step has: the visits of all rows add up.`,
  query: FunnelQuery,
  answer: Funnel,
  errors: ['INVALID_DATE_RANGE'],
  rows: 'funnel',
  async run(context, { step, by, filter, segment, limit = 100, cursor, ...period }) {
    const { store, clock, timeZone, site } = context;
    const span = readPeriod(period, timeZone, clock.now());
    const asked = step.map(readStep);
    const steps = await targetsOf(context, asked);
    const { fromMs, toMs } = span;
    const scope = { siteId: site.id, fromMs, toMs, filters: await readFilters(context, { filter, segment }) };
    const list = listName('funnel', site.id, { step, by, filters: scope.filters, ...period });
    const place = readCursor(list, cursor);
    const { rows, nextCursor } = await funnelResults(
      store.reports,
      scope,
      { steps, by: by === undefined ? null : readEventDimension(by) },
      { limit, ...(place === undefined ? {} : { cursor: place }) },
    );
    return {
      site_id: site.id,
      period: periodOf(span),
      time_zone: timeZone,
      events_since: await eventsSince(context, span),
      by: by ?? null,
      funnel: rows.flatMap(({ value, steps: results }) =>
        results.map(({ visitors, visits, dropOff, rate, stepRate }, i) => ({
          ...{ value, step: i + 1, target: targetText(asked[i]), visitors, visits },
          drop_off: dropOff,
          conversion_rate: rate === null ? null : rounded(rate, 4),
          step_conversion_rate: stepRate === null ? null : rounded(stepRate, 4),
        })),
      ),
      next_cursor: writeCursor(list, nextCursor),
    };
  },
});

const targetText = (step: FunnelStep | undefined) => (step === undefined ? '' : printStep(step));

function readStep(text: string): FunnelStep {
  const step = parseStep(text);
  if (typeof step === 'string') throw invalidStep(text, step);
  return step;
}

async function targetsOf(
  { store, site }: Pick<SiteRequestContext, 'store' | 'site'>,
  steps: readonly FunnelStep[],
): Promise<GoalTarget[]> {
  const goals = steps.some(({ kind }) => kind === 'goal') ? await goalsOf(store, site) : [];
  return steps.map((step) => {
    const target = targetOf(step, goals, site);
    if (typeof target === 'string') throw invalidStep(printStep(step), target);
    return target;
  });
}

function invalidStep(text: string, problem: string): ApiError {
  return new ApiError('INVALID_QUERY', {
    detail: `step "${text.slice(0, ECHO_MAX_CHARS)}" ${problem}. Write steps as page:/pricing*, event:signup or goal:ID.`,
  });
}
