import { dirname } from 'node:path';
import type { DayRange } from '../../domain/clock.ts';
import type { Audit, KeyUse, LedgerLine } from '../contract/store.ts';
import { type Database, inOneState, openForReading, prepared, translated } from '../drivers/sqlite.ts';
import { readLine } from '../shared/ledger-delta.ts';
import { audit } from './days/audit.ts';
import { daysFolder } from './days/segment-files.ts';

/** The tables from which all rows of a removed site are deleted. */
const REMOVED_FROM = ['events', 'visits', 'leaves', 'bots', 'sealed_days', 'slots', 'facets'] as const;

/** Runs short queries on the events file over a read-only connection. Only `audit` reads every row. */
export class EventReader {
  readonly #db: Database;
  readonly #folder: string;

  constructor(file: string) {
    this.#db = openForReading(file);
    this.#folder = daysFolder(dirname(file));
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
        .map((row) =>
          readLine({
            day: Number(row.day),
            outcome: String(row.outcome),
            host: String(row.host),
            count: Number(row.count),
            firstAtMs: Number(row.first_at),
            lastAtMs: Number(row.last_at),
          }),
        ),
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

  /** Returns the receipt time of the newest event of all sites; null if there is none. Reads the whole ledger. */
  newestEventMs(): number | null {
    return translated(() => {
      const row = prepared(
        this.#db,
        `SELECT max(last_at) AS newest FROM ledger l JOIN texts t ON t.id = l.outcome WHERE t.text = 'stored'`,
      ).get();
      return typeof row?.newest === 'number' ? row.newest : null;
    });
  }

  audit(): Promise<Audit> {
    return audit(this.#db, this.#folder);
  }
}
