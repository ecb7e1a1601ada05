import type { Filter } from '../../store/store.ts';
import type { Span } from './span.ts';
import { isoDay } from './zones.ts';

/** The question of a panel, as it is put to the API. */

/** As many as the API takes in one filter. */
const VALUES_MAX = 100;

export interface Question {
  /** Of the site, such as `https://stats.example/api/v1/sites/site_1`. */
  apiUrl: string;
  endpoint: 'stats' | 'timeseries' | 'breakdown';
  by?: string;
  span: Pick<Span, 'firstDay' | 'lastDay'>;
  filters: readonly Filter[];
}

/** A command line that asks the same, in whole days; null where the filters are too long for one question. */
export function curlOf({ apiUrl, endpoint, by, span, filters }: Question): string | null {
  if (filters.some(({ values }) => values.length === 0 || values.length > VALUES_MAX)) return null;
  const query = new URLSearchParams();
  if (by !== undefined) query.set('by', by);
  query.set('start', isoDay(span.firstDay));
  query.set('end', isoDay(span.lastDay));
  for (const filter of filters) query.append('filter', written(filter));
  return `curl -H "Authorization: Bearer sk_…" '${apiUrl}/${endpoint}?${query}'`;
}

/** In the grammar of the API: `!country:DE|AT`, a backslash before what would end a value. */
function written({ by, values, negated }: Filter): string {
  const literal = (text: string) => text.replaceAll(/[\\|:]/g, '\\$&');
  const name = by.startsWith('prop:') ? `prop:${literal(by.slice('prop:'.length))}` : by;
  return `${negated ? '!' : ''}${name}:${values.map((value) => literal(value ?? '')).join('|')}`;
}
