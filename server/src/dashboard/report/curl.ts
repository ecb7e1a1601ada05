import type { Span } from '../../app/reports/spans.ts';
import { writeDate } from '../../domain/calendar.ts';
import { isWithinLimits, printFilter, type ReportFilter } from '../../domain/filters.ts';

/** The API request for a panel. */

export interface Question {
  /** The URL of the site in the API, such as `https://stats.example/api/v1/sites/site_1`. */
  apiUrl: string;
  endpoint: 'stats' | 'timeseries' | 'breakdown' | 'goals' | 'vitals' | 'funnel' | 'journey';
  /** The steps of a funnel. */
  steps?: readonly string[];
  /** The page of a journey. */
  page?: string;
  by?: string;
  span: Pick<Span, 'firstDay' | 'lastDay' | 'interval'>;
  filters: readonly ReportFilter[];
}

/** Creates a curl command for the same data, in whole days; null if a filter is too long for the API. */
export function curlOf({ apiUrl, endpoint, steps = [], page, by, span, filters }: Question): string | null {
  if (!filters.every(isWithinLimits)) return null;
  const query = new URLSearchParams();
  for (const step of steps) query.append('step', step);
  if (page !== undefined) query.set('page', page);
  if (by !== undefined) query.set('by', by);
  query.set('start', writeDate(span.firstDay));
  query.set('end', writeDate(span.lastDay));
  // The API has no minutes.
  if (endpoint === 'timeseries')
    query.set('granularity', span.interval === 'minute' ? 'hour' : span.interval);
  for (const filter of filters) query.append('filter', printFilter(filter));
  return `curl -H "Authorization: Bearer sk_…" '${apiUrl}/${endpoint}?${query}'`;
}
