import { VISIT_GAP_MINUTES } from '../../domain/visit-rules.ts';
import { plural } from '../kit/format.ts';

/** The texts of the “Journeys” page. */
export const JOURNEYS_TEXT = {
  title: 'Journeys',
  lead: `What visits viewed before and after a page, counted from their first view of it. A visit ends after ${VISIT_GAP_MINUTES} minutes without a page view or event, and at midnight UTC.`,
  page: 'Page',
  pageHint: 'A path, such as /pricing or /blog/* (where * matches any text).',
  show: 'Show journeys',
  notAPage: (max: number) =>
    `Enter a path of 1 to ${max} characters that begins with a slash, such as /pricing.`,
  pages: (count: number) => plural(count, 'page'),
  at: (pages: string, where: 'before' | 'after') => `${pages} ${where}`,
  visits: 'Visits',
  began: 'Visit began',
  ended: 'Visit ended',
  others: (count: number) => plural(count, 'other page'),
  journeyOf: (page: string) => `Journeys of ${page}`,
  none: 'No visit viewed this page in this period',
  eventsSince: (time: string) =>
    `Events before ${time} were deleted, as set under Retention in the site’s settings. Journeys include only later page views.`,
  definition:
    'Views of one page in a row count once. Filters keep page views, and only these are shown. Each visit is counted once in each list.',
  apiRequest: 'the API request for these journeys',
} as const;
