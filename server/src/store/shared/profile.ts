import type { EventEntry } from '../contract/store.ts';

/**
 * What is known of a visitor and of where a visit came from, by field of `EventEntry`, with the name of the column in every
 * engine. All of it is text.
 */
export const PROFILE_COLUMNS = {
  source: 'source',
  campaign: 'campaign',
  country: 'country',
  device: 'device',
  browser: 'browser',
  os: 'os',
  timeZone: 'time_zone',
  utmSource: 'utm_source',
  utmMedium: 'utm_medium',
  utmContent: 'utm_content',
  utmTerm: 'utm_term',
  region: 'region',
  city: 'city',
  browserVersion: 'browser_version',
  osVersion: 'os_version',
  language: 'language',
  screen: 'screen',
} as const satisfies Partial<Record<keyof EventEntry, string>>;

export type ProfileField = keyof typeof PROFILE_COLUMNS;
export type Profile = Pick<EventEntry, ProfileField>;

export const PROFILE_FIELDS = Object.keys(PROFILE_COLUMNS) as ProfileField[];

/** Reads a profile from the columns of a row. */
export function profileOf(columnOf: (column: string) => string | null): Profile {
  return Object.fromEntries(
    PROFILE_FIELDS.map((field) => [field, columnOf(PROFILE_COLUMNS[field])]),
  ) as Profile; // all of its fields
}
