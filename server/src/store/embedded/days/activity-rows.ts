import { PAGEVIEW } from '../../../../../tracker/wire/limits.ts';
import { DAY_MS } from '../../../domain/clock.ts';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import { AI_CHANNEL, readCrawler } from '../tables/profile.ts';
import { SELECT_EVENTS, toStoredEvent } from '../tables/stored-event.ts';
import { type ActivitySpan, type EventType, type Placed, writeCursor } from './activity-place.ts';

/** The newest rows of the events file, for the activity list. */

const KINDS = {
  event: '',
  conversion: 'AND name.text <> :pageview',
  // The event that began the visit.
  referral: `AND v.channel = ${AI_CHANNEL} AND v.start_at = e.at % ${DAY_MS} AND v.start_n = e.n`,
} as const;

export function eventsBefore(
  db: Database,
  { siteId, site, fromMs, toMs, before, rows }: ActivitySpan,
  type: EventType | null,
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

export function botsBefore(db: Database, { site, fromMs, toMs, before, rows }: ActivitySpan): Placed[] {
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
