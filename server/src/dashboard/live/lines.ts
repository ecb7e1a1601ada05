import { PAGEVIEW } from '../../../../tracker/wire/limits.ts';
import type { LiveEvent, LiveFeed } from '../../app/live-feed.ts';
import { MINUTE_MS } from '../../domain/clock.ts';
import { explanationOf } from '../../domain/outcomes.ts';
import { valueName } from '../../domain/value-names.ts';
import type { ActivityItem, EventEntry, Reports } from '../../store/contract/store.ts';
import { timeToTheSecond } from '../kit/format.ts';
import { LIVE_TEXT } from './text.ts';

/** Recent activity of a site, as lines. Stored items come from the store, refused ones from the live feed in memory. */

export interface LiveLine {
  what: 'view' | 'conversion' | 'bot' | 'duplicate' | 'refused' | 'script';
  /** The kind in one word. */
  kind: string;
  atMs: number;
  /** The local time in the zone. */
  time: string;
  title: string;
  detail: string;
}

/** The maximum number of lines shown. */
export const LINES_MAX = 50;
const LOOK_BACK_MS = 30 * MINUTE_MS;

/** Loads the most recent lines, newest first. */
export async function recentLines(
  { reports, feed }: { reports: Pick<Reports, 'listActivity'>; feed: LiveFeed },
  { siteId, zone, nowMs }: { siteId: string; zone: string; nowMs: number },
): Promise<LiveLine[]> {
  const fromMs = nowMs - LOOK_BACK_MS;
  const kept = await reports.listActivity(
    { siteId, fromMs, toMs: nowMs + 1 },
    { type: null, limit: LINES_MAX },
  );
  const passing = feed
    .since(siteId, 0)
    .filter(({ what, atMs }) => what !== 'counted' && what !== 'bot' && atMs >= fromMs);
  return [
    ...kept.items.map((item) => lineOfActivity(item, zone)),
    ...passing.map((event) => lineOfLiveEvent(event, zone)),
  ]
    .sort((a, b) => b.atMs - a.atMs)
    .slice(0, LINES_MAX);
}

export function lineOfLiveEvent(event: LiveEvent, zone: string): LiveLine {
  return { ...described(event), atMs: event.atMs, time: timeToTheSecond(event.atMs, zone) };
}

function lineOfActivity(item: ActivityItem, zone: string): LiveLine {
  const said = item.type === 'event' ? ofEvent(item.event) : as('bot', item.path, [item.bot, item.company]);
  const { receivedAtMs } = item.type === 'event' ? item.event : item;
  return { ...said, atMs: receivedAtMs, time: timeToTheSecond(receivedAtMs, zone) };
}

type LineText = Omit<LiveLine, 'atMs' | 'time'>;

function described(event: LiveEvent): LineText {
  const { what, host, path, name, reason } = event;
  const seen = { ...event, path: path ?? '', name: name ?? PAGEVIEW };
  switch (what) {
    case 'counted':
      return ofEvent(seen);
    case 'duplicate':
      return { ...ofEvent(seen), what, kind: LIVE_TEXT.kinds.duplicate };
    case 'bot':
      return as('bot', path ?? '', [name]);
    case 'refused':
      return as('refused', host === '' ? LIVE_TEXT.unknownHost : host, [explanationOf(reason ?? '').title]);
    case 'script':
      return as('script', host, [LIVE_TEXT.loadedScript]);
  }
}

type EventSeen = Pick<EventEntry, 'name' | 'path' | 'source' | 'country' | 'device'>;

function ofEvent({ name, path, source, country, device }: EventSeen): LineText {
  const who = [
    source === null ? null : LIVE_TEXT.from(source),
    country === null ? null : valueName('country', country),
    device === null ? null : valueName('device', device),
  ];
  return name === PAGEVIEW ? as('view', path, who) : as('conversion', name, [LIVE_TEXT.on(path), ...who]);
}

function as(what: LiveLine['what'], title: string, details: readonly (string | null)[]): LineText {
  return {
    what,
    kind: LIVE_TEXT.kinds[what],
    title,
    detail: details.filter((part) => part !== null).join(' · '),
  };
}
