import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DAY_MS } from '../../../domain/clock.ts';
import type { DamagedDay } from '../../contract/store.ts';
import type { DuckDb } from '../../drivers/duckdb.ts';
import { literal, parquet } from '../../drivers/duckdb-text.ts';
import { type Database, prepared, translated } from '../../drivers/sqlite.ts';
import { quarterHoursOf, rollupsOf } from '../../reports/rollups.ts';
import { FILE_COLUMNS, type FileRelation } from '../tables/file-columns.ts';
import {
  allSegments,
  lastSegmentNumber,
  type Segment,
  type SegmentFiles,
  type WrittenSegment,
} from '../tables/segments.ts';
import { SQL_TYPES, storedState } from './day-tables.ts';
import { rowsInFiles } from './file-rows.ts';
import { KeptRollups } from './kept-rollups.ts';
import type { SiteDay } from './rows.ts';
import { SealTables } from './seal-tables.ts';
import { readingSegments, segmentFolders, segmentPath, writeSegment } from './segment-files.ts';
import type { Texts } from './texts.ts';

/** Events of a segment, where it has several sites. They bound the memory that it takes to write one. */
const EVENTS_PER_SEGMENT = 500_000;
/** Sites of a segment. */
const SITES_PER_SEGMENT = 1_000;
/** Rows of a row group. A site's rows are in few of them, and others are not read. */
const ROWS_PER_GROUP = 20_000;

/**
 * The order of rows in the file of a relation, where they are not in order already: those of a site, and of a visit, follow each
 * other.
 */
const ORDER: Readonly<Record<Exclude<FileRelation, 'events'>, string>> = {
  bots: 'site, received_at, ordinal',
  rollups: 'site, dimension, value',
  quarter_hours: 'site, quarter',
  leaves: 'site, visit_no, view',
};

/** What goes into one segment. */
export interface Batch {
  day: number;
  siteIds: readonly string[];
  /** Whether the rows were deleted before, so that only kept rollups are left. */
  isKept: boolean;
  /** Whether days are sealed whose rows are not what was counted, because their rows are about to be deleted. */
  includesDamaged: boolean;
}

/** A segment that was written, and the days of its batch that are damaged. */
export interface SealedBatch {
  segment: WrittenSegment;
  damaged: readonly DamagedDay[];
}

/**
 * Returns what is to be sealed: days before one that are over and not in a segment yet, newest first.
 *
 * @param siteId only of this site, and only days with rows that can be deleted; null: of all sites
 */
export function sealableBatches(
  db: Database,
  { beforeDay, siteId }: { beforeDay: number; siteId: string | null },
): Batch[] {
  const rows = translated(() =>
    prepared(
      db,
      `SELECT s.site, c.day, c.events, coalesce(x.before_at, 0) > c.day * ${DAY_MS} AS expired,
         EXISTS (SELECT 1 FROM facets f WHERE f.site = c.site AND f.dimension = 0 AND f.day = c.day) AS kept
       FROM counters c JOIN sites s ON s.id = c.site LEFT JOIN expired x ON x.site = c.site
       WHERE c.day < :beforeDay AND (:siteId IS NULL OR s.site = :siteId)
         AND NOT EXISTS (SELECT 1 FROM sealed_days d WHERE d.site = c.site AND d.day = c.day)
       ORDER BY c.day DESC, s.site`,
    ).all({ beforeDay, siteId }),
  );
  const batches: (Batch & { siteIds: string[]; events: number })[] = [];
  for (const row of rows) {
    const [day, events, isKept] = [Number(row.day), Number(row.events), Number(row.kept) === 1];
    // Of a day whose rows were deleted without leaving rollups, there is nothing to seal.
    if (Number(row.expired) === 1 && !isKept) continue;
    // Kept rollups of all sites go into the same few segments.
    if (isKept && siteId !== null) continue;
    const open = batches.findLast(
      (batch) =>
        batch.day === day &&
        batch.isKept === isKept &&
        batch.events + events <= EVENTS_PER_SEGMENT &&
        batch.siteIds.length < SITES_PER_SEGMENT,
    );
    if (open === undefined)
      batches.push({ day, isKept, siteIds: [String(row.site)], events, includesDamaged: siteId !== null });
    else {
      open.siteIds.push(String(row.site));
      open.events += events;
    }
  }
  return batches;
}

/** Returns the paths of segments' folders that no segment has, because a run was killed before it was named. */
export async function unnamedFolders(db: Database, folder: string): Promise<string[]> {
  const named = new Set(allSegments(db).map(segmentPath));
  return (await segmentFolders(folder)).filter((path) => !named.has(path));
}

type Queries = Partial<Record<FileRelation, string>>;

/** Begins a statement over files in a folder. */
function overFiles(folder: string): string {
  const file = (relation: FileRelation) =>
    `${relation} AS (FROM ${parquet(join(folder, `${relation}.parquet`))})`;
  return `WITH ${file('events')}, ${file('bots')}`;
}

/** Writes segments: the days of sites that are over. */
export class Sealing {
  readonly #duck: DuckDb;
  readonly #db: Database;
  readonly #texts: Texts;
  readonly #folder: string;

  /** @param db a connection that nothing else uses, since it is in a transaction while rows are copied */
  constructor({ duck, db, texts, folder }: { duck: DuckDb; db: Database; texts: Texts; folder: string }) {
    this.#duck = duck;
    this.#db = db;
    this.#texts = texts;
    this.#folder = folder;
  }

  /** Writes a segment from the rows of sites' days. */
  async seal({ day, siteIds, isKept, includesDamaged }: Batch): Promise<SealedBatch> {
    const no = this.#nextNo();
    if (isKept) return { segment: await this.#sealKept({ no, day }, siteIds), damaged: [] };
    translated(() => this.#db.exec('BEGIN'));
    let filled: Awaited<ReturnType<typeof SealTables.fill>>;
    try {
      const sites = siteIds.map((siteId) => this.#siteDay(siteId, day));
      const source = { db: this.#db, texts: this.#texts };
      filled = await SealTables.fill(this.#duck, source, { day, sites, includesDamaged });
    } finally {
      translated(() => this.#db.exec('COMMIT'));
    }
    const { tables, sealed, damaged } = filled;
    try {
      const { events, bots, leaves } = tables;
      const files = await this.#writeFiles({ no, day }, { events, bots, leaves }, (folder) => ({
        rollups: `${overFiles(folder)} ${rollupsOf()}`,
        quarter_hours: `${overFiles(folder)} ${quarterHoursOf()}`,
      }));
      return { segment: { no, day, files, sealed, replaces: null }, damaged };
    } finally {
      await tables.drop();
    }
  }

  /** Writes the rows of a segment that are still needed to another segment. */
  async compact(segment: Segment): Promise<WrittenSegment> {
    const { no: replaces, day, files } = segment;
    const no = this.#nextNo();
    const live = prepared(
      this.#db,
      `SELECT s.site, coalesce(x.before_at, 0) AS before_at FROM sealed_days d JOIN sites s ON s.id = d.site
         LEFT JOIN expired x ON x.site = d.site WHERE d.segment = ?`,
    )
      .all(replaces)
      .map((row) => ({ siteId: String(row.site), expiredBefore: Number(row.before_at) }));
    await this.#duck.run('CREATE OR REPLACE TEMP TABLE live (site VARCHAR, expired_before BIGINT)');
    const appender = await this.#duck.appender('live', ['text', 'integer']);
    for (const { siteId, expiredBefore } of live) appender.append([siteId, expiredBefore]);
    appender.close();
    const kept = (relation: FileRelation) => {
      const [rows] = rowsInFiles(this.#folder, [segment], relation);
      const expired =
        relation === 'rollups' || relation === 'quarter_hours'
          ? ''
          : 'AND r.received_at >= live.expired_before';
      return `SELECT r.* FROM (${rows}) AS r JOIN live ON live.site = r.site ${expired}`;
    };
    const relations = Object.keys(files) as FileRelation[];
    const queries = Object.fromEntries(relations.map((relation) => [relation, kept(relation)]));
    try {
      const written = await readingSegments(
        this.#folder,
        () => [segment],
        () => this.#writeFiles({ no, day }, queries),
      );
      return { no, day, files: written, sealed: live.map((site) => ({ ...site, changes: 0 })), replaces };
    } finally {
      await this.#duck.run('DROP TABLE live');
    }
  }

  async #sealKept(segment: { no: number; day: number }, siteIds: readonly string[]): Promise<WrittenSegment> {
    const kept = new KeptRollups({ duck: this.#duck, db: this.#db, texts: this.#texts, prefix: 'moved' });
    try {
      for (const siteId of siteIds) await kept.copy(this.#siteDay(siteId, segment.day));
      const files = await this.#writeFiles(segment, {
        rollups: kept.table('rollups'),
        quarter_hours: kept.table('quarter_hours'),
      });
      const sealed = siteIds.map((siteId) => ({
        siteId,
        ...storedState(this.#db, this.#siteDay(siteId, segment.day)),
      }));
      return { ...segment, files, sealed, replaces: null };
    } finally {
      await kept.drop();
    }
  }

  /** @param summed returns queries for further files, over the files that are then in the folder */
  #writeFiles(
    segment: { no: number; day: number },
    queries: Queries,
    summed: (folder: string) => Queries = () => ({}),
  ): Promise<SegmentFiles> {
    return writeSegment(this.#folder, segment, async (folder) => {
      const rows: Partial<Record<FileRelation, number>> = {};
      const write = async (some: Queries) => {
        for (const [relation, query] of Object.entries(some) as [FileRelation, string][])
          rows[relation] = await this.#writeFile(join(folder, `${relation}.parquet`), relation, query);
      };
      await write(queries);
      await write(summed(folder));
      for (const [relation, count] of Object.entries(rows) as [FileRelation, number][]) {
        if (count > 0) continue;
        delete rows[relation];
        await rm(join(folder, `${relation}.parquet`));
      }
      return rows;
    });
  }

  /** @returns the number of rows */
  async #writeFile(file: string, relation: FileRelation, query: string): Promise<number> {
    // The same types in all files, whatever a query computes with.
    const columns = FILE_COLUMNS[relation].map(
      ({ name, type }) => `r.${name}::${SQL_TYPES[type]} AS ${name}`,
    );
    const order = relation === 'events' ? '' : `ORDER BY ${ORDER[relation]}`;
    // The second version writes integers in an eighth less space and is read faster, but not where they are small counts.
    const version = relation === 'rollups' || relation === 'quarter_hours' ? 'V1' : 'V2';
    const [copied] = await this.#duck.rows(
      `COPY (SELECT ${columns.join(', ')} FROM (${query}) AS r ${order}) TO ${literal(file)}
       (FORMAT parquet, PARQUET_VERSION ${version}, COMPRESSION zstd, ROW_GROUP_SIZE ${ROWS_PER_GROUP})`,
    );
    return Number(copied?.Count ?? 0);
  }

  #siteDay(siteId: string, day: number): SiteDay {
    return { siteId, site: this.#texts.site(siteId) ?? 0, day };
  }

  #nextNo(): number {
    return lastSegmentNumber(this.#db) + 1;
  }
}
