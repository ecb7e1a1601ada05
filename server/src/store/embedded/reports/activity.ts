import { PAGEVIEW } from '../../../../../tracker/wire/limits.ts';
import { DAY_MS } from '../../../domain/clock.ts';
import type { ActivityItem, Reports, Scope } from '../../contract/store.ts';
import { prepared } from '../../drivers/sqlite.ts';
import { AI_CHANNEL, readCrawler } from '../tables/profile.ts';
import { SELECT_EVENTS, toStoredEvent } from '../tables/stored-event.ts';
import type { Reading } from './reading.ts';

/** Pages that a look at right now names. */
const PAGES_SHOWN = 100;

type Options = Parameters<Reports['listActivity']>[1];

/** A place in the list: newest first, and at one instant events before bots, the last to come first. */
interface Place {
  at: number;
  isEvent: boolean;
  n: number;
}

export function listActivity(
  reading: Reading,
  { siteId, fromMs, toMs }: Omit<Scope, 'filters'>,
  { type, limit, cursor }: Options,
): { items: ActivityItem[]; nextCursor: string | null } {
  const site = reading.texts.site(siteId);
  if (site === null) return { items: [], nextCursor: null };
  const before =
    cursor === undefined ? { at: Number.MAX_SAFE_INTEGER, isEvent: true, n: 0 } : parseCursor(cursor);
  const span = { siteId, site, fromMs, toMs, before, rows: limit + 1 };
  const found = [
    ...(type === 'bot' ? [] : eventsBefore(reading, span, type)),
    ...(type === 'bot' || type === null ? botsBefore(reading, span) : []),
  ].sort((a, b) => compare(a.place, b.place));
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(({ item }) => item),
    nextCursor: found.length > limit && last !== undefined ? writeCursor(last.place) : null,
  };
}

interface Span {
  siteId: string;
  site: number;
  fromMs: number;
  toMs: number;
  before: Place;
  rows: number;
}

interface Placed {
  place: Place;
  item: ActivityItem;
}

const KINDS = {
  event: '',
  conversion: 'AND name.text <> :pageview',
  // The event that began the visit.
  referral: `AND v.channel = ${AI_CHANNEL} AND v.start_at = e.at % ${DAY_MS} AND v.start_n = e.n`,
} as const;

function eventsBefore(
  { db }: Reading,
  { siteId, site, fromMs, toMs, before, rows }: Span,
  type: 'event' | 'referral' | 'conversion' | null,
): Placed[] {
  const select = prepared(
    db,
    `${SELECT_EVENTS}
     WHERE e.site = :site AND e.at >= :from AND e.at < :to AND (e.at, e.n) < (:at, :n) ${KINDS[type ?? 'event']}
     ORDER BY e.at DESC, e.n DESC LIMIT :rows`,
  );
  select.setReadBigInts(true);
  const n = before.isEvent ? before.n : 0;
  const named = { site, from: fromMs, to: toMs, at: before.at, n, rows };
  return select.all(type === 'conversion' ? { ...named, pageview: PAGEVIEW } : named).map((row) => {
    const place = { at: Number(row.at), isEvent: true, n: Number(row.n) };
    return { place, item: { type: 'event', event: toStoredEvent(siteId, writeCursor(place), row) } };
  });
}

function botsBefore({ db }: Reading, { site, fromMs, toMs, before, rows }: Span): Placed[] {
  const n = before.isEvent ? Number.MAX_SAFE_INTEGER : before.n;
  return prepared(
    db,
    `SELECT b.at, b.n, crawler.text AS crawler, host.text AS host, path.text AS path
     FROM bots b JOIN texts crawler ON crawler.id = b.crawler JOIN texts host ON host.id = b.host
       JOIN texts path ON path.id = b.path
     WHERE b.site = ? AND b.at >= ? AND b.at < ? AND (b.at, b.n) < (?, ?) ORDER BY b.at DESC, b.n DESC LIMIT ?`,
  )
    .all(site, fromMs, toMs, before.at, n, rows)
    .map((row) => {
      const place = { at: Number(row.at), isEvent: false, n: Number(row.n) };
      return {
        place,
        item: {
          type: 'bot',
          cursor: writeCursor(place),
          receivedAtMs: place.at,
          ...readCrawler(String(row.crawler)),
          host: String(row.host),
          path: String(row.path),
        },
      };
    });
}

function compare(a: Place, b: Place): number {
  return b.at - a.at || Number(b.isEvent) - Number(a.isEvent) || b.n - a.n;
}

function writeCursor({ at, isEvent, n }: Place): string {
  return `${at}.${isEvent ? 1 : 0}.${n}`;
}

/** Throws nothing: a made-up cursor is a place like any other. */
function parseCursor(cursor: string): Place {
  const [at, isEvent, n] = cursor.split('.').map(Number);
  return {
    at: Number.isSafeInteger(at) ? Number(at) : 0,
    isEvent: isEvent === 1,
    n: Number.isSafeInteger(n) ? Number(n) : 0,
  };
}

/** Who was there since an instant, and where each was last. */
export function realtime(
  { db, texts }: Reading,
  siteId: string,
  sinceMs: number,
): { visitors: number; pages: { path: string; visitors: number }[] } {
  const site = texts.site(siteId);
  if (site === null) return { visitors: 0, pages: [] };
  const rows = prepared(
    db,
    `SELECT v.day, v.first, e.path FROM events e JOIN visits v ON v.site = e.site AND v.day = e.at / ${DAY_MS} AND v.no = e.visit
     WHERE e.site = ? AND e.at >= ? ORDER BY e.at DESC, e.n DESC`,
  ).iterate(site, sinceMs);
  const seen = new Set<string>();
  const pages = new Map<number, number>();
  for (const row of rows) {
    const visitor = `${row.day} ${row.first}`;
    if (seen.has(visitor)) continue;
    seen.add(visitor);
    const path = Number(row.path);
    pages.set(path, (pages.get(path) ?? 0) + 1);
  }
  return {
    visitors: seen.size,
    pages: [...pages]
      .map(([path, visitors]) => ({ path: texts.text(path), visitors }))
      .sort((a, b) => b.visitors - a.visitors || (a.path < b.path ? -1 : 1))
      .slice(0, PAGES_SHOWN),
  };
}
