import { writeDate } from '../../../domain/calendar.ts';
import { DAY_MS } from '../../../domain/clock.ts';
import { StoreUnavailable } from '../../contract/store.ts';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import { FACETS, SLOTS_PER_DAY } from '../tables/kept-rollups.ts';
import { archivedBefore, firstOpenDay, type WrittenSegment } from '../tables/segments.ts';
import type { StringTable } from '../tables/string-table.ts';
import type { CommitPart } from './commit-part.ts';

/** Which segment of Parquet files has a site's day, and which days are only in segments. */
export class Segments implements CommitPart {
  readonly #db: Database;
  readonly #strings: StringTable;
  #newestSealedDay: number;
  #archivedBefore: number;

  constructor(db: Database, strings: StringTable) {
    this.#db = db;
    this.#strings = strings;
    this.#newestSealedDay = this.#readNewestSealedDay();
    this.#archivedBefore = archivedBefore(db);
  }

  /**
   * Refuses an entry of an archived day: the clock of this machine is days behind what it was.
   *
   * @throws StoreUnavailable
   */
  refuseArchived(day: number): void {
    if (day >= this.#archivedBefore) return;
    throw new StoreUnavailable(
      `The clock of this machine shows ${writeDate(day)}, but days before ${writeDate(this.#archivedBefore)} are archived already. Set the clock.`,
    );
  }

  /**
   * Says that days before one are only in segments from now on. Their rows can be deleted. A day that an entry has opened
   * meanwhile is left out, and so are those after it.
   */
  archive(beforeDay: number): void {
    if (beforeDay <= this.#archivedBefore) return;
    const before = firstOpenDay(this.#db, { first: this.#archivedBefore, beforeDay }) ?? beforeDay;
    prepared(this.#db, 'UPDATE archive SET before_day = ?').run(before);
    this.#archivedBefore = archivedBefore(this.#db);
  }

  get archivedBefore(): number {
    return this.#archivedBefore;
  }

  /**
   * Names a segment that was written. Of its sites, those count whose day did not change since their rows were read, or whose day
   * is still in the segment that it replaces. Rollups that were kept for their days are in the segment now.
   */
  name({ no, day, files, sealed, replaces }: WrittenSegment): void {
    prepared(this.#db, 'INSERT INTO segments (no, day, site_days, files) VALUES (?, ?, ?, ?)').run(
      no,
      day,
      sealed.length,
      JSON.stringify(files),
    );
    const isSame = replaces === null ? 'c.changes = :expected' : 'd.segment = :expected';
    const seal = prepared(
      this.#db,
      `INSERT OR REPLACE INTO sealed_days (site, day, segment, expired_before)
       SELECT c.site, c.day, :no, :expiredBefore
       FROM counters c LEFT JOIN sealed_days d ON d.site = c.site AND d.day = c.day
       WHERE c.site = :site AND c.day = :day AND ${isSame}`,
    );
    for (const { siteId, changes, expiredBefore } of sealed) {
      const site = this.#strings.site(siteId);
      const { changes: sealedRows } = seal.run({
        site,
        day,
        no,
        expiredBefore,
        expected: replaces ?? changes,
      });
      if (sealedRows === 0) continue;
      const firstSlot = day * SLOTS_PER_DAY;
      prepared(this.#db, 'DELETE FROM slots WHERE site = ? AND slot >= ? AND slot < ?').run(
        site,
        firstSlot,
        firstSlot + SLOTS_PER_DAY,
      );
      const removeFacets = prepared(
        this.#db,
        'DELETE FROM facets WHERE site = ? AND dimension = ? AND day = ?',
      );
      for (const dimension of FACETS.keys()) removeFacets.run(site, dimension, day);
    }
    this.#newestSealedDay = Math.max(this.#newestSealedDay, day);
  }

  /** Forgets the segments that have no site's day any more. Their files can be deleted. */
  forgetUnused(): void {
    prepared(
      this.#db,
      'DELETE FROM segments WHERE NOT EXISTS (SELECT 1 FROM sealed_days s WHERE s.segment = segments.no)',
    ).run();
  }

  /** Takes the day of a late entry out of its segment, so that reports read its rows again, unless retention has deleted them. */
  unseal(site: number, day: number): void {
    if (day > this.#newestSealedDay) return;
    prepared(
      this.#db,
      `DELETE FROM sealed_days WHERE site = :site AND day = :day
         AND NOT EXISTS (SELECT 1 FROM expired WHERE site = :site AND before_at > :day * ${DAY_MS})`,
    ).run({ site, day });
  }

  /** Takes a bounded number of a site's days out of their segments. @returns whether there are more */
  remove(site: number, limit: number): boolean {
    const { changes } = prepared(
      this.#db,
      'DELETE FROM sealed_days WHERE (site, day) IN (SELECT site, day FROM sealed_days WHERE site = ? LIMIT ?)',
    ).run(site, limit);
    return Number(changes) === limit;
  }

  rolledBack(): void {
    this.#newestSealedDay = this.#readNewestSealedDay();
    this.#archivedBefore = archivedBefore(this.#db);
  }

  #readNewestSealedDay(): number {
    return Number(prepared(this.#db, 'SELECT coalesce(max(day), -1) AS day FROM sealed_days').get()?.day);
  }
}
