import { hash } from 'node:crypto';
import { dirname } from 'node:path';
import { DAY_MS } from '../../domain/clock.ts';
import type { KeyUse } from '../contract/store.ts';
import { type Database, openForReading, prepared, translated } from '../drivers/sqlite.ts';
import { ArchivedEntries } from '../embedded/days/archived-entries.ts';
import { daysFolder } from '../embedded/days/segment-files.ts';
import { VIEW_BITS } from '../embedded/tables/file-columns.ts';
import { readCrawler } from '../embedded/tables/profile.ts';
import { archivedBefore } from '../embedded/tables/segments.ts';
import { SELECT_EVENTS, toStoredEvent } from '../embedded/tables/stored-event.ts';
import type { DayContent, EventSource, MovedEntry, SourceDay } from '../scale-out/move.ts';
import type { StoredLine } from '../shared/ledger-delta.ts';

/** Reads all stored events, one site's day at a time. Other processes may write meanwhile. */
export class EventDump implements EventSource {
  readonly #db: Database;
  readonly #archive: ArchivedEntries;

  constructor(file: string) {
    this.#db = openForReading(file);
    this.#archive = new ArchivedEntries(this.#db, daysFolder(dirname(file)));
  }

  async close(): Promise<void> {
    await this.#archive.close();
    this.#db.close();
  }

  expired(): { siteId: string; beforeMs: number }[] {
    return this.#all('SELECT s.site, x.before_at FROM expired x JOIN sites s ON s.id = x.site').map(
      (row) => ({ siteId: String(row.site), beforeMs: Number(row.before_at) }),
    );
  }

  /** Lists the days. A mark combines the day's changes, its ledger count, and the progress of retention. */
  days(): SourceDay[] {
    return this.#all(
      `WITH days AS (SELECT site, day FROM counters UNION SELECT site, day FROM ledger)
       SELECT s.site, d.day, coalesce(c.events, 0) AS events,
         coalesce(c.changes, 0) || '.' || coalesce((SELECT sum(count) FROM ledger l WHERE l.site = d.site AND l.day = d.day), 0)
           || '.' || min(coalesce(x.before_at, 0), (d.day + 1) * ${DAY_MS}) AS mark
       FROM days d JOIN sites s ON s.id = d.site LEFT JOIN counters c ON c.site = d.site AND c.day = d.day
         LEFT JOIN expired x ON x.site = d.site
       ORDER BY strftime('%Y-%m', d.day * ${DAY_MS / 1000}, 'unixepoch'), s.site, d.day`,
    ).map((row) => ({
      siteId: String(row.site),
      day: Number(row.day),
      events: Number(row.events),
      mark: String(row.mark),
    }));
  }

  /** Reads a day from a snapshot that stays open until `use` settles. */
  async read<T>({ siteId, day }: SourceDay, use: (content: DayContent) => Promise<T>): Promise<T> {
    translated(() => this.#db.exec('BEGIN'));
    try {
      const content = {
        ledger: this.#ledger(siteId, day),
        events: Number(
          this.#one('SELECT events FROM counters WHERE site = ? AND day = ?', siteId, day)?.events ?? 0,
        ),
        entries:
          day < archivedBefore(this.#db) ? this.#archivedEntries(siteId, day) : this.#entries(siteId, day),
      };
      return await use(content);
    } finally {
      this.#db.exec('COMMIT');
    }
  }

  keyUse(): (KeyUse & { siteId: string })[] {
    return this.#all(
      'SELECT s.site, k.key, k.events, k.last_at FROM key_use k JOIN sites s ON s.id = k.site',
    ).map((row) => ({
      siteId: String(row.site),
      key: String(row.key),
      events: Number(row.events),
      lastSeenAtMs: Number(row.last_at),
    }));
  }

  async *#archivedEntries(siteId: string, day: number): AsyncGenerator<MovedEntry> {
    for await (const { entry, ordinal, place } of this.#archive.entries({
      siteId,
      site: this.#siteOf(siteId),
      day,
    }))
      yield { entry, ordinal, eventId: idOf(entry.kind, siteId, ...place) };
  }

  *#entries(siteId: string, day: number): Generator<MovedEntry> {
    const fromMs = day * DAY_MS;
    const rows = (sql: string, ...values: number[]) => {
      const select = prepared(this.#db, sql);
      select.setReadBigInts(true);
      return select.iterate(this.#siteOf(siteId), ...values);
    };
    const span = [fromMs, fromMs + DAY_MS] as const;
    for (const row of rows(
      `${SELECT_EVENTS} WHERE e.site = ? AND e.at >= ? AND e.at < ? ORDER BY e.at, e.n`,
      ...span,
    )) {
      const { cursor: _, ...event } = toStoredEvent(siteId, '', row);
      yield {
        eventId: idOf('event', siteId, row.at, row.n),
        ordinal: Number(row.n),
        entry: { kind: 'event', id: null, siteKey: null, ...event },
      };
    }
    const leaves = `SELECT l.*, v.visitor, path.text AS path_text, vitals.text AS vitals_text FROM leaves l
      LEFT JOIN visits v ON v.site = l.site AND v.day = l.day AND v.no = l.visit
      JOIN texts path ON path.id = l.path LEFT JOIN texts vitals ON vitals.id = l.vitals
      WHERE l.site = ? AND l.day = ? ORDER BY l.visit, l.view`;
    for (const row of rows(leaves, day)) {
      yield {
        eventId: idOf('leave', siteId, row.day, row.visit, BigInt.asUintN(VIEW_BITS, row.view as bigint)),
        ordinal: 0,
        entry: {
          ...{ kind: 'leave', siteId, siteKey: null, receivedAtMs: Number(row.at), host: '', id: null },
          path: String(row.path_text),
          // A leave of a visitor without a visit is dropped, since it belongs to no visit.
          visitor: (row.visitor ?? 0n) as bigint,
          view: row.view === 0n ? null : (row.view as bigint),
          engagedMs: row.engaged === null ? null : Number(row.engaged),
          scroll: row.scroll === null ? null : Number(row.scroll),
          vitals:
            row.vitals_text === null ? null : (JSON.parse(String(row.vitals_text)) as Record<string, number>),
        },
      };
    }
    const bots = `SELECT b.at, b.n, crawler.text AS crawler, host.text AS host, path.text AS path FROM bots b
      JOIN texts crawler ON crawler.id = b.crawler JOIN texts host ON host.id = b.host JOIN texts path ON path.id = b.path
      WHERE b.site = ? AND b.at >= ? AND b.at < ? ORDER BY b.at, b.n`;
    for (const row of rows(bots, ...span)) {
      yield {
        eventId: idOf('bot', siteId, row.at, row.n),
        ordinal: Number(row.n),
        entry: {
          ...{ kind: 'bot', siteId, siteKey: null, receivedAtMs: Number(row.at), id: null },
          host: String(row.host),
          path: String(row.path),
          ...readCrawler(String(row.crawler)),
        },
      };
    }
  }

  #ledger(siteId: string, day: number): StoredLine[] {
    return this.#all(
      `SELECT o.text AS outcome, h.text AS host, l.count, l.first_at, l.last_at
       FROM ledger l JOIN texts o ON o.id = l.outcome JOIN texts h ON h.id = l.host WHERE l.site = ? AND l.day = ?`,
      this.#siteOf(siteId),
      day,
    ).map((row) => ({
      day,
      outcome: String(row.outcome),
      host: String(row.host),
      count: Number(row.count),
      firstAtMs: Number(row.first_at),
      lastAtMs: Number(row.last_at),
    }));
  }

  #siteOf(siteId: string): number {
    return Number(prepared(this.#db, 'SELECT id FROM sites WHERE site = ?').get(siteId)?.id);
  }

  #one(sql: string, siteId: string, day: number): Record<string, unknown> | undefined {
    return translated(() => prepared(this.#db, sql).get(this.#siteOf(siteId), day));
  }

  #all(sql: string, ...values: number[]): Record<string, unknown>[] {
    return translated(() => prepared(this.#db, sql).all(...values));
  }
}

/** Derives an id from a row's place, so that the row has the same id each time it is moved. */
function idOf(...names: unknown[]): string {
  return hash('sha256', `moved\n${names.join('\n')}`).replace(
    /^(.{8})(.{4})(.{4})(.{4})(.{12}).*/,
    '$1-$2-$3-$4-$5',
  );
}
