import { entryOf } from '../../entry-of.ts';
import type { BreakdownRow, Dimension } from '../../store/store.ts';

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
    definition: 'Paths of the pages. Entry and exit are the first and the last page of a visit.',
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
      'Where a visit came from: the site that linked, or utm_source. Channels group them; campaigns are utm_campaign.',
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
      'Told by the browser’s time zone, or by a better source where this installation has one. No address is kept.',
    tabs: [{ by: 'country', name: 'Countries' }],
  },
  {
    id: 'devices',
    title: 'Devices',
    definition:
      'Told by the width of the window and the name of the browser. The user agent itself is not kept.',
    tabs: [
      { by: 'device', name: 'Devices' },
      { by: 'browser', name: 'Browsers' },
      { by: 'os', name: 'Systems' },
    ],
  },
  {
    id: 'events',
    title: 'Events',
    definition:
      'What your pages report with attractos.track(), by name; the other tabs are the properties sent along.',
    tabs: [{ by: 'event', name: 'Events' }],
  },
];

const COUNTRIES = new Intl.DisplayNames('en', { type: 'region' });
const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
/** Those in use: a code of old, such as DD, stands for another. What is no country has no name. */
const COUNTRY_CODES = LETTERS.flatMap((first) => LETTERS.map((second) => first + second)).filter(
  (code) => Intl.getCanonicalLocales(`und-${code}`)[0] === `und-${code}`,
);
const CHANNELS: Readonly<Record<string, string>> = {
  direct: 'Direct',
  search: 'Search',
  social: 'Social',
  email: 'E-mail',
  campaign: 'Campaign',
  referral: 'Other sites',
  ai: 'AI assistants',
};

/** A value in words. */
export function valueName(by: string, value: string | null): string {
  if (value === null)
    return by === 'source' ? 'Direct, or not told' : by === 'campaign' ? 'No campaign' : 'Not known';
  if (by === 'country') {
    try {
      return COUNTRIES.of(value) ?? value;
    } catch {
      return value;
    }
  }
  if (by === 'channel') return entryOf(CHANNELS, value) ?? value;
  if (by === 'device') return value.charAt(0).toUpperCase() + value.slice(1);
  return value === '' ? '(empty)' : value;
}

/** The value that somebody means who types its name: `Germany` is `DE`. What is no name is taken as it is. */
export function valueNamed(by: string, typed: string): string {
  const wanted = typed.toLowerCase();
  if (by === 'channel')
    return Object.keys(CHANNELS).find((id) => CHANNELS[id]?.toLowerCase() === wanted) ?? wanted;
  if (by === 'device') return wanted;
  if (by !== 'country') return typed;
  if (wanted.length === 2) return typed.toUpperCase();
  return COUNTRY_CODES.find((code) => COUNTRIES.of(code)?.toLowerCase() === wanted) ?? typed;
}

/** What a row is ranked and drawn by. */
export function weightOf(by: string, row: BreakdownRow): number {
  if (by === 'bot') return row.botVisits;
  return by === 'event' || by.startsWith('prop:') ? row.events : row.visitors;
}

export function weightName(by: string): string {
  if (by === 'bot') return 'Requests';
  return by === 'event' || by.startsWith('prop:') ? 'Events' : 'Visitors';
}
