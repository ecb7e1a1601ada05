import type { Channel } from '../../../domain/channels.ts';
import { utcDay } from '../../../domain/clock.ts';
import type { Entry, Props, StoredEvent } from '../../contract/store.ts';
import { PROFILE_COLUMNS, PROFILE_FIELDS, profileOf } from '../../shared/profile.ts';
import { isoDay } from './literal.ts';

/** The highest rank of a row, which marks an event that already arrived on another day. */
export const DUPLICATE_RANK = 2 ** 53;

/** Formats an entry's row as a line of JSON. Null and empty values are left out, since they equal the columns' defaults. */
export function toRow(entry: Entry, where: { eventId: string; ordinal: number }): string {
  return asLine(valuesOf(entry, where));
}

/** Formats the values of a row as a line of JSON. */
export function asLine(values: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(values, wellFormed);
}

/** Returns the values of an entry's row by column. */
export function valuesOf(
  entry: Entry,
  { eventId, ordinal }: { eventId: string; ordinal: number },
): Record<string, unknown> {
  return {
    site_id: entry.siteId,
    day: isoDay(utcDay(entry.receivedAtMs)),
    event_id: eventId,
    rank: DUPLICATE_RANK - 1 - entry.receivedAtMs,
    kind: entry.kind,
    received_at: entry.receivedAtMs,
    ordinal,
    site_key: entry.siteKey ?? undefined,
    host: entry.host,
    ...columnsOf(entry),
  };
}

/** Replaces unpaired surrogates, which are not characters, with U+FFFD. */
function wellFormed(_name: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value;
}

function columnsOf(entry: Entry): Record<string, unknown> {
  switch (entry.kind) {
    case 'event':
      return {
        name: entry.name,
        passive: entry.interactive ? undefined : 1,
        path: entry.path,
        referrer: entry.referrer ?? undefined,
        visitor: entry.visitor.toString(),
        nav: entry.nav ?? undefined,
        props: entry.props === null ? undefined : JSON.stringify(entry.props),
        // The value is sent as text, since old servers do not parse floating-point numbers exactly.
        value: entry.value === null ? undefined : String(entry.value),
        currency: entry.currency ?? undefined,
        view: entry.view?.toString(),
        width: entry.width ?? undefined,
        channel: entry.channel,
        ...Object.fromEntries(
          PROFILE_FIELDS.map((field) => [PROFILE_COLUMNS[field], entry[field] ?? undefined]),
        ),
      };
    case 'leave':
      return {
        path: entry.path,
        visitor: entry.visitor.toString(),
        view: entry.view?.toString(),
        engaged: entry.engagedMs ?? undefined,
        scroll: entry.scroll ?? undefined,
        vitals: entry.vitals === null ? undefined : JSON.stringify(entry.vitals),
      };
    case 'bot':
      return {
        path: entry.path,
        bot: entry.bot,
        company: entry.company ?? undefined,
        bot_class: entry.botClass,
      };
  }
}

/** The columns that `toStoredEvent` reads. */
export const EVENT_COLUMNS = `toString(event_id) AS id, received_at, ordinal, host, name, path, query, referrer, visitor,
  nav, props, value, currency, view, width, channel, passive, ${Object.values(PROFILE_COLUMNS).join(', ')}`;

/** Converts a row of `EVENT_COLUMNS` to the event that was appended. */
export function toStoredEvent(siteId: string, cursor: string, row: Record<string, unknown>): StoredEvent {
  const textOrNull = (column: string) => (row[column] === null ? null : String(row[column]));
  const value = textOrNull('value');
  const view = textOrNull('view');
  const width = textOrNull('width');
  const props = textOrNull('props');
  return {
    cursor,
    siteId,
    receivedAtMs: Number(row.received_at),
    host: String(row.host),
    name: String(row.name),
    interactive: Number(row.passive) === 0,
    // Earlier releases stored the query apart.
    path: String(row.path) + (textOrNull('query') ?? ''),
    referrer: textOrNull('referrer'),
    visitor: BigInt(String(row.visitor)),
    nav: textOrNull('nav'),
    props: props === null ? null : (JSON.parse(props) as Props), // as written by `toRow`
    value: value === null ? null : Number(value),
    currency: textOrNull('currency'),
    view: view === null ? null : BigInt(view),
    width: width === null ? null : Number(width),
    channel: String(row.channel) as Channel, // as written by `toRow`
    ...profileOf(textOrNull),
  };
}
