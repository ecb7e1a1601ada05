import { PAGEVIEW } from '../../../../tracker/wire/limits.ts';
import type { LiveEvent, LiveFeed } from '../../app/live-feed.ts';
import { MINUTE_MS } from '../../domain/clock.ts';
import { shownHost } from '../../domain/hosts.ts';
import { explanationOf } from '../../domain/outcomes.ts';
import { displayPage } from '../../domain/page-path.ts';
import { valueName } from '../../domain/value-names.ts';
import type { ActivityItem, EventEntry, Reports } from '../../store/contract/store.ts';
import { isolated, timeToTheSecond } from '../kit/format.ts';
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
  /** The line's group: a newer line of the same group takes its place. Null if it stands alone. */
  group: string | null;
}

/** The number of stored lines of a page, and the most that the script of the page keeps. */
export const LINES_MAX = 50;
const LOOK_BACK_MS = 30 * MINUTE_MS;

/**
 * Loads a page of lines, newest first: those of the last half hour, with what passes by, or the stored ones after a cursor.
 *
 * @param cursor the `older` of the page before; null for the newest lines
 */
export async function recentLines(
  { reports, feed }: { reports: Pick<Reports, 'listActivity'>; feed: LiveFeed },
  { siteId, zone, nowMs, cursor }: { siteId: string; zone: string; nowMs: number; cursor: string | null },
): Promise<{ lines: LiveLine[]; older: string | null }> {
  const fromMs = nowMs - LOOK_BACK_MS;
  const kept = await reports.listActivity(
    { siteId, fromMs: cursor === null ? fromMs : 0, toMs: nowMs + 1 },
    { type: null, limit: LINES_MAX, ...(cursor === null ? {} : { cursor }) },
  );
  const stored = kept.items.map((item) => lineOfActivity(item, zone));
  if (cursor !== null) return { lines: stored, older: kept.nextCursor };
  // Not before the oldest line shown, so that the next page goes on where this one ends.
  const sinceMs = kept.nextCursor === null ? fromMs : (stored.at(-1)?.atMs ?? fromMs);
  const passing = feed
    .since(siteId, 0)
    .filter(({ what, atMs }) => what !== 'counted' && what !== 'bot' && atMs >= sinceMs)
    .map((event) => lineOfLiveEvent(event, zone));
  return { lines: [...stored, ...passing].sort((a, b) => b.atMs - a.atMs), older: kept.nextCursor };
}

export function lineOfLiveEvent(event: LiveEvent, zone: string): LiveLine {
  const { atMs, group } = event;
  return { ...described(event), atMs, time: timeToTheSecond(atMs, zone), group };
}

function lineOfActivity(item: ActivityItem, zone: string): LiveLine {
  const text =
    item.type === 'event' ? ofEvent(item.event) : as('bot', displayPage(item.path), [item.bot, item.company]);
  const { receivedAtMs } = item.type === 'event' ? item.event : item;
  return { ...text, atMs: receivedAtMs, time: timeToTheSecond(receivedAtMs, zone), group: null };
}

type LineText = Omit<LiveLine, 'atMs' | 'time' | 'group'>;

function described(event: LiveEvent): LineText {
  const { what, host, path, name, reason, field, count } = event;
  const times = count === 1 ? null : LIVE_TEXT.times(count);
  const page = displayPage(path ?? '');
  const seen = { ...event, path: path ?? '', name: name ?? PAGEVIEW };
  switch (what) {
    case 'counted':
      return ofEvent(seen);
    case 'duplicate':
      return { ...ofEvent(seen), what, kind: LIVE_TEXT.kinds.duplicate };
    case 'bot':
      return as('bot', page, [name]);
    case 'refused':
      return as('refused', host === '' ? LIVE_TEXT.unknownHost : shownHost(host), [
        explanationOf(reason ?? '').title,
        field === '' ? null : field,
        times,
      ]);
    case 'script':
      return as('script', shownHost(host), [LIVE_TEXT.loadedScript, times]);
  }
}

type EventSeen = Pick<EventEntry, 'name' | 'path' | 'source' | 'country' | 'device'>;

function ofEvent({ name, path, source, country, device }: EventSeen): LineText {
  const who = [
    source === null ? null : LIVE_TEXT.from(valueName('source', source)),
    country === null ? null : valueName('country', country),
    device === null ? null : valueName('device', device),
  ];
  const page = displayPage(path);
  return name === PAGEVIEW ? as('view', page, who) : as('conversion', name, [LIVE_TEXT.on(page), ...who]);
}

function as(what: LiveLine['what'], title: string, details: readonly (string | null)[]): LineText {
  return {
    what,
    kind: LIVE_TEXT.kinds[what],
    title,
    detail: details
      .filter((part) => part !== null)
      .map(isolated)
      .join(' · '),
  };
}
