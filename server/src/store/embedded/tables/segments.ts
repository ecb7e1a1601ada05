import { DAY_MS } from '../../../domain/clock.ts';
import { type Database, prepared, translated } from '../../drivers/sqlite.ts';
import type { FileRelation } from './file-columns.ts';

/**
 * Days that are over are kept in segments: folders with a Parquet file for each relation that has rows, of some sites' UTC day.
 * The tables `segments` and `sealed_days` say which segment has a site's day.
 */
export interface Segment {
  no: number;
  day: number;
  /** The number of days of sites that were written to it. */
  siteDays: number;
  files: SegmentFiles;
}

export type SegmentFiles = Partial<Record<FileRelation, SegmentFile>>;

export interface SegmentFile {
  bytes: number;
  rows: number;
  /** The columns that it has; absent: those of format 1. See `FILE_FORMAT`. */
  format?: number;
  /** The SHA-256 of the file, in hexadecimal. */
  sha256: string;
}

/** A segment whose files were written, for the events file to name. */
export interface WrittenSegment extends Omit<Segment, 'siteDays'> {
  /** The sites whose day it has. */
  sealed: readonly SealedSite[];
  /** The segment whose rows it has; null if it was made from rows of the events file. */
  replaces: number | null;
}

export interface SealedSite {
  siteId: string;
  /** The site's counter of changes on that day when its rows were read. */
  changes: number;
  /** The instant before which retention had deleted the site's rows when they were read. */
  expiredBefore: number;
}

/** Returns the day before which days are only in segments. */
export function archivedBefore(db: Database): number {
  return Number(prepared(db, 'SELECT before_day FROM archive').get()?.before_day ?? 0);
}

/** Returns the number of the newest segment that was ever named. Numbers are never used again. */
export function lastSegmentNumber(db: Database): number {
  return Number(prepared(db, `SELECT seq FROM sqlite_sequence WHERE name = 'segments'`).get()?.seq ?? 0);
}

/** Returns whether a segment is still needed. */
export function isNamed(db: Database, { no }: Pick<Segment, 'no'>): boolean {
  return prepared(db, 'SELECT 1 FROM segments WHERE no = ?').get(no) !== undefined;
}

/** Returns the first day on which a site has rows that are in no segment; null if there is none. */
export function firstOpenDay(db: Database, days: { first: number; beforeDay: number }): number | null {
  const found = prepared(
    db,
    `SELECT min(c.day) AS day FROM counters c LEFT JOIN expired x ON x.site = c.site
     WHERE c.day >= :first AND c.day < :beforeDay AND coalesce(x.before_at, 0) < (c.day + 1) * ${DAY_MS}
       AND NOT EXISTS (SELECT 1 FROM sealed_days d WHERE d.site = c.site AND d.day = c.day)`,
  ).get(days);
  return typeof found?.day === 'number' ? found.day : null;
}

/** Lists all segments, oldest first. */
export function allSegments(db: Database): Segment[] {
  return selectSegments(db, 'ORDER BY p.no');
}

/** Lists the segments of days from one to before another, oldest first. */
export function segmentsOf(db: Database, days: { first: number; beforeDay: number }): Segment[] {
  return selectSegments(db, 'WHERE p.day >= :first AND p.day < :beforeDay ORDER BY p.day, p.no', days);
}

/** Lists the segments that have a site's days from one to another (both inclusive), at most one for each day. */
export function segmentsOfSite(
  db: Database,
  of: { site: number; firstDay: number; lastDay: number },
): Segment[] {
  return selectSegments(
    db,
    `JOIN sealed_days s ON s.segment = p.no WHERE s.site = :site AND s.day BETWEEN :firstDay AND :lastDay`,
    of,
  );
}

/** Returns the segments, of those with some numbers, that have outdated rows: of sites' days that are in other segments by now. */
export function outdatedSegments(db: Database, numbers: Iterable<number>): Set<number> {
  return translated(
    () =>
      new Set(
        prepared(
          db,
          `SELECT p.no FROM json_each(?) AS n JOIN segments p ON p.no = n.value
           WHERE (SELECT count(*) FROM sealed_days s WHERE s.segment = p.no) <> p.site_days`,
        )
          .all(JSON.stringify([...numbers]))
          .map(({ no }) => Number(no)),
      ),
  );
}

/** Lists the segments with rows that are not needed any more: of sites' days in other segments, or deleted by retention. */
export function wastefulSegments(db: Database): Segment[] {
  return selectSegments(
    db,
    `WHERE
       -- One that has no site's day any more is deleted as a whole.
       (SELECT count(*) FROM sealed_days s WHERE s.segment = p.no) BETWEEN 1 AND p.site_days - 1
       OR EXISTS (SELECT 1 FROM sealed_days s JOIN expired x ON x.site = s.site
                  WHERE s.segment = p.no AND x.before_at > max(s.expired_before, p.day * ${DAY_MS})
                    AND s.expired_before < (p.day + 1) * ${DAY_MS})
     ORDER BY p.no`,
  );
}

/** @param which follows the name of the table, `p` */
function selectSegments(db: Database, which: string, values: Record<string, number> = {}): Segment[] {
  return translated(() =>
    prepared(db, `SELECT p.no, p.day, p.site_days, p.files FROM segments p ${which}`)
      .all(values)
      .map((row) => ({
        no: Number(row.no),
        day: Number(row.day),
        siteDays: Number(row.site_days),
        files: JSON.parse(String(row.files)) as SegmentFiles, // as the writer stores it
      })),
  );
}
