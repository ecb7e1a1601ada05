import { type Static, Type } from 'typebox';
import { Beacon } from '../../tracker/wire/beacon.ts';
import { DEDUPLICATION_WINDOW_MS } from '../../tracker/wire/limits.ts';
import type { ApiError } from './errors.ts';

/** What an owner's own server says to the collector, by API key: an event as a page would send it, and what a page may not say. */

/** Most events in one request. */
export const REPORTED_EVENTS_MAX = 500;
/** How far back an event may be dated: as long as a repeat of it is recognised. */
export const BACK_DATING_MAX_MS = DEDUPLICATION_WINDOW_MS;

const ADDRESS_MAX_CHARS = 64;
const USER_AGENT_MAX_CHARS = 1_024;

const { key: _, ...fields } = Beacon.properties;

export const ReportedEvent = Type.Object({
  ...fields,
  id: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 40,
      description: 'Unique per event; a repeat within 48 hours counts once, so that trying again is safe.',
      examples: ['order-1001'],
    }),
  ),
  name: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description:
        'pageview when absent. leave says that a view has ended, and is not counted. Any other name is a conversion.',
      examples: ['purchase'],
    }),
  ),
  url: Type.String({
    minLength: 1,
    maxLength: 2_048,
    description: "Address of the page: http or https, on a host of the site's.",
    examples: ['https://example.com/pricing'],
  }),
  time: Type.Optional(
    Type.String({
      format: 'date-time',
      description:
        'When it happened: ISO 8601 with offset, up to 48 hours ago. It counts on that day, and in that month. Now when absent.',
      examples: ['2026-05-14T15:05:09+02:00'],
    }),
  ),
  address: Type.Optional(
    Type.String({
      maxLength: ADDRESS_MAX_CHARS,
      description:
        "The visitor's IP address: hashed into a pseudonym for one day, and forgotten. All events of a day without one are one visitor's.",
    }),
  ),
  user_agent: Type.Optional(
    Type.String({
      maxLength: USER_AGENT_MAX_CHARS,
      description:
        "The visitor's User-Agent header: classified, and forgotten. One of a crawler makes a bot visit of it. When absent, a person is meant.",
    }),
  ),
});
export type ReportedEvent = Static<typeof ReportedEvent>;

/** What became of a reported event. */
export type ReportOutcome =
  | { kind: 'stored' | 'duplicate' | 'bot' }
  | { kind: 'refused'; reason: string; error: ApiError };

/** Takes an event that the owner of a site reports. @param siteKey any live key of the site */
export type Intake = (siteKey: string, event: unknown) => Promise<ReportOutcome>;
