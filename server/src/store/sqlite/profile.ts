import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../clock.ts';
import type { Channel, EventEntry } from '../store.ts';

/** What the writer and the readers of visits and roll-ups agree on. */

/** A visit ends when its visitor does nothing for this long. */
export const VISIT_GAP_MS = 30 * MINUTE_MS;
/** A visit of one page view with less engaged time than this, and nothing else, is a bounce. */
export const BOUNCE_ENGAGED_MS = 10 * SECOND_MS;

/** The grain of the roll-up behind totals and series: every time zone in use today is a multiple of it from UTC. */
export const SLOT_MS = 15 * MINUTE_MS;
export const SLOTS_PER_DAY = DAY_MS / SLOT_MS;

/** The name of the event that is a page view. */
export const PAGEVIEW = 'pageview';

/** Stored by position: only ever added to at the end. */
export const CHANNELS: readonly Channel[] = [
  'direct',
  'search',
  'social',
  'email',
  'campaign',
  'referral',
  'ai',
];
export const AI_CHANNEL = CHANNELS.indexOf('ai');

/** What is known of a visitor, and where the visit came from; as stored, in this order. */
export interface Profile {
  source: string | null;
  campaign: string | null;
  country: string | null;
  device: string | null;
  browser: string | null;
  os: string | null;
  timeZone: string | null;
}

export function writeProfile(event: Profile): string {
  const { source, campaign, country, device, browser, os, timeZone } = event;
  return JSON.stringify([source, campaign, country, device, browser, os, timeZone]);
}

export function readProfile(text: string): Profile {
  const [source, campaign, country, device, browser, os, timeZone] = JSON.parse(text) as (string | null)[]; // as written above
  return {
    source: source ?? null,
    campaign: campaign ?? null,
    country: country ?? null,
    device: device ?? null,
    browser: browser ?? null,
    os: os ?? null,
    timeZone: timeZone ?? null,
  };
}

/** A path as it is reported, and what follows it. */
export function splitQuery(path: EventEntry['path']): { path: string; query: string | null } {
  const at = path.indexOf('?');
  return at === -1 ? { path, query: null } : { path: path.slice(0, at), query: path.slice(at) };
}

export function writeCrawler(bot: { bot: string; company: string | null; botClass: string }): string {
  return JSON.stringify([bot.bot, bot.company, bot.botClass]);
}

export function readCrawler(text: string): { bot: string; company: string | null; botClass: string } {
  const [bot, company, botClass] = JSON.parse(text) as [string, string | null, string]; // as written above
  return { bot, company, botClass };
}

export function isBounce(visit: { pageviews: number; events: number; engaged: number }): boolean {
  return visit.pageviews === 1 && visit.events === 1 && visit.engaged < BOUNCE_ENGAGED_MS;
}
