import { dimensionLabel, listedDimension } from '../../domain/dimensions.ts';
import type { DetailsOf } from './details-data.ts';
import { PANELS } from './panels.ts';
import { REPORT_TEXT } from './text.ts';
import { VITALS_TABS } from './views-data.ts';

/** The panel that a table with all rows belongs to. */

interface Tabs {
  /** The id of the panel on the report; null if it has none there. */
  panel: string | null;
  title: string;
  tabs: readonly { by: string; table: string | null; name: string }[];
}

/** Returns the panel of a table, and its tables. */
export function tabsOf({ kind, by }: DetailsOf): Tabs {
  if (kind === 'goals') return { panel: 'goals', title: REPORT_TEXT.goals, tabs: [] };
  if (kind === 'vitals') {
    const tabs = VITALS_TABS.map((tab) => ({ ...tab, table: 'vitals' }));
    return { panel: 'vitals', title: REPORT_TEXT.vitalsAndScroll, tabs };
  }
  if (by === 'bot') return { panel: 'crawlers', title: REPORT_TEXT.crawlers, tabs: [] };
  if (kind === 'ai') return { panel: 'ai', title: REPORT_TEXT.assistants, tabs: [] };
  const listed = listedDimension(by)?.name;
  const isProperty = by.startsWith('prop:');
  const panel = PANELS.find(({ id, tabs }) =>
    isProperty ? id === 'events' : tabs.some((tab) => tab.by === listed),
  );
  const tabs = (panel?.tabs ?? []).map((tab) => ({ ...tab, table: null }));
  return {
    panel: panel?.id ?? null,
    title: panel?.title ?? dimensionLabel(by),
    tabs: isProperty ? [...tabs, { by, table: null, name: dimensionLabel(by) }] : tabs,
  };
}

/** Returns the title of a table with all rows. */
export function titleOf(of: DetailsOf): string {
  return tabsOf(of).title;
}
