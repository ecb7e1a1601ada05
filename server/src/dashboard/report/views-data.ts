import { type ViewDimension, viewDimension } from '../../domain/dimensions.ts';
import type { ViewFigures } from '../../domain/vitals.ts';
import type { AskedReports, Scope, ViewsRow } from '../../store/contract/store.ts';

/** Loads what the ends of views say: web vitals, and scroll depth by page. */

export const VITALS_TABS: readonly { by: ViewDimension; name: string }[] = [
  { by: 'page', name: 'Pages' },
  { by: 'device', name: 'Devices' },
  { by: 'country', name: 'Countries' },
  { by: 'browser', name: 'Browsers' },
];

interface ViewRows {
  rows: readonly ViewsRow[];
  more: boolean;
}

export interface ViewsData {
  /** The figures of all views of the period. */
  totals: ViewFigures;
  /** The tab of the table of web vitals. */
  by: ViewDimension;
  byTab: ViewRows;
  byPage: ViewRows;
}

/** Whether filters can be applied to views, which have no host, event or properties. */
export function areOfViews({ filters }: Pick<Scope, 'filters'>): boolean {
  return filters.every(({ by }) => viewDimension(by) !== null);
}

/**
 * Loads the figures of views. Few sites without the full script have web vitals, so totals are asked for first.
 *
 * @param tab the asked tab; null for the first
 * @returns null if there are none, or if the filters are not of views
 */
export async function loadViews(
  reports: AskedReports,
  scope: Scope,
  { tab, limit }: { tab: string | null; limit: number },
): Promise<ViewsData | null> {
  if (!areOfViews(scope)) return null;
  const [totals] = (await reports.views(scope, null, { limit })).rows;
  if (totals === undefined || totals.views === 0) return null;
  const by = VITALS_TABS.find((each) => each.by === tab)?.by ?? 'page';
  const rowsBy = async (dimension: ViewDimension): Promise<ViewRows> => {
    const { rows, nextCursor } = await reports.views(scope, dimension, { limit });
    return { rows, more: nextCursor !== null };
  };
  const byPage = await rowsBy('page');
  return { totals, by, byTab: by === 'page' ? byPage : await rowsBy(by), byPage };
}
