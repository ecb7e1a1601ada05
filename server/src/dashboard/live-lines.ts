import { PAGEVIEW } from '../../../tracker/wire/limits.ts';
import { MINUTE_MS } from '../clock.ts';
import type { LiveFeed, Sighting } from '../live-feed.ts';
import type { EventEntry, Happening, Reports } from '../store/store.ts';
import { reasonOf } from './reasons.ts';
import { valueName } from './report/panels.ts';

/** What just happened on a site, in lines. What was kept comes from the store; what was not, from the feed in memory. */

export interface LiveLine {
  what: 'view' | 'conversion' | 'bot' | 'duplicate' | 'refused' | 'script';
  /** That in a word. */
  kind: string;
  atMs: number;
  /** By the clocks of the zone. */
  time: string;
  title: string;
  detail: string;
}

/** Lines shown at once. */
export const LINES_MAX = 50;
const LOOK_BACK_MS = 30 * MINUTE_MS;

const KINDS: Readonly<Record<LiveLine['what'], string>> = {
  view: 'View',
  conversion: 'Event',
  bot: 'Crawler',
  duplicate: 'Repeat',
  refused: 'Refused',
  script: 'Script',
};

/** The newest lines, newest first. */
export async function recentLines(
  { reports, feed }: { reports: Pick<Reports, 'happenings'>; feed: LiveFeed },
  { siteId, zone, nowMs }: { siteId: string; zone: string; nowMs: number },
): Promise<LiveLine[]> {
  const fromMs = nowMs - LOOK_BACK_MS;
  const kept = await reports.happenings(
    { siteId, fromMs, toMs: nowMs + 1 },
    { type: null, limit: LINES_MAX },
  );
  const passing = feed
    .since(siteId, 0)
    .filter(({ what, atMs }) => what !== 'counted' && what !== 'bot' && atMs >= fromMs);
  return [
    ...kept.happenings.map((happening) => lineOfHappening(happening, zone)),
    ...passing.map((sighting) => lineOfSighting(sighting, zone)),
  ]
    .sort((a, b) => b.atMs - a.atMs)
    .slice(0, LINES_MAX);
}

export function lineOfSighting(sighting: Sighting, zone: string): LiveLine {
  return { ...described(sighting), atMs: sighting.atMs, time: timeIn(zone, sighting.atMs) };
}

function lineOfHappening(happening: Happening, zone: string): LiveLine {
  const said =
    happening.type === 'event'
      ? ofEvent(happening.event)
      : as('bot', happening.path, [happening.bot, happening.company]);
  const { receivedAtMs } = happening.type === 'event' ? happening.event : happening;
  return { ...said, atMs: receivedAtMs, time: timeIn(zone, receivedAtMs) };
}

type Said = Omit<LiveLine, 'atMs' | 'time'>;

function described(sighting: Sighting): Said {
  const { what, host, path, name, reason } = sighting;
  const seen = { ...sighting, path: path ?? '', name: name ?? PAGEVIEW };
  switch (what) {
    case 'counted':
      return ofEvent(seen);
    case 'duplicate':
      return { ...ofEvent(seen), what, kind: KINDS.duplicate };
    case 'bot':
      return as('bot', path ?? '', [name]);
    case 'refused':
      return as('refused', host === '' ? 'unknown host' : host, [reasonOf(reason ?? '').name]);
    case 'script':
      return as('script', host, ['fetched the tracker']);
  }
}

type EventSeen = Pick<EventEntry, 'name' | 'path' | 'source' | 'country' | 'device'>;

function ofEvent({ name, path, source, country, device }: EventSeen): Said {
  const who = [
    source === null ? null : `from ${source}`,
    country === null ? null : valueName('country', country),
    device === null ? null : valueName('device', device),
  ];
  return name === PAGEVIEW ? as('view', path, who) : as('conversion', name, [`on ${path}`, ...who]);
}

function as(what: LiveLine['what'], title: string, details: readonly (string | null)[]): Said {
  return { what, kind: KINDS[what], title, detail: details.filter((part) => part !== null).join(' · ') };
}

function timeIn(zone: string, atMs: number): string {
  return new Date(atMs).toLocaleTimeString('en-GB', { timeZone: zone });
}
