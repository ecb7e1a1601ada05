import type { Beacon } from '../../../tracker/wire/beacon.ts';
import {
  BATCH_MAX_BEACONS,
  ENGAGED_MAX_MS,
  ID_MAX_CHARS,
  KEEP_MAX_CHARS,
  KEY_MAX_CHARS,
  NAME_MAX_CHARS,
  PROP_KEY_MAX_CHARS,
  PROP_VALUE_MAX_CHARS,
  PROPS_MAX_ENTRIES,
  TIME_ZONE_MAX_CHARS,
  URL_MAX_CHARS,
} from '../../../tracker/wire/limits.ts';
import { ownValue } from '../domain/own-value.ts';
import {
  ADDRESS_MAX_CHARS,
  LANGUAGE_MAX_CHARS,
  type ReportedEvent,
  USER_AGENT_MAX_CHARS,
} from './reported-event.ts';

/** The fields of an event in words, for those who sent a wrong one. */

const text = (max: number) => `a string of at most ${max} characters`;
const nonEmptyText = (max: number) => `a string of 1 to ${max} characters`;

/** What each field must be. */
const RULES: Readonly<Record<keyof Beacon | keyof ReportedEvent, string>> = {
  key: nonEmptyText(KEY_MAX_CHARS),
  id: nonEmptyText(ID_MAX_CHARS),
  name: nonEmptyText(NAME_MAX_CHARS),
  url: `an http(s) URL of at most ${URL_MAX_CHARS} characters`,
  keep: text(KEEP_MAX_CHARS),
  ref: text(URL_MAX_CHARS),
  nav: 'load, reload, back, soft, prerender or bfcache',
  props: `an object of at most ${PROPS_MAX_ENTRIES} properties, with names of at most ${PROP_KEY_MAX_CHARS} characters`,
  value: 'a number, or a decimal string such as "49.90"',
  currency: 'three letters (ISO 4217)',
  interactive: 'true or false',
  view: nonEmptyText(ID_MAX_CHARS),
  engaged: `a number from 0 to ${ENGAGED_MAX_MS}`,
  scroll: 'a number from 0 to 100',
  width: 'a number from 0 to 100000',
  tz: text(TIME_ZONE_MAX_CHARS),
  vitals: 'an object',
  time: 'an ISO 8601 timestamp with a UTC offset, within the last 48 hours',
  address: text(ADDRESS_MAX_CHARS),
  user_agent: text(USER_AGENT_MAX_CHARS),
  language: text(LANGUAGE_MAX_CHARS),
};

/** The ledger's name for the list of events in a request, if the list itself is wrong. */
export const BATCH = 'batch';

const PROPERTY = 'props.';
const PROPERTY_RULE = `${text(PROP_VALUE_MAX_CHARS)}, a number, a boolean or null`;
const VITAL_RULE = 'a number, 0 or more';

/** Returns what a field must be, such as `a number from 0 to 100`; null for an unknown field. */
export function ruleOf(field: string): string | null {
  if (field.startsWith(PROPERTY)) return PROPERTY_RULE;
  if (field.startsWith('vitals.')) return VITAL_RULE;
  return ownValue<string>(RULES, field) ?? null;
}

/** Returns a sentence about a field that was wrong, as the ledger names it; null if there is nothing to say. */
export function fieldHint(field: string): string | null {
  if (field === BATCH) return `A batch must have 1 to ${BATCH_MAX_BEACONS} events.`;
  const rule = ruleOf(field);
  if (rule === null) return null;
  const hint = `${field} must be ${rule}.`;
  return field === 'url' ? `${hint} A page opened from a file (file:) is not counted.` : hint;
}

/** The names of properties that the ledger keeps. They are short, and no e-mail addresses or URLs. */
const KEPT_NAME = /^[\p{L}\p{N}_$][\p{L}\p{N}_$. -]{0,39}$/u;

/** Returns the name under which the ledger counts a wrong field: the field, or `props` if a page could have made up the name. */
export function ledgerField(field: string): string {
  return field.startsWith(PROPERTY) && !KEPT_NAME.test(field.slice(PROPERTY.length)) ? 'props' : field;
}
