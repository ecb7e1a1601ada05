import { DAY_MS } from '../../clock.ts';
import type { DayRange } from '../../plans.ts';
import type { Audit, EventPage, KeyUse, LedgerLine } from '../store.ts';
import { type Database, openForReading, prepared, translated } from './driver.ts';
import { SELECT_EVENTS, toStoredEvent } from './stored-event.ts';

/** Questions to the events file, over a connection that cannot write. */
export class EventReader {
  readonly #db: Database;

  constructor(file: string) {
    this.#db = openForReading(file);
  }

  close(): void {
    this.#db.close();
  }

  countBySite(siteIds: readonly string[], range: DayRange): Map<string, number> {
    return translated(() => {
      const sum = prepared(
        this.#db,
        `SELECT coalesce(sum(events), 0) AS events FROM counters
         WHERE site = (SELECT id FROM sites WHERE site = ?) AND day BETWEEN ? AND ?`,
      );
      return new Map(
        siteIds.map((siteId) => [siteId, Number(sum.get(siteId, range.firstDay, range.lastDay)?.events)]),
      );
    });
  }

  ledger(siteId: string, range: DayRange): LedgerLine[] {
    return translated(() =>
      prepared(
        this.#db,
        `SELECT l.day, o.text AS outcome, h.text AS host, l.count, l.first_at, l.last_at
         FROM ledger l JOIN texts o ON o.id = l.outcome JOIN texts h ON h.id = l.host
         WHERE l.site = (SELECT id FROM sites WHERE site = ?) AND l.day BETWEEN ? AND ?
         ORDER BY l.day, o.text, h.text`,
      )
        .all(siteId, range.firstDay, range.lastDay)
        .map((row) => ({
          day: Number(row.day),
          outcome: String(row.outcome),
          host: String(row.host),
          count: Number(row.count),
          firstAtMs: Number(row.first_at),
          lastAtMs: Number(row.last_at),
        })),
    );
  }

  keyUse(siteId: string): KeyUse[] {
    return translated(() =>
      prepared(
        this.#db,
        `SELECT key, events, last_at FROM key_use WHERE site = (SELECT id FROM sites WHERE site = ?)
         ORDER BY last_at DESC, key`,
      )
        .all(siteId)
        .map((row) => ({
          key: String(row.key),
          events: Number(row.events),
          lastSeenAtMs: Number(row.last_at),
        })),
    );
  }

  page(siteId: string, { limit, cursor }: { limit: number; cursor?: string }): EventPage {
    return translated(() => {
      const [at, n] = cursor === undefined ? [Number.MAX_SAFE_INTEGER, 0] : parseCursor(cursor);
      const select = prepared(
        this.#db,
        `${SELECT_EVENTS}
         WHERE e.site = (SELECT id FROM sites WHERE site = ?) AND (e.at, e.n) < (?, ?)
         ORDER BY e.at DESC, e.n DESC LIMIT ?`,
      );
      select.setReadBigInts(true);
      const rows = select.all(siteId, at, n, limit + 1);
      const events = rows.slice(0, limit).map((row) => toStoredEvent(siteId, `${row.at}.${row.n}`, row));
      return { events, nextCursor: rows.length > limit ? (events.at(-1)?.cursor ?? null) : null };
    });
  }

  /** Receipt time of the newest event of all; null where there is none. Reads the tail of every site. */
  newestEventMs(): number | null {
    return translated(() => {
      const row = prepared(
        this.#db,
        'SELECT max((SELECT max(at) FROM events WHERE site = s.id)) AS newest FROM sites s',
      ).get();
      return typeof row?.newest === 'number' ? row.newest : null;
    });
  }

  audit(): Audit {
    return translated(() => ({
      counters: this.#db
        .prepare(
          `WITH rows AS (SELECT site, at / ${DAY_MS} AS day, count(*) AS rows FROM events GROUP BY 1, 2),
             days AS (SELECT site, day FROM counters UNION SELECT site, day FROM rows)
           SELECT s.site, d.day, coalesce(c.events, 0) AS counted, coalesce(r.rows, 0) AS rows
           FROM days d JOIN sites s ON s.id = d.site
             LEFT JOIN counters c ON c.site = d.site AND c.day = d.day
             LEFT JOIN rows r ON r.site = d.site AND r.day = d.day
             LEFT JOIN expired x ON x.site = d.site
           WHERE counted <> rows AND d.day * ${DAY_MS} >= coalesce(x.before_at, 0) ORDER BY 1, 2`,
        )
        .all()
        .map((row) => ({ ...siteDay(row), counted: Number(row.counted), rows: Number(row.rows) })),
      ledger: this.#db
        .prepare(
          `WITH stored AS (
             SELECT l.site, l.day, sum(l.count) AS stored FROM ledger l JOIN texts t ON t.id = l.outcome
             WHERE t.text = 'stored' GROUP BY 1, 2),
             days AS (SELECT site, day FROM counters UNION SELECT site, day FROM stored)
           SELECT s.site, d.day, coalesce(c.events, 0) AS counted, coalesce(l.stored, 0) AS stored
           FROM days d JOIN sites s ON s.id = d.site
             LEFT JOIN counters c ON c.site = d.site AND c.day = d.day
             LEFT JOIN stored l ON l.site = d.site AND l.day = d.day
           WHERE counted <> stored ORDER BY 1, 2`,
        )
        .all()
        .map((row) => ({ ...siteDay(row), counted: Number(row.counted), stored: Number(row.stored) })),
      integrity: this.#db
        .prepare('PRAGMA integrity_check')
        .all()
        .map((row) => String(row.integrity_check))
        .filter((line) => line !== 'ok'),
    }));
  }
}

function siteDay(row: Record<string, unknown>): { siteId: string; day: number } {
  return { siteId: String(row.site), day: Number(row.day) };
}

/** A place in a site's events: receipt time and ordinal. Throws nothing: a made-up cursor is a place like any other. */
function parseCursor(cursor: string): [number, number] {
  const [at, n] = cursor.split('.').map(Number);
  return [Number.isSafeInteger(at) ? Number(at) : 0, Number.isSafeInteger(n) ? Number(n) : 0];
}
