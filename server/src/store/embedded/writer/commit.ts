import { DAY_MS, utcDay } from '../../../domain/clock.ts';
import { SHORTENED } from '../../../domain/outcomes.ts';
import type { AppendOutcome, Entry } from '../../contract/store.ts';
import {
  checkFiles,
  type Database,
  emptyLogAtOnce,
  overwriting,
  prepared,
  transaction,
  translated,
} from '../../drivers/sqlite.ts';
import { type Mark, writeMark } from '../../drivers/sqlite-mark.ts';
import { TextUseTable } from '../../drivers/sqlite-text-use.ts';
import type { Group } from '../../shared/group-commit.ts';
import type { KeyUseDelta } from '../../shared/ledger-delta.ts';
import type { TextUse } from '../../shared/text-budget.ts';
import type { WrittenSegment } from '../tables/segments.ts';
import { StringTable } from '../tables/string-table.ts';
import { CommitCounter } from './commit-counter.ts';
import type { CommitPart } from './commit-part.ts';
import { DayCounters } from './day-counters.ts';
import { Deduplication } from './deduplication.ts';
import { LedgerTable } from './ledger-table.ts';
import { Rows } from './rows.ts';
import { Segments } from './segments.ts';
import { MAX_KNOWN_VISITORS } from './visitors.ts';
import { Visits } from './visits.ts';

export interface Batch extends Group {
  /** Deduplication keys first seen before this day may be deleted. */
  forgetKeysBeforeDay: number;
}

/** Maximum rows that retention deletes per commit, so that ingestion continues in between. */
const EXPIRED_PER_COMMIT = 2_000;

/** Maximum sites whose archived rows are looked for per commit. */
const SITES_CLEARED_PER_COMMIT = 500;

/** Writes each batch in one transaction: its rows, deduplication keys, visits, counters and ledger. */
export class Committer {
  readonly #db: Database;
  readonly #strings: StringTable;
  readonly #ids: Deduplication;
  readonly #ledger: LedgerTable;
  readonly #visits: Visits;
  readonly #rows: Rows;
  readonly #counters: DayCounters;
  readonly #segments: Segments;
  readonly #commits: CommitCounter;
  readonly #textUse: TextUseTable;
  readonly #parts: readonly CommitPart[];
  /** Whether strings were deleted since the log was last emptied. */
  #logHoldsForgotten = false;

  /** @param visitorsKnown maximum visitors cached in memory; others are looked up in an index */
  constructor(db: Database, { visitorsKnown = MAX_KNOWN_VISITORS }: { visitorsKnown?: number } = {}) {
    this.#db = db;
    const strings = new StringTable(db);
    this.#strings = strings;
    this.#ids = new Deduplication(db);
    this.#ledger = new LedgerTable(db, strings);
    this.#visits = new Visits({ db, strings, visitorsKnown });
    this.#rows = new Rows({ db, strings, visits: this.#visits });
    this.#segments = new Segments(db, strings);
    this.#counters = new DayCounters(db, strings, this.#segments);
    this.#commits = new CommitCounter(db);
    this.#textUse = new TextUseTable(db);
    this.#parts = [
      ...[strings, this.#rows, this.#ids, this.#visits, this.#counters, this.#segments, this.#ledger],
      this.#commits,
    ];
  }

  /** Commits a batch to disk, or throws and writes nothing. @returns the positions of entries that were duplicates */
  commit(batch: Batch): number[] {
    return this.#transaction(() => {
      this.#ids.begin(batch.entries.length);
      const duplicates: number[] = [];
      for (const [i, entry] of batch.entries.entries()) {
        const outcome = this.#write(entry);
        if (outcome === 'stored') this.#counters.add(entry);
        else duplicates.push(i);
        if (entry.siteKey !== null) this.#ledger.addKeyUse(keyUseOf(entry, entry.siteKey, outcome));
      }
      for (const refusal of batch.refusals) this.#ledger.add(refusal);
      for (const use of batch.refusedKeys) this.#ledger.addKeyUse(use);
      this.#textUse.write(batch.textUse);
      for (const part of this.#parts) part.flush?.(batch);
      return duplicates;
    });
  }

  #transaction<T>(work: () => T): T {
    try {
      // A commit may move the log into the file, whatever that contains.
      this.#commits.checkFile();
      const result = transaction(this.#db, work);
      for (const part of this.#parts) part.committed?.();
      return result;
    } catch (error) {
      for (const part of this.#parts) part.rolledBack?.();
      throw error;
    }
  }

  #write(entry: Entry): AppendOutcome {
    const { siteId, host, receivedAtMs } = entry;
    const day = utcDay(receivedAtMs);
    this.#segments.refuseArchived(day);
    const note = (outcome: string) =>
      this.#ledger.add({
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
        if (entry.isShortened === true) note(SHORTENED);
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

  /** Returns the stored use of text by sites. */
  textUse(): TextUse[] {
    return this.#textUse.read();
  }

  /** Names a segment of Parquet files that was written. */
  nameSegment(segment: WrittenSegment): void {
    this.#transaction(() => this.#segments.name(segment));
  }

  /** Forgets the segments that are not needed any more. Their files can be deleted. */
  forgetUnusedSegments(): void {
    this.#transaction(() => this.#segments.forgetUnused());
  }

  /**
   * Makes days before one be read only from segments. `clearArchived` then deletes their rows.
   *
   * @returns the day before which all days are archived now
   */
  archive(beforeDay: number): number {
    return this.#transaction(() => {
      this.#visits.emptyGrowthLog();
      this.#segments.archive(beforeDay);
      const { archivedBefore } = this.#segments;
      this.#visits.forgetDays(archivedBefore);
      return archivedBefore;
    });
  }

  /**
   * Deletes a bounded number of rows of archived days, site after site.
   *
   * @param afterSite the number of the last site whose rows are all deleted; 0 to begin
   * @returns the number of rows deleted, and the same site for the next call; null if no rows are left
   */
  clearArchived(afterSite: number): { deleted: number; next: number | null } {
    return this.#transaction(() => {
      const beforeMs = this.#segments.archivedBefore * DAY_MS;
      const sites = prepared(this.#db, 'SELECT id FROM sites WHERE id > ? ORDER BY id LIMIT ?').all(
        afterSite,
        SITES_CLEARED_PER_COMMIT,
      );
      let last = afterSite;
      let room = EXPIRED_PER_COMMIT;
      for (const { id } of sites) {
        for (const table of ['events', 'leaves', 'bots', 'visits'] as const)
          room -= Number(prepared(this.#db, EXPIRE[table]).run({ site: Number(id), beforeMs, room }).changes);
        if (room === 0) return { deleted: EXPIRED_PER_COMMIT, next: last };
        last = Number(id);
      }
      const isLast = sites.length < SITES_CLEARED_PER_COMMIT;
      return { deleted: EXPIRED_PER_COMMIT - room, next: isLast ? null : last };
    });
  }

  /** Deletes a bounded number of a site's oldest rows. Visits are deleted last and are not counted as rows. */
  expire(siteId: string, beforeMs: number): { deleted: number; more: boolean } {
    return this.#transaction(() => {
      const site = this.#strings.site(siteId);
      this.#visits.emptyGrowthLog();
      prepared(
        this.#db,
        `INSERT INTO expired (site, before_at) VALUES (?, ?)
         ON CONFLICT (site) DO UPDATE SET before_at = excluded.before_at WHERE before_at < excluded.before_at`,
      ).run(site, beforeMs);
      let room = EXPIRED_PER_COMMIT;
      let deleted = 0;
      for (const table of ['events', 'leaves', 'bots'] as const) {
        const { changes } = prepared(this.#db, EXPIRE[table]).run({ site, beforeMs, room });
        deleted += Number(changes);
        room -= Number(changes);
      }
      // Visits are deleted after their events, because events are read together with their visits.
      if (room > 0) room -= Number(prepared(this.#db, EXPIRE.visits).run({ site, beforeMs, room }).changes);
      if (room < EXPIRED_PER_COMMIT) this.#visits.forgetSite(site, utcDay(beforeMs));
      return { deleted, more: room === 0 };
    });
  }

  /** Deletes a bounded part of a removed site's data: first its rows, then its rollups. */
  remove(siteId: string): { deleted: number; more: boolean } {
    const step = this.expire(siteId, Number.MAX_SAFE_INTEGER);
    if (step.more) return step;
    return this.#transaction(() => {
      const site = this.#strings.site(siteId);
      const of = (table: 'slots' | 'facets') =>
        Number(prepared(this.#db, REMOVE[table]).run(site, EXPIRED_PER_COMMIT).changes);
      const isLarge = this.#segments.remove(site, EXPIRED_PER_COMMIT);
      return {
        deleted: step.deleted,
        more: isLarge || [of('slots'), of('facets')].includes(EXPIRED_PER_COMMIT),
      };
    });
  }

  /** Starts recording which strings are used. @returns the id below which unused strings may be deleted */
  watchTexts(): number {
    this.#transaction(() => {
      this.#visits.moveGrowthToRows();
      this.#strings.addPlaceholder();
    });
    return this.#strings.watch();
  }

  /** Deletes and overwrites the given strings, except those used since the watch began. @returns the number deleted */
  forgetTexts(ids: readonly number[]): number {
    const removed = overwriting(this.#db, () => this.#transaction(() => this.#strings.remove(ids)));
    if (removed > 0) this.#logHoldsForgotten = true;
    return removed;
  }

  /** Ends the watch. If strings were deleted, it also empties the log, whose old pages still contain them. */
  unwatchTexts(): void {
    this.#strings.unwatch();
    if (!this.#logHoldsForgotten) return;
    this.#commits.checkFile();
    this.#rewriteIfSmall();
    emptyLogAtOnce(this.#db);
    this.#logHoldsForgotten = false;
  }

  /**
   * Rewrites a small file. When SQLite splits a page, it leaves copies of rows in its unused parts, which no deletion overwrites.
   * In a large file, other rows soon take their place.
   */
  #rewriteIfSmall(): void {
    const used = prepared(
      this.#db,
      `SELECT (page_count - freelist_count) * page_size AS bytes
       FROM pragma_page_count, pragma_freelist_count, pragma_page_size`,
    ).get();
    if (Number(used?.bytes) <= REWRITTEN_MAX_BYTES) translated(() => this.#db.exec('VACUUM'));
  }

  /** Returns how many commits of events the file lacks, once. */
  takeLackingCommits(): number {
    return this.#transaction(() => this.#commits.takeLacking());
  }

  close(): void {
    this.#commits.close();
  }

  /** Marks the file as belonging to an installation. */
  mark(mark: Mark): void {
    this.#transaction(() => writeMark(this.#db, mark));
  }

  /** Checks that the files still are what was opened. @throws FilesGone if they are not */
  checkFiles(): void {
    checkFiles(this.#db);
    this.#commits.watchFile();
  }
}

/** The most bytes in use of a file that is rewritten after strings were deleted, which takes well under a second. */
const REWRITTEN_MAX_BYTES = 16 * 1024 * 1024;

/** SQL that deletes a limited number of a site's rows from before an instant. Tables keyed by day are searched by day first. */
const EXPIRE = {
  events: `DELETE FROM events WHERE (site, at, n) IN
    (SELECT site, at, n FROM events WHERE site = :site AND at < :beforeMs ORDER BY at, n LIMIT :room)`,
  bots: `DELETE FROM bots WHERE (site, at, n) IN
    (SELECT site, at, n FROM bots WHERE site = :site AND at < :beforeMs ORDER BY at, n LIMIT :room)`,
  leaves: `DELETE FROM leaves WHERE (site, day, visit, view) IN
    (SELECT site, day, visit, view FROM leaves WHERE site = :site AND day <= :beforeMs / ${DAY_MS} AND at < :beforeMs ORDER BY day LIMIT :room)`,
  visits: `DELETE FROM visits WHERE (site, day, no) IN
    (SELECT site, day, no FROM visits WHERE site = :site AND day <= :beforeMs / ${DAY_MS} AND day * ${DAY_MS} + end_at < :beforeMs
     ORDER BY day LIMIT :room)`,
} as const;

const REMOVE = {
  slots: `DELETE FROM slots WHERE (site, slot) IN (SELECT site, slot FROM slots WHERE site = ? LIMIT ?)`,
  facets: `DELETE FROM facets WHERE (site, dimension, day, value) IN
    (SELECT site, dimension, day, value FROM facets WHERE site = ? LIMIT ?)`,
} as const;

function keyUseOf({ siteId, receivedAtMs, kind }: Entry, key: string, outcome: AppendOutcome): KeyUseDelta {
  return {
    siteId,
    key,
    events: kind === 'event' && outcome === 'stored' ? 1 : 0,
    lastSeenAtMs: receivedAtMs,
  };
}
