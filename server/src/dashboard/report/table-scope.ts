import { AI_VISITS, CUSTOM_EVENTS } from '../../app/reports/filters.ts';
import type { Dimension } from '../../domain/dimensions.ts';
import type { Scope } from '../../store/contract/store.ts';

/**
 * Returns what a table of a report counts: that of events leaves out page views, that of AI referrals has only their visits, and
 * filters do not apply to crawlers. Panels, details and downloads have the same rows.
 *
 * @param table the table, if its dimension does not say it
 */
export function tableScope(scope: Scope, by: Dimension, table: string | null = null): Scope {
  if (by === 'bot') return { ...scope, filters: [] };
  return {
    ...scope,
    filters: [
      ...scope.filters,
      ...(table === 'ai' ? [AI_VISITS] : []),
      ...(by === 'event' ? [CUSTOM_EVENTS] : []),
    ],
  };
}
