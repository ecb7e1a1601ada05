import { CHANNELS } from '../../../domain/channels.ts';
import type { Profile, ProfileField } from '../../shared/profile.ts';

/** Definitions shared by the writer and the readers of visits. */

/** The stored value of the channel `ai`: its position, since channels are stored by position. */
export const AI_CHANNEL = CHANNELS.indexOf('ai');

/**
 * The texts in which visits store profiles, each a JSON array of fields in this order. Values that go together share a text, so
 * that there are few different ones. New fields come last.
 */
export const PROFILE_PARTS = {
  profile: [
    ...(['source', 'campaign', 'country', 'device', 'browser', 'os', 'timeZone'] as const),
    ...(['utmSource', 'utmMedium', 'utmContent', 'utmTerm'] as const),
  ],
  agent: ['browserVersion', 'osVersion', 'language', 'screen'],
  place: ['region', 'city'],
} as const satisfies Readonly<Record<string, readonly ProfileField[]>>;

export type ProfilePart = keyof typeof PROFILE_PARTS;
export const PARTS = Object.keys(PROFILE_PARTS) as ProfilePart[];

/** Formats a part of a profile. Unknown fields at the end are left out. @returns null if all are unknown */
export function writePart(part: ProfilePart, profile: Profile): string | null {
  const values = PROFILE_PARTS[part].map((field) => profile[field]);
  const known = values.findLastIndex((value) => value !== null) + 1;
  return known === 0 ? null : JSON.stringify(values.slice(0, known));
}

/** Parses a part of a profile. It may lack fields that did not exist when it was written. @param text null: all are unknown */
export function readPart(part: ProfilePart, text: string | null): Partial<Profile> {
  const values = text === null ? [] : (JSON.parse(text) as (string | null)[]); // as written above
  return Object.fromEntries(PROFILE_PARTS[part].map((field, i) => [field, values[i] ?? null]));
}

/** Parses a profile. @param textOf returns the text of a part */
export function readProfile(textOf: (part: ProfilePart) => string | null): Profile {
  return Object.assign({}, ...PARTS.map((part) => readPart(part, textOf(part)))) as Profile; // the parts have all fields
}

export function writeCrawler(bot: { bot: string; company: string | null; botClass: string }): string {
  return JSON.stringify([bot.bot, bot.company, bot.botClass]);
}

export function readCrawler(text: string): { bot: string; company: string | null; botClass: string } {
  const [bot, company, botClass] = JSON.parse(text) as [string, string | null, string]; // as written above
  return { bot, company, botClass };
}
