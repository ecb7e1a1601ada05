import { type Static, Type } from 'typebox';
import { Beacon } from '../../../tracker/wire/beacon.ts';
import {
  DEDUPLICATION_WINDOW_MS,
  ID_MAX_CHARS,
  NAME_MAX_CHARS,
  URL_MAX_CHARS,
} from '../../../tracker/wire/limits.ts';
import type { ApiError } from '../domain/errors.ts';
import type { AcceptedOutcome, RefusalReason } from '../domain/outcomes.ts';

/**
 * Server-side tracking: events like those that pages send, plus the visitor's IP address, user agent and time, which only an
 * owner's server may set.
 */

/** The maximum number of events in one request. */
export const REPORTED_EVENTS_MAX = 500;
/** The maximum age of an event, because duplicates of older events are not recognized. */
export const BACK_DATING_MAX_MS = DEDUPLICATION_WINDOW_MS;

export const ADDRESS_MAX_CHARS = 64;
export const USER_AGENT_MAX_CHARS = 1_024;
export const LANGUAGE_MAX_CHARS = 200;

const { key: _, ...fields } = Beacon.properties;

export const ReportedEvent = Type.Object({
  ...fields,
  id: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: ID_MAX_CHARS,
      description: 'Unique ID of the event. Repeats within 48 hours count once, so retries are safe.',
      examples: ['order-1001'],
    }),
  ),
  name: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: NAME_MAX_CHARS,
      description:
        'Name of the event. Default: pageview. leave marks the end of a page view and is not counted. Any other name is a conversion.',
      examples: ['purchase'],
    }),
  ),
  url: Type.String({
    minLength: 1,
    maxLength: URL_MAX_CHARS,
    description: 'http(s) URL of the page, on an allowed host of the site.',
    examples: ['https://example.com/pricing'],
  }),
  time: Type.Optional(
    Type.String({
      format: 'date-time',
      description:
        'Time of the event (ISO 8601 with UTC offset), up to 48 hours ago. The event counts on that day and in that month. Default: now.',
      examples: ['2026-05-14T15:05:09+02:00'],
    }),
  ),
  address: Type.Optional(
    Type.String({
      maxLength: ADDRESS_MAX_CHARS,
      description:
        'IP address of the visitor. It is hashed into an anonymous ID for one day and never stored. Events of a day without an address count as one visitor.',
    }),
  ),
  user_agent: Type.Optional(
    Type.String({
      maxLength: USER_AGENT_MAX_CHARS,
      description:
        'User-Agent header of the visitor. It is classified and never stored. A crawler is recorded as a bot visit. Without it, the event is from a person.',
    }),
  ),
  language: Type.Optional(
    Type.String({
      maxLength: LANGUAGE_MAX_CHARS,
      description:
        'Language of the visitor, or their Accept-Language header. Only the preferred language is stored, without its region.',
      examples: ['de-AT,de;q=0.9,en;q=0.5'],
    }),
  ),
});
export type ReportedEvent = Static<typeof ReportedEvent>;

/** The outcome of a reported event. */
export type ReportOutcome =
  | { kind: AcceptedOutcome }
  | { kind: 'refused'; reason: RefusalReason; field: string | null; error: ApiError };

/** Receives a reported event. @param siteKey any live key of the site */
export type Intake = (siteKey: string, event: unknown) => Promise<ReportOutcome>;
