import { join } from 'node:path';
import { PAGEVIEW } from '../../../../../tracker/wire/limits.ts';
import { DAY_MS } from '../../../domain/clock.ts';
import type { Audit } from '../../contract/store.ts';
import type { DuckDb } from '../../drivers/duckdb.ts';
import { literal } from '../../drivers/duckdb-text.ts';
import { type Database, inOneState, prepared } from '../../drivers/sqlite.ts';
import { integrityOf } from '../../drivers/sqlite-integrity.ts';
import { LATER_DIMENSIONS, RELATIONS, type Relation } from '../../reports/relations.ts';
import { quarterHoursOf, rollupsOf } from '../../reports/rollups.ts';
import type { FileRelation } from '../tables/file-columns.ts';
import { allSegments, archivedBefore, isNamed, lastSegmentNumber, type Segment } from '../tables/segments.ts';
import { grownVisitsAfter } from '../tables/visit-rows.ts';
import { openBeside } from './duck-beside.ts';
import { rowsInFiles } from './file-rows.ts';
import { complaintAbout, filePath, otherPaths } from './segment-files.ts';

/** Recounts everything that was counted from rows, and checks the files of segments. Reads all rows. */
export async function audit(db: Database, folder: string): Promise<Audit> {
  const { segments, lastNumber, ...found } = inOneState(db, () => ({
    counters: auditCounters(db),
    ledger: auditLedger(db),
    rollups: auditVisits(db),
    integrity: integrityOf(db),
    segments: sealedSegments(db),
    lastNumber: lastSegmentNumber(db),
  }));
  const files: Files = { folder, isNamed: (segment) => isNamed(db, segment) };
  const complaints = await filesMissingOrChanged(files, segments, lastNumber);
  // Rows of files that are not what was written say nothing.
  const rollups = complaints.length === 0 ? await auditSegments(files, segments) : [];
  return {
    ...found,
    rollups: [...found.rollups, ...rollups],
    integrity: [...found.integrity, ...complaints],
  };
}

function auditCounters(db: Database): Audit['counters'] {
  return db
    .prepare(
      // Rows of archived days are counted in their files.
      `WITH rows AS (SELECT site, at / ${DAY_MS} AS day, count(*) AS rows FROM events GROUP BY 1, 2),
         days AS (SELECT site, day FROM counters UNION SELECT site, day FROM rows)
       SELECT s.site, d.day, coalesce(c.events, 0) AS counted, coalesce(r.rows, 0) AS rows
       FROM days d JOIN sites s ON s.id = d.site
         LEFT JOIN counters c ON c.site = d.site AND c.day = d.day
         LEFT JOIN rows r ON r.site = d.site AND r.day = d.day
         LEFT JOIN expired x ON x.site = d.site
       WHERE counted <> rows AND d.day * ${DAY_MS} >= coalesce(x.before_at, 0) AND d.day >= ${archivedBefore(db)} ORDER BY 1, 2`,
    )
    .all()
    .map((row) => ({ ...siteDay(row), counted: Number(row.counted), rows: Number(row.rows) }));
}

function auditLedger(db: Database): Audit['ledger'] {
  return db
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
    .map((row) => ({ ...siteDay(row), counted: Number(row.counted), stored: Number(row.stored) }));
}

function siteDay(row: Record<string, unknown>): { siteId: string; day: number } {
  return { siteId: String(row.site), day: Number(row.day) };
}

/** Compares visits with their events and with what was reported when their views ended, day by day. */
function auditVisits(db: Database): Audit['rollups'] {
  const days = prepared(
    db,
    `SELECT c.site, c.day, s.site AS site_id FROM counters c JOIN sites s ON s.id = c.site
       LEFT JOIN expired x ON x.site = c.site
     WHERE c.day * ${DAY_MS} >= coalesce(x.before_at, 0) AND c.day >= ? ORDER BY s.site, c.day`,
  ).all(archivedBefore(db));
  return days.flatMap((row) => {
    const of = { site: Number(row.site), day: Number(row.day) };
    const differing = differences(visitsKept(db, of), visitsRecounted(db, of));
    return differing.map((difference) => ({ siteId: String(row.site_id), day: of.day, ...difference }));
  });
}

/** A number by what it counts. */
type Numbers = Map<string, number>;

interface SiteDay {
  site: number;
  day: number;
}

function differences(kept: Numbers, rows: Numbers): { what: string; kept: number; rows: number }[] {
  return [...new Set([...kept.keys(), ...rows.keys()])]
    .map((what) => ({ what, kept: kept.get(what) ?? 0, rows: rows.get(what) ?? 0 }))
    .filter((line) => line.kept !== line.rows);
}

function visitsKept(db: Database, of: SiteDay): Numbers {
  const numbers: Numbers = new Map();
  const grown = grownVisitsAfter(db, of, 0).visits;
  const rows = prepared(
    db,
    'SELECT no, start_at, end_at, pageviews, events, engaged, passive FROM visits WHERE site = ? AND day = ?',
  );
  for (const row of rows.iterate(of.site, of.day)) {
    const no = Number(row.no);
    const [, , , startAt, , endAt, , , pageviews, events, engaged, passive] = grown.get(no) ?? [];
    numbers.set(`events of visit ${no}`, events ?? Number(row.events));
    numbers.set(`pageviews of visit ${no}`, pageviews ?? Number(row.pageviews));
    numbers.set(`passive events of visit ${no}`, passive ?? Number(row.passive));
    numbers.set(`start of visit ${no}`, startAt ?? Number(row.start_at));
    numbers.set(`end of visit ${no}`, endAt ?? Number(row.end_at));
    numbers.set(`engaged time of visit ${no}`, engaged ?? Number(row.engaged));
  }
  return numbers;
}

function visitsRecounted(db: Database, { site, day }: SiteDay): Numbers {
  const numbers: Numbers = new Map();
  const startMs = day * DAY_MS;
  const events = prepared(
    db,
    `SELECT visit, count(*) AS events, sum(name = (SELECT id FROM texts WHERE text = :pageview LIMIT 1)) AS pageviews,
       sum(interactive = 0 AND name <> coalesce((SELECT id FROM texts WHERE text = :pageview LIMIT 1), 0)) AS passive,
       min(at) AS start_at, max(at) AS end_at
     FROM events WHERE site = :site AND at >= :startMs AND at < :endMs GROUP BY visit`,
  ).all({ pageview: PAGEVIEW, site, startMs, endMs: startMs + DAY_MS });
  for (const row of events) {
    numbers.set(`events of visit ${row.visit}`, Number(row.events));
    numbers.set(`pageviews of visit ${row.visit}`, Number(row.pageviews ?? 0));
    numbers.set(`passive events of visit ${row.visit}`, Number(row.passive ?? 0));
    numbers.set(`start of visit ${row.visit}`, Number(row.start_at) - startMs);
    numbers.set(`end of visit ${row.visit}`, Number(row.end_at) - startMs);
  }
  const leaves = prepared(
    db,
    'SELECT visit, sum(engaged) AS engaged FROM leaves WHERE site = ? AND day = ? AND visit > 0 GROUP BY visit',
  ).all(site, day);
  for (const row of leaves) numbers.set(`engaged time of visit ${row.visit}`, Number(row.engaged ?? 0));
  return numbers;
}

/** A segment with what its sites have counted on its day. */
interface SealedSegment extends Segment {
  /** The sites whose day is in this segment and still has all rows, with their counters. */
  counted: ReadonlyMap<string, number>;
  /** Whether some of its rows are not needed any more, so that its rollups count more than its events. */
  isPartlyUnused: boolean;
}

function sealedSegments(db: Database): SealedSegment[] {
  const sites = prepared(
    db,
    `SELECT s.site, c.events, coalesce(x.before_at, 0) > d.day * ${DAY_MS} AS expired
     FROM sealed_days d JOIN sites s ON s.id = d.site JOIN counters c ON c.site = d.site AND c.day = d.day
       LEFT JOIN expired x ON x.site = d.site WHERE d.segment = ?`,
  );
  return allSegments(db).map((segment) => {
    const sealed = sites.all(segment.no);
    const whole = sealed.filter(({ expired }) => Number(expired) === 0);
    return {
      ...segment,
      counted: new Map(whole.map((row) => [String(row.site), Number(row.events)])),
      isPartlyUnused: whole.length < segment.siteDays,
    };
  });
}

interface Files {
  folder: string;
  /** Whether a segment is still needed. A server that is running may have replaced it and deleted its files. */
  isNamed: (segment: Segment) => boolean;
}

/** Returns complaints about the files of segments, and about anything else in their folder. */
async function filesMissingOrChanged(
  { folder, isNamed }: Files,
  segments: readonly Segment[],
  lastNumber: number,
): Promise<string[]> {
  const complaints: string[] = [];
  for (const segment of segments) {
    for (const [relation, written] of Object.entries(segment.files)) {
      const file = join(folder, filePath(segment, relation as FileRelation));
      const complaint = await complaintAbout(file, written);
      if (complaint !== null && isNamed(segment)) complaints.push(complaint);
    }
  }
  for (const path of await otherPaths(folder, segments, lastNumber))
    complaints.push(`${join(folder, path)} does not belong to the data. Remove it`);
  return complaints;
}

/** Counts the rows of files again: events against counters, rollups against events. */
async function auditSegments(
  { folder, isNamed }: Files,
  segments: readonly SealedSegment[],
): Promise<Audit['rollups']> {
  if (segments.length === 0) return [];
  const { duck, close } = await openBeside(folder, { memoryMib: 256, threads: 2 });
  try {
    const found: Audit['rollups'] = [];
    for (const segment of segments)
      try {
        found.push(...(await auditSegment(duck, folder, segment)));
      } catch (error) {
        if (isNamed(segment)) throw error;
      }
    return found;
  } finally {
    await close();
  }
}

/** Which rollups a segment has: one that an earlier release sealed has none of the dimensions that came later. */
const HAS_ROLLUPS = `WHERE dimension NOT IN (${LATER_DIMENSIONS.map(literal).join(', ')})
  OR dimension IN (SELECT dimension FROM rollups)`;

async function auditSegment(duck: DuckDb, folder: string, segment: SealedSegment): Promise<Audit['rollups']> {
  const relation = (name: Relation) => {
    const columns = RELATIONS[name].map((column) => column.name);
    const [rows] = rowsInFiles(folder, [segment], name, columns);
    return rows ?? `SELECT ${columns.map((column) => `NULL AS ${column}`).join(', ')} WHERE false`;
  };
  const named = (['events', 'bots', 'rollups', 'quarter_hours'] as const).map(
    (name) => `${name} AS (${relation(name)})`,
  );
  const over = `WITH ${named.join(', ')}`;
  const rows = new Map(
    (await duck.rows(`${over} SELECT site, count(*) AS rows FROM events GROUP BY site`)).map((row) => [
      String(row.site),
      Number(row.rows),
    ]),
  );
  const found = [...segment.counted]
    .map(([siteId, counted]) => ({
      ...{ siteId, day: segment.day, what: 'events in files' },
      ...{ kept: rows.get(siteId) ?? 0, rows: counted },
    }))
    .filter(({ kept, rows: counted }) => kept !== counted);
  if (segment.isPartlyUnused) return found;
  const differing = async (made: string, stored: 'rollups' | 'quarter_hours', which = '') => {
    const columns = RELATIONS[stored].map(({ name }) => name).join(', ');
    return duck.rows(
      `${over}, made AS (SELECT ${columns} FROM (${made}) ${which}) SELECT site, count(*) AS rows FROM
         ((TABLE made EXCEPT TABLE ${stored}) UNION ALL (TABLE ${stored} EXCEPT TABLE made)) GROUP BY site`,
    );
  };
  for (const row of [
    // An earlier release made no rollups of dimensions that came later.
    ...(await differing(rollupsOf(), 'rollups', HAS_ROLLUPS)),
    ...(await differing(quarterHoursOf(), 'quarter_hours')),
  ])
    found.push({
      ...{ siteId: String(row.site), day: segment.day, what: 'rollups that differ from events in files' },
      ...{ kept: Number(row.rows), rows: 0 },
    });
  return found;
}
