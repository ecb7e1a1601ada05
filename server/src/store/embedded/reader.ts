import type { DayRange } from '../../domain/clock.ts';
import type { Audit, EventPage, KeyUse, LedgerLine } from '../contract/store.ts';
import { type Database, inOneState, openForReading, prepared, translated } from '../drivers/sqlite.ts';
import { audit } from './reports/audit.ts';
import { SELECT_EVENTS, toStoredEvent } from './tables/stored-event.ts';

/** The tables from which all rows of a removed site are deleted. */
const REMOVED_FROM = ['events', 'visits', 'leaves', 'bots', 'sealed', 'slots', 'facets'] as const;

/** Runs short queries on the events file over a read-only connection. Only `audit` reads every row. */
export class EventReader {
  readonly #db: Database;

  constructor(file: string) {
    this.#db = openForReading(file);
  }

  close(): void {
    this.#db.close();
  }

  countBySite(siteIds: readonly string[], range: DayRange): Map<string, number> {
    return inOneState(this.#db, () => {
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

  holding(siteIds: readonly string[]): string[] {
    return inOneState(this.#db, () => {
      const inAny = REMOVED_FROM.map((table) => `EXISTS (SELECT 1 FROM ${table} WHERE site = s.id)`);
      const held = prepared(this.#db, `SELECT 1 FROM sites s WHERE site = ? AND (${inAny.join(' OR ')})`);
      return siteIds.filter((siteId) => held.get(siteId) !== undefined);
    });
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

  /** Returns the receipt time of the newest event of all sites; null if there is none. Reads the last row of every site. */
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
    return inOneState(this.#db, () => audit(this.#db));
  }
}

/** Parses a cursor into a receipt time and an ordinal. Invalid parts are not errors: they become 0. */
function parseCursor(cursor: string): [number, number] {
  const [at, n] = cursor.split('.').map(Number);
  return [Number.isSafeInteger(at) ? Number(at) : 0, Number.isSafeInteger(n) ? Number(n) : 0];
}
