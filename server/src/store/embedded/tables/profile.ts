import { CHANNELS } from '../../../domain/channels.ts';

/** Definitions shared by the writer and the readers of visits. */

/** The stored value of the channel `ai`: its position, since channels are stored by position. */
export const AI_CHANNEL = CHANNELS.indexOf('ai');

/** A visitor's properties and the source of the visit, stored in this order. */
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

export function writeCrawler(bot: { bot: string; company: string | null; botClass: string }): string {
  return JSON.stringify([bot.bot, bot.company, bot.botClass]);
}

export function readCrawler(text: string): { bot: string; company: string | null; botClass: string } {
  const [bot, company, botClass] = JSON.parse(text) as [string, string | null, string]; // as written above
  return { bot, company, botClass };
}
