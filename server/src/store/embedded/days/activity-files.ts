import { PAGEVIEW } from '../../../../../tracker/wire/limits.ts';
import type { Channel } from '../../../domain/channels.ts';
import type { Props, StoredEvent } from '../../contract/store.ts';
import type { Row } from '../../drivers/duckdb.ts';
import { profileOf } from '../../shared/profile.ts';
import { type ActivitySpan, type EventType, type Placed, writeCursor } from './activity-place.ts';
import type { DayEngine } from './day-engine.ts';

/** The newest rows of the files of archived days, for the activity list. */

const KINDS: Readonly<Record<EventType, string>> = {
  event: 'true',
  conversion: `name <> '${PAGEVIEW}'`,
  // The event that began the visit.
  referral: `channel = 'ai' AND begins`,
};

/** The first numbers of views of a visit, so that no two of a site have the same. With them, numbers still fit 64 bits. */
const VIEWS_PER_VISIT = 2n ** 16n;

const NEWEST_ROWS = `SELECT * FROM archived WHERE received_at >= $1 AND received_at < $2
    AND (received_at < $3 OR (received_at = $3 AND ordinal < $4))`;

export async function archivedEventsBefore(
  { engine, signal }: { engine: DayEngine; signal: AbortSignal },
  days: readonly number[],
  { siteId, site, fromMs, toMs, before, rows }: ActivitySpan,
  type: EventType | null,
): Promise<Placed[]> {
  const found = await engine.archivedRows(
    { siteId, site, days, relation: 'events' },
    `${NEWEST_ROWS} AND ${KINDS[type ?? 'event']} ORDER BY received_at DESC, ordinal DESC LIMIT $5`,
    [fromMs, toMs, before.at, before.isEvent ? before.n : 0, rows],
    signal,
  );
  return found.map((row) => {
    const place = { at: Number(row.received_at), isEvent: true, n: Number(row.ordinal) };
    return { place, item: { type: 'event', event: archivedEvent(siteId, writeCursor(place), row) } };
  });
}

export async function archivedBotsBefore(
  { engine, signal }: { engine: DayEngine; signal: AbortSignal },
  days: readonly number[],
  { siteId, site, fromMs, toMs, before, rows }: ActivitySpan,
): Promise<Placed[]> {
  const found = await engine.archivedRows(
    { siteId, site, days, relation: 'bots' },
    `${NEWEST_ROWS} ORDER BY received_at DESC, ordinal DESC LIMIT $5`,
    [fromMs, toMs, before.at, before.isEvent ? Number.MAX_SAFE_INTEGER : before.n, rows],
    signal,
  );
  return found.map((row) => {
    const place = { at: Number(row.received_at), isEvent: false, n: Number(row.ordinal) };
    return {
      place,
      item: {
        ...{ type: 'bot', cursor: writeCursor(place), receivedAtMs: place.at },
        ...{ bot: String(row.bot), company: textOf(row.company), botClass: String(row.class) },
        ...{ host: String(row.host), path: String(row.page) },
      },
    };
  });
}

/** Converts a row of the file of events. */
export function archivedEvent(siteId: string, cursor: string, row: Row): StoredEvent {
  const text = (column: string) => textOf(row[column]);
  const number = (column: string) => (row[column] === null ? null : Number(row[column]));
  const props = text('props_json');
  return {
    ...{
      cursor,
      siteId,
      receivedAtMs: Number(row.received_at),
      name: String(row.name),
      host: String(row.host),
    },
    ...{ path: String(row.page) + (text('query') ?? ''), referrer: text('referrer'), nav: text('nav') },
    visitor: BigInt(String(row.visitor)),
    props: props === null ? null : (JSON.parse(props) as Props), // as the writer stored it
    ...{ value: number('value'), currency: text('currency'), width: number('width') },
    view: viewOf(row),
    // Null in files of earlier releases.
    interactive: row.interactive !== false,
    ...profileOf(text),
    channel: (text('channel') ?? 'direct') as Channel, // as the writer stored it
  };
}

/** Returns a number for a view that no other of the site has, since files number the views of each visit. */
export function viewOf({ visit_no: visit, view }: Row): bigint | null {
  if (view === null || view === undefined) return null;
  return BigInt(String(visit ?? 0)) * VIEWS_PER_VISIT + BigInt(String(view));
}

function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}
