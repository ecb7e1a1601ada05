import { utcDay } from '../../../domain/clock.ts';
import { VISIT_GAP_MS } from '../../../domain/visit-rules.ts';
import type { EventPage, StoredEvent } from '../../contract/store.ts';
import type { Row, Server } from '../../drivers/clickhouse.ts';
import { PROFILE_FIELDS } from '../../shared/profile.ts';
import { day, integer, list, text } from './literal.ts';
import { EVENT_COLUMNS, toStoredEvent } from './row.ts';
import { ENTRIES } from './schema.ts';

/** A position in a site's rows, newest first. Collectors may use the same ordinals, so ids distinguish such rows. */
export interface Place {
  at: number;
  ordinal: number;
  id: string;
}

/** The windows in days searched in turn until a page is full, before all days. A busy site fills a page in the first. */
const WINDOWS_DAYS = [1, 7, 60] as const;
const NIL = '00000000-0000-0000-0000-000000000000';

export async function pageOf(
  server: Server,
  siteId: string,
  { limit, cursor }: { limit: number; cursor?: string },
): Promise<EventPage> {
  const before = cursor === undefined ? null : parsePlace(cursor);
  const rows = await newestRows(server, {
    siteId,
    where: "kind = 'event'",
    before,
    fromMs: 0,
    toMs: Number.MAX_SAFE_INTEGER,
    limit: limit + 1,
  });
  const events = await withVisitors(server, siteId, rows.slice(0, limit));
  return { events, nextCursor: rows.length > limit ? (events.at(-1)?.cursor ?? null) : null };
}

/** Returns a site's newest rows before a position, within a time span. */
export async function newestRows(
  server: Server,
  span: {
    siteId: string;
    where: string;
    before: Place | null;
    fromMs: number;
    toMs: number;
    limit: number;
    columns?: string;
  },
): Promise<Row[]> {
  const { siteId, where, before, fromMs, limit, columns = EVENT_COLUMNS } = span;
  const toMs = Math.min(span.toMs, before === null ? Number.MAX_SAFE_INTEGER : before.at + 1);
  const conditions = [
    `site_id = ${text(siteId)}`,
    where,
    `received_at >= ${integer(fromMs)} AND received_at < ${integer(toMs)}`,
    ...(before === null
      ? []
      : [
          `(received_at < ${integer(before.at)} OR ordinal < ${integer(before.ordinal)}
            OR (ordinal = ${integer(before.ordinal)} AND event_id < toUUID(${text(before.id)})))`,
        ]),
  ];
  const [newest] = await server.rows(
    `SELECT count() AS n, toUInt16(max(day)) AS d FROM ${ENTRIES} WHERE site_id = ${text(siteId)}
     AND day <= ${day(utcDay(toMs - 1))} AND day >= ${day(utcDay(fromMs))} AND ${where}`,
  );
  if (Number(newest?.n ?? 0) === 0) return [];
  const lastDay = Number(newest?.d);
  for (const days of [...WINDOWS_DAYS, lastDay + 1]) {
    const firstDay = Math.max(lastDay - days + 1, utcDay(fromMs), 0);
    const rows = await server.rows(
      `SELECT ${columns} FROM ${ENTRIES} FINAL WHERE ${conditions.join(' AND ')}
         AND day >= ${day(firstDay)} AND day <= ${day(lastDay)}
       ORDER BY received_at DESC, ordinal DESC, event_id DESC LIMIT ${integer(limit)}`,
    );
    if (rows.length === limit || firstDay <= utcDay(fromMs)) return rows;
  }
  return [];
}

/** The columns that describe the visitor, taken from the visit's first event. */
const OF_VISIT = ['width', 'channel', ...PROFILE_FIELDS] as const;

/** Completes rows of events for display, with the visitor's properties from the first event of the visit. */
export async function withVisitors(
  server: Server,
  siteId: string,
  rows: readonly Row[],
): Promise<StoredEvent[]> {
  const events = rows.map((row) => toStoredEvent(siteId, writePlace(placeOf(row)), row));
  if (events.length === 0) return [];
  const days = events.map(({ receivedAtMs }) => utcDay(receivedAtMs));
  const visitors = new Set(
    events.map(({ receivedAtMs, visitor }) => `(${day(utcDay(receivedAtMs))}, toInt64('${visitor}'))`),
  );
  const earlier = await server.rows(
    `SELECT ${EVENT_COLUMNS} FROM ${ENTRIES} FINAL
     WHERE site_id = ${text(siteId)} AND day >= ${day(Math.min(...days))} AND day <= ${day(Math.max(...days))}
       AND (day, visitor) IN ${list([...visitors])} AND kind = 'event' ORDER BY received_at, ordinal, event_id`,
  );
  const first = new Map<string, StoredEvent>();
  const last = new Map<string, { atMs: number; first: StoredEvent }>();
  for (const row of earlier) {
    const event = toStoredEvent(siteId, writePlace(placeOf(row)), row);
    const who = `${utcDay(event.receivedAtMs)} ${event.visitor}`;
    const visit = last.get(who);
    const began = visit !== undefined && event.receivedAtMs - visit.atMs < VISIT_GAP_MS ? visit.first : event;
    last.set(who, { atMs: event.receivedAtMs, first: began });
    first.set(event.cursor, began);
  }
  return events.map((event) => {
    const began = first.get(event.cursor) ?? event;
    return { ...event, ...Object.fromEntries(OF_VISIT.map((name) => [name, began[name]])) };
  });
}

export function placeOf(row: Row): Place {
  return { at: Number(row.received_at), ordinal: Number(row.ordinal), id: String(row.id) };
}

export function writePlace({ at, ordinal, id }: Place): string {
  return `${at}.${ordinal}.${id}`;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Parses a cursor. Invalid parts are not errors: they become 0 or the nil UUID. */
export function parsePlace(cursor: string): Place {
  const [at, ordinal, id] = cursor.split('.');
  const whole = (part: string | undefined) =>
    Number.isSafeInteger(Number(part)) ? Math.max(Number(part), 0) : 0;
  return { at: whole(at), ordinal: whole(ordinal), id: UUID.test(id ?? '') ? (id ?? NIL) : NIL };
}
