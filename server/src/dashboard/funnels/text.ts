import { STEPS_MAX, STEPS_MIN } from '../../domain/funnel.ts';
import { VISIT_GAP_MINUTES } from '../../domain/visit-rules.ts';

/** The texts of the “Funnels” page. */
export const FUNNELS_TEXT = {
  title: 'Funnels',
  lead: `A funnel shows how many visitors went through ${STEPS_MIN} to ${STEPS_MAX} steps in order, within one visit. Other pages and events may be between the steps.`,
  visit: `A visit ends after ${VISIT_GAP_MINUTES} minutes without a page view or event, and at midnight UTC. A visitor who returns later begins a new visit, in which the funnel starts again.`,
  steps: 'Steps',
  stepsHint:
    'A page, such as /pricing or /blog/* (where * matches any text), the name of an event, or a goal, such as goal:signup.',
  step: (no: number) => `Step ${no}`,
  moreSteps: 'More steps',
  split: 'Split by',
  noSplit: 'Nothing',
  properties: 'Event properties',
  show: 'Show funnel',
  kinds: { page: 'Page', event: 'Event', goal: 'Goal' },
  badStep: (step: string, problem: string) => `The step “${step}” ${problem}.`,
  tooFewSteps: `A funnel needs at least ${STEPS_MIN} steps.`,
  tooManySteps: `A funnel can have at most ${STEPS_MAX} steps.`,
  completed: (rate: string, steps: number) => `${rate} completed all ${steps} steps`,
  none: 'No visit reached the first step in this period',
  visitors: 'Visitors',
  visits: 'Visits',
  dropOff: 'Drop-off',
  rate: 'Of step 1',
  stepRate: 'Of step before',
  conversion: 'Conversion',
  visitorsOf: (count: string, isOne: boolean) => `${count} ${isOne ? 'visitor' : 'visitors'}`,
  visitsOf: (count: string, isOne: boolean) => `${count} ${isOne ? 'visit' : 'visits'}`,
  leftAfter: (count: string, share: string, no: number) => `${count} (${share}) left after step ${no}`,
  noneLeftAfter: (no: number) => `all went on from step ${no}`,
  table: 'Steps of the funnel',
  asTable: 'View as table',
  splitTitle: (dimension: string) => `${dimension} of the first step`,
  splitHint:
    'Visitors who reached each step. Each visit is in the row of the value that the event of its first step has.',
  splitTable: (dimension: string) => `Funnel by ${dimension}`,
  nextRows: 'Next rows',
  firstRows: 'First rows',
  definition:
    'Visitors are counted once per UTC day. A visitor is counted in a step if one of their visits reached it after all steps before it. Filters keep page views and events, and only these can reach steps.',
  eventsSince: (time: string) =>
    `Events before ${time} were deleted, as set under Retention in the site’s settings. A funnel includes only later events.`,
  apiRequest: 'the API request for this funnel',
} as const;

/** The texts of saved funnels. */
export const SAVED_FUNNELS_TEXT = {
  title: 'Saved funnels',
  lead: 'A saved funnel is a list of steps, with the split, under a name. Opening one keeps the period and the filters.',
  none: 'To save a funnel, show one first.',
  save: 'Save funnel',
  update: 'Update to current steps',
  manage: 'Manage saved funnels',
} as const;
