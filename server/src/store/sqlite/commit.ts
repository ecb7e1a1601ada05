import { DAY_MS, utcDay } from '../../clock.ts';
import type { Group } from '../group-commit.ts';
import { addKeyUse, addToLedger, type KeyUseDelta, type LedgerDelta } from '../ledger-delta.ts';
import type { AppendOutcome, Entry } from '../store.ts';
import { Deduplication } from './deduplication.ts';
import { Dictionary } from './dictionary.ts';
import { type Database, emptyLogAtOnce, overwriting, prepared, transaction } from './driver.ts';
import { type SealPart, writeFacets } from './facets.ts';
import { LedgerBook } from './ledger-book.ts';
import { Rows } from './rows.ts';
import { EVENT_MIGRATIONS } from './schema.ts';
import { Slots } from './slots.ts';
import { VISITORS_KNOWN } from './visitors.ts';
import { Visits } from './visits.ts';

export interface Batch extends Group {
  /** Deduplication keys first seen before this day may go. */
  forgetKeysBeforeDay: number;
}

/** Rows deleted by retention per commit, so that ingestion between them goes on. */
const EXPIRED_PER_COMMIT = 2_000;

/** What a commit adds to a site's day. */
interface DayDelta {
  siteId: string;
  day: number;
  events: number;
  changes: number;
}

/** Writes batches: each in one transaction that holds rows, deduplication keys, visits, roll-ups, counters and ledger. */
export class Committer {
  readonly #db: Database;
  readonly #dictionary: Dictionary;
  readonly #ids: Deduplication;
  readonly #ledger: LedgerBook;
  readonly #slots: Slots;
  readonly #visits: Visits;
  readonly #rows: Rows;
  #newestSealedDay: number;
  /** Whether texts were forgotten since the log was last emptied. */
  #logHoldsForgotten = false;

  /** @param visitorsKnown most visitors known by memory; those of later visits are looked up */
  constructor(db: Database, { visitorsKnown = VISITORS_KNOWN }: { visitorsKnown?: number } = {}) {
    this.#db = db;
    this.#dictionary = new Dictionary(db);
    this.#ids = new Deduplication(db);
    this.#ledger = new LedgerBook(db, this.#dictionary);
    this.#slots = new Slots(db);
    this.#visits = new Visits({ db, dictionary: this.#dictionary, slots: this.#slots, visitorsKnown });
    this.#rows = new Rows({ db, dictionary: this.#dictionary, visits: this.#visits, slots: this.#slots });
    this.#newestSealedDay = this.#readNewestSealedDay();
  }

  /** @returns the places of those entries that were duplicates, once all of it is on disk. Throws with nothing written. */
  commit(batch: Batch): number[] {
    return this.#transaction(() => {
      this.#ids.begin(batch.entries.length);
      const ledger = new Map<string, LedgerDelta>();
      const keys = new Map<string, KeyUseDelta>();
      const days = new Map<string, DayDelta>();
      const duplicates: number[] = [];
      for (const [i, entry] of batch.entries.entries()) {
        const outcome = this.#write(entry, ledger);
        if (outcome === 'stored') addDay(days, entry);
        else duplicates.push(i);
        if (entry.siteKey !== null) addKeyUse(keys, keyUseOf(entry, entry.siteKey, outcome));
      }
      this.#ids.write({ forgetBeforeDay: batch.forgetKeysBeforeDay });
      this.#visits.write();
      this.#slots.write();
      for (const delta of days.values()) this.#count(delta);
      for (const delta of ledger.values()) this.#ledger.enter(delta);
      for (const delta of batch.refusals) this.#ledger.enter(delta);
      for (const delta of keys.values()) this.#ledger.seeKey(delta);
      for (const delta of batch.refusedKeys) this.#ledger.seeKey(delta);
      this.#visits.forgetVisitorsBefore(batch.forgetKeysBeforeDay);
      return duplicates;
    });
  }

  /** After a rollback nothing remembered of the database can be trusted. */
  #transaction<T>(work: () => T): T {
    try {
      const result = transaction(this.#db, work);
      this.#ids.committed();
      return result;
    } catch (error) {
      this.#ids.rolledBack();
      this.#dictionary.forget();
      this.#visits.forget();
      this.#slots.forget();
      this.#rows.forget();
      this.#newestSealedDay = this.#readNewestSealedDay();
      throw error;
    }
  }

  #write(entry: Entry, ledger: Map<string, LedgerDelta>): AppendOutcome {
    const { siteId, host, receivedAtMs } = entry;
    const day = utcDay(receivedAtMs);
    const note = (outcome: string) =>
      addToLedger(ledger, {
        siteId,
        day,
        outcome,
        host,
        count: 1,
        firstAtMs: receivedAtMs,
        lastAtMs: receivedAtMs,
      });
    const id = entry.id ?? null;
    if (id !== null && !this.#ids.firstTime(siteId, id, day)) {
      if (entry.kind !== 'leave') note('duplicate');
      return 'duplicate';
    }
    switch (entry.kind) {
      case 'event':
        this.#rows.event(entry);
        note('stored');
        break;
      case 'bot':
        this.#rows.bot(entry);
        note('bot');
        break;
      case 'leave':
        this.#rows.leave(entry);
        break;
    }
    return 'stored';
  }

  #count({ siteId, day, events, changes }: DayDelta): void {
    const site = this.#dictionary.site(siteId);
    prepared(
      this.#db,
      `INSERT INTO counters (site, day, events, changes) VALUES (?, ?, ?, ?)
       ON CONFLICT (site, day) DO UPDATE SET events = events + excluded.events, changes = changes + excluded.changes`,
    ).run(site, day, events, changes);
    if (day <= this.#newestSealedDay) this.#unseal(site, day);
  }

  /** What comes late for a day that was over: its breakdowns are answered from the rows again, unless those are gone. */
  #unseal(site: number, day: number): void {
    prepared(
      this.#db,
      `DELETE FROM sealed WHERE site = ?1 AND day = ?2
         AND NOT EXISTS (SELECT 1 FROM expired WHERE site = ?1 AND before_at > ?2 * ${DAY_MS})`,
    ).run(site, day);
  }

  /**
   * Keeps a part of the roll-up of a day that is over; with the last part the day is sealed, where nothing came for it since
   * it was counted.
   */
  seal(part: SealPart): void {
    this.#transaction(() => {
      writeFacets(this.#db, part, this.#dictionary);
      if (!part.last) return;
      const { changes } = prepared(
        this.#db,
        `INSERT OR IGNORE INTO sealed (site, day) SELECT site, day FROM counters WHERE site = ? AND day = ? AND changes = ?`,
      ).run(this.#dictionary.site(part.siteId), part.day, part.changes);
      if (changes === 1) this.#newestSealedDay = Math.max(this.#newestSealedDay, part.day);
    });
  }

  /** Deletes a bounded number of a site's oldest rows; visits last, and not counted as rows. */
  expire(siteId: string, beforeMs: number): { deleted: number; more: boolean } {
    return this.#transaction(() => {
      const site = this.#dictionary.site(siteId);
      this.#visits.settle();
      prepared(
        this.#db,
        `INSERT INTO expired (site, before_at) VALUES (?, ?)
         ON CONFLICT (site) DO UPDATE SET before_at = excluded.before_at WHERE before_at < excluded.before_at`,
      ).run(site, beforeMs);
      let room = EXPIRED_PER_COMMIT;
      let deleted = 0;
      for (const table of ['events', 'leaves', 'bots'] as const) {
        const { changes } = prepared(this.#db, EXPIRE[table]).run(site, beforeMs, room);
        deleted += Number(changes);
        room -= Number(changes);
      }
      // After the events, which are read together with their visits.
      if (room > 0) room -= Number(prepared(this.#db, EXPIRE.visits).run(site, beforeMs, room).changes);
      if (room < EXPIRED_PER_COMMIT) this.#visits.forgetSite(site, utcDay(beforeMs));
      return { deleted, more: room === 0 };
    });
  }

  /** Deletes a bounded part of what there is of a removed site: its rows, and then what reports made of them. */
  remove(siteId: string): { deleted: number; more: boolean } {
    const step = this.expire(siteId, Number.MAX_SAFE_INTEGER);
    if (step.more) return step;
    return this.#transaction(() => {
      const site = this.#dictionary.site(siteId);
      const of = (table: 'sealed' | 'slots' | 'facets') =>
        Number(prepared(this.#db, REMOVE[table]).run(site, EXPIRED_PER_COMMIT).changes);
      // What is sealed no longer counts without its facets, and facets without it do not.
      const more = [of('sealed'), of('slots'), of('facets')].includes(EXPIRED_PER_COMMIT);
      return { deleted: step.deleted, more };
    });
  }

  /** From now on texts that are used are noted. @returns the number below which others may be forgotten */
  watchTexts(): number {
    this.#transaction(() => this.#visits.settle());
    return this.#dictionary.watch();
  }

  /** Deletes those of some watched texts that were not used since, and overwrites them. @returns how many */
  forgetTexts(ids: readonly number[]): number {
    const removed = overwriting(this.#db, () => this.#transaction(() => this.#dictionary.remove(ids)));
    if (removed > 0) this.#logHoldsForgotten = true;
    return removed;
  }

  /** Ends the watch, and empties the log where texts were forgotten: it holds pages as they once were. */
  unwatchTexts(): void {
    this.#dictionary.unwatch();
    if (!this.#logHoldsForgotten) return;
    emptyLogAtOnce(this.#db);
    this.#logHoldsForgotten = false;
  }

  /** Writes something that changes nothing, to learn whether writing works. */
  probe(): void {
    this.#transaction(() => this.#db.exec(`PRAGMA user_version = ${EVENT_MIGRATIONS.length}`));
  }

  #readNewestSealedDay(): number {
    return Number(prepared(this.#db, 'SELECT coalesce(max(day), -1) AS day FROM sealed').get()?.day);
  }
}

/** Deletes a site's rows from before an instant, a number of them. Rows that are kept by day are looked up by it first. */
const EXPIRE = {
  events: `DELETE FROM events WHERE (site, at, n) IN
    (SELECT site, at, n FROM events WHERE site = ?1 AND at < ?2 ORDER BY at, n LIMIT ?3)`,
  bots: `DELETE FROM bots WHERE (site, at, n) IN
    (SELECT site, at, n FROM bots WHERE site = ?1 AND at < ?2 ORDER BY at, n LIMIT ?3)`,
  leaves: `DELETE FROM leaves WHERE (site, day, visit, view) IN
    (SELECT site, day, visit, view FROM leaves WHERE site = ?1 AND day <= ?2 / ${DAY_MS} AND at < ?2 ORDER BY day LIMIT ?3)`,
  visits: `DELETE FROM visits WHERE (site, day, no) IN
    (SELECT site, day, no FROM visits WHERE site = ?1 AND day <= ?2 / ${DAY_MS} AND day * ${DAY_MS} + end_at < ?2
     ORDER BY day LIMIT ?3)`,
} as const;

const REMOVE = {
  sealed: `DELETE FROM sealed WHERE (site, day) IN (SELECT site, day FROM sealed WHERE site = ? LIMIT ?)`,
  slots: `DELETE FROM slots WHERE (site, slot) IN (SELECT site, slot FROM slots WHERE site = ? LIMIT ?)`,
  facets: `DELETE FROM facets WHERE (site, dimension, day, value) IN
    (SELECT site, dimension, day, value FROM facets WHERE site = ? LIMIT ?)`,
} as const;

function addDay(days: Map<string, DayDelta>, { siteId, receivedAtMs, kind }: Entry): void {
  const day = utcDay(receivedAtMs);
  const key = `${siteId}\n${day}`;
  let delta = days.get(key);
  if (delta === undefined) {
    delta = { siteId, day, events: 0, changes: 0 };
    days.set(key, delta);
  }
  if (kind === 'event') delta.events += 1;
  delta.changes += 1;
}

function keyUseOf({ siteId, receivedAtMs, kind }: Entry, key: string, outcome: AppendOutcome): KeyUseDelta {
  return {
    siteId,
    key,
    events: kind === 'event' && outcome === 'stored' ? 1 : 0,
    lastSeenAtMs: receivedAtMs,
  };
}
