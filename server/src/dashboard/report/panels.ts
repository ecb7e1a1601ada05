import type { Dimension } from '../../domain/dimensions.ts';
import type { BreakdownRow } from '../../store/contract/store.ts';

/** The tables of a report, and the tabs of each. */

export interface PanelTab {
  by: Dimension;
  name: string;
  /** The tab with the parts of a value of this one. A filter for one value opens it, if it has any. */
  parts?: Dimension;
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
      'Where visits came from: the referring site or utm_source. Channels group sources; referrers are the addresses that linked here; a filter for one source opens them. The other tabs are the utm tags of the first page.',
    tabs: [
      { by: 'source', name: 'Sources', parts: 'referrer' },
      { by: 'channel', name: 'Channels' },
      { by: 'referrer', name: 'Referrers' },
      { by: 'utm_campaign', name: 'Campaigns' },
      { by: 'utm_source', name: 'UTM source' },
      { by: 'utm_medium', name: 'UTM medium' },
      { by: 'utm_content', name: 'UTM content' },
      { by: 'utm_term', name: 'UTM term' },
    ],
  },
  {
    id: 'places',
    title: 'Places',
    definition:
      'Based on the visitor’s IP address, which is looked up in memory and not stored; without a match, on the browser’s time zone. Regions and cities need a city database on this server. Languages are those of the browser.',
    tabs: [
      { by: 'country', name: 'Countries', parts: 'region' },
      { by: 'region', name: 'Regions', parts: 'city' },
      { by: 'city', name: 'Cities' },
      { by: 'language', name: 'Languages' },
    ],
  },
  {
    id: 'devices',
    title: 'Devices',
    definition:
      'Based on the window width and on the browser’s name and major version. The full user agent is not stored. The default script sends no width, so its screen sizes are unknown.',
    tabs: [
      { by: 'device', name: 'Devices' },
      { by: 'browser', name: 'Browsers' },
      { by: 'browser_version', name: 'Browser versions' },
      { by: 'os', name: 'Operating systems' },
      { by: 'os_version', name: 'OS versions' },
      { by: 'screen', name: 'Screen sizes' },
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
