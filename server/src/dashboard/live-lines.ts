import { PAGEVIEW } from '../../../tracker/wire/limits.ts';
import { MINUTE_MS } from '../clock.ts';
import type { LiveFeed, Sighting } from '../live-feed.ts';
import type { Happening, Reports } from '../store/store.ts';
import { reasonOf } from './reasons.ts';
import { valueName } from './report/panels.ts';

/** What just happened on a site, in lines. What was kept comes from the store; what was not, from the feed in memory. */

export interface LiveLine {
  what: 'view' | 'conversion' | 'bot' | 'duplicate' | 'refused' | 'script';
  /** That in a word. */
  kind: string;
  atMs: number;
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
  siteId: string,
  nowMs: number,
): Promise<LiveLine[]> {
  const fromMs = nowMs - LOOK_BACK_MS;
  const kept = await reports.happenings(
    { siteId, fromMs, toMs: nowMs + 1 },
    { type: null, limit: LINES_MAX },
  );
  const passing = feed
    .since(siteId, 0)
    .filter(({ what, atMs }) => what !== 'counted' && what !== 'bot' && atMs >= fromMs);
  return [...kept.happenings.map(lineOfHappening), ...passing.map(lineOfSighting)]
    .sort((a, b) => b.atMs - a.atMs)
    .slice(0, LINES_MAX);
}

export function lineOfSighting(sighting: Sighting): LiveLine {
  const { what, atMs, host, path, name, reason } = sighting;
  switch (what) {
    case 'counted':
    case 'duplicate': {
      const line = lineOfEvent({ ...sighting, path: path ?? '', name: name ?? PAGEVIEW });
      return what === 'counted' ? line : { ...line, what, kind: KINDS.duplicate };
    }
    case 'bot':
      return made('bot', atMs, path ?? '', [name]);
    case 'refused':
      return made('refused', atMs, host === '' ? 'unknown host' : host, [reasonOf(reason ?? '').name]);
    case 'script':
      return made('script', atMs, host, ['fetched the tracker']);
  }
}

function lineOfHappening(happening: Happening): LiveLine {
  if (happening.type === 'event') {
    const { event } = happening;
    return lineOfEvent({ ...event, atMs: event.receivedAtMs });
  }
  const { receivedAtMs, path, bot, company } = happening;
  return made('bot', receivedAtMs, path, [bot, company]);
}

interface EventSeen {
  atMs: number;
  name: string;
  path: string;
  source: string | null;
  country: string | null;
  device: string | null;
}

function lineOfEvent({ atMs, name, path, source, country, device }: EventSeen): LiveLine {
  const who = [
    source === null ? null : `from ${source}`,
    country === null ? null : valueName('country', country),
    device === null ? null : valueName('device', device),
  ];
  return name === PAGEVIEW
    ? made('view', atMs, path, who)
    : made('conversion', atMs, name, [`on ${path}`, ...who]);
}

function made(
  what: LiveLine['what'],
  atMs: number,
  title: string,
  details: readonly (string | null)[],
): LiveLine {
  return {
    what,
    kind: KINDS[what],
    atMs,
    title,
    detail: details.filter((part) => part !== null).join(' · '),
  };
}
