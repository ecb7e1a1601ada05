import type { Dimension } from '../../domain/dimensions.ts';
import type { BreakdownRow } from '../../store/contract/store.ts';

/** The tables of a report, and the tabs of each. */

export interface PanelTab {
  by: Dimension;
  name: string;
}

export interface PanelPlan {
  id: string;
  title: string;
  definition: string;
  tabs: readonly PanelTab[];
}

export const PANELS: readonly PanelPlan[] = [
  {
    id: 'pages',
    title: 'Pages',
    definition: 'Page paths. Entry and exit pages are the first and last pages of a visit.',
    tabs: [
      { by: 'page', name: 'Top' },
      { by: 'entry', name: 'Entry' },
      { by: 'exit', name: 'Exit' },
      { by: 'host', name: 'Hosts' },
    ],
  },
  {
    id: 'sources',
    title: 'Sources',
    definition:
      'Where visits came from: the referring site or utm_source. Channels group sources; campaigns come from utm_campaign.',
    tabs: [
      { by: 'source', name: 'Sources' },
      { by: 'channel', name: 'Channels' },
      { by: 'campaign', name: 'Campaigns' },
    ],
  },
  {
    id: 'places',
    title: 'Countries',
    definition:
      'Based on the browser’s time zone, or on a better source if this server has one. IP addresses are not stored.',
    tabs: [{ by: 'country', name: 'Countries' }],
  },
  {
    id: 'devices',
    title: 'Devices',
    definition: 'Based on the window width and the browser’s name. The full user agent is not stored.',
    tabs: [
      { by: 'device', name: 'Devices' },
      { by: 'browser', name: 'Browsers' },
      { by: 'os', name: 'Operating systems' },
    ],
  },
  {
    id: 'events',
    title: 'Custom events',
    definition:
      'Events by name, as sent with attractos.track() or the API. The other tabs show their properties.',
    tabs: [{ by: 'event', name: 'Events' }],
  },
];

/** Returns the number by which a row is ranked and its bar is drawn. */
export function weightOf(by: string, row: BreakdownRow): number {
  if (by === 'bot') return row.botVisits;
  return by === 'event' || by.startsWith('prop:') ? row.events : row.visitors;
}

export function weightName(by: string): string {
  if (by === 'bot') return 'Requests';
  return by === 'event' || by.startsWith('prop:') ? 'Events' : 'Visitors';
}
