import { PAGEVIEW } from '../../../../../tracker/wire/limits.ts';
import { DAY_MS } from '../../../domain/clock.ts';
import { isBounce } from '../../../domain/visit-rules.ts';
import type { Audit } from '../../contract/store.ts';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import { integrityOf } from '../../drivers/sqlite-integrity.ts';
import { FACETS } from '../tables/dimension-rollups.ts';
import { AI_CHANNEL, SLOT_MS, SLOTS_PER_DAY } from '../tables/profile.ts';
import { type Reading, readingOf } from './reading.ts';
import { SLOT_COLUMNS } from './rollup-series.ts';
import { countDimensionRollups } from './seal-count.ts';
import type { VisitDay } from './visit-days.ts';

/** Recounts everything that is kept besides the rows themselves. Reads all of it: call it inside `inOneState`. */
export function audit(db: Database): Audit {
  return {
    counters: auditCounters(db),
    ledger: auditLedger(db),
    rollups: auditRollups(db),
    integrity: integrityOf(db),
  };
}

function auditCounters(db: Database): Audit['counters'] {
  return db
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

/** A number by what it counts. */
type Numbers = Map<string, number>;

/** Day by day: visits against events and leaves, quarters of an hour against both, sealed days against a new count. */
function auditRollups(db: Database): Audit['rollups'] {
  const reading = readingOf(db);
  const days = db
    .prepare(
      `SELECT d.site, d.day, s.site AS site_id, coalesce(c.changes, 0) AS changes,
         EXISTS (SELECT 1 FROM sealed x WHERE x.site = d.site AND x.day = d.day) AS sealed
       FROM (SELECT site, day FROM counters UNION SELECT DISTINCT site, slot / ${SLOTS_PER_DAY} FROM slots) d
         JOIN sites s ON s.id = d.site
         LEFT JOIN counters c ON c.site = d.site AND c.day = d.day
         LEFT JOIN expired x ON x.site = d.site
       WHERE d.day * ${DAY_MS} >= coalesce(x.before_at, 0) ORDER BY s.site, d.day`,
    )
    .all();
  return days.flatMap((row) => {
    const [site, day, siteId] = [Number(row.site), Number(row.day), String(row.site_id)];
    const visits = reading.visitDays.get(site, { day, changes: Number(row.changes) });
    return [
      ...differences(visitsKept(visits), visitsRecounted(db, site, visits)),
      ...differences(slotsKept(db, site, day), slotsRecounted(reading, site, visits)),
      ...(Number(row.sealed) === 1
        ? differences(facetsKept(reading, site, day), facetsRecounted(reading, siteId, day))
        : []),
    ].map((difference) => ({ siteId, day, ...difference }));
  });
}

function differences(kept: Numbers, rows: Numbers): { what: string; kept: number; rows: number }[] {
  return [...new Set([...kept.keys(), ...rows.keys()])]
    .map((what) => ({ what, kept: kept.get(what) ?? 0, rows: rows.get(what) ?? 0 }))
    .filter((line) => line.kept !== line.rows);
}

function visitsKept(visits: VisitDay): Numbers {
  const numbers: Numbers = new Map();
  for (let no = 1; no <= visits.lastNo; no++) {
    if (visits.there[no] === 0) continue;
    numbers.set(`events of visit ${no}`, visits.events[no] ?? 0);
    numbers.set(`pageviews of visit ${no}`, visits.pageviews[no] ?? 0);
    numbers.set(`start of visit ${no}`, visits.startAt[no] ?? 0);
    numbers.set(`end of visit ${no}`, visits.endAt[no] ?? 0);
    numbers.set(`engaged time of visit ${no}`, visits.engaged[no] ?? 0);
  }
  return numbers;
}

function visitsRecounted(db: Database, site: number, { day }: VisitDay): Numbers {
  const numbers: Numbers = new Map();
  const startMs = day * DAY_MS;
  const events = prepared(
    db,
    `SELECT visit, count(*) AS events, sum(name = (SELECT id FROM texts WHERE text = ? LIMIT 1)) AS pageviews,
       min(at) AS start_at, max(at) AS end_at FROM events WHERE site = ? AND at >= ? AND at < ? GROUP BY visit`,
  ).all(PAGEVIEW, site, startMs, startMs + DAY_MS);
  for (const row of events) {
    numbers.set(`events of visit ${row.visit}`, Number(row.events));
    numbers.set(`pageviews of visit ${row.visit}`, Number(row.pageviews ?? 0));
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

function slotsKept(db: Database, site: number, day: number): Numbers {
  const numbers: Numbers = new Map();
  const rows = prepared(
    db,
    `SELECT slot, ${SLOT_COLUMNS.join(', ')} FROM slots WHERE site = ? AND slot >= ? AND slot < ?`,
  ).all(site, day * SLOTS_PER_DAY, (day + 1) * SLOTS_PER_DAY);
  for (const row of rows) {
    for (const column of SLOT_COLUMNS) add(numbers, column, Number(row.slot) * SLOT_MS, Number(row[column]));
  }
  return numbers;
}

function slotsRecounted({ db, texts }: Reading, site: number, visits: VisitDay): Numbers {
  const numbers: Numbers = new Map();
  const startMs = visits.day * DAY_MS;
  const bySlot = (table: 'events' | 'bots', column: string) =>
    prepared(
      db,
      `SELECT at / ${SLOT_MS} AS slot, count(*) AS rows, sum(${column} = ?) AS views FROM ${table}
       WHERE site = ? AND at >= ? AND at < ? GROUP BY 1`,
    ).all(texts.find(PAGEVIEW) ?? 0, site, startMs, startMs + DAY_MS);
  for (const row of bySlot('events', 'name')) {
    add(numbers, 'events', Number(row.slot) * SLOT_MS, Number(row.rows));
    add(numbers, 'pageviews', Number(row.slot) * SLOT_MS, Number(row.views));
  }
  for (const row of bySlot('bots', 'crawler'))
    add(numbers, 'bots', Number(row.slot) * SLOT_MS, Number(row.rows));
  const seen = new Map<number, { first: number; last: number }>();
  for (let no = 1; no <= visits.lastNo; no++) {
    if (visits.there[no] === 0) continue;
    const [startAt, endAt] = [visits.startAt[no] ?? 0, visits.endAt[no] ?? 0];
    const [pageviews, events, engaged] = [
      visits.pageviews[no] ?? 0,
      visits.events[no] ?? 0,
      visits.engaged[no] ?? 0,
    ];
    add(numbers, 'visits', startMs + startAt, 1);
    add(numbers, 'referrals', startMs + startAt, visits.channel[no] === AI_CHANNEL ? 1 : 0);
    add(numbers, 'bounces', startMs + startAt, isBounce({ pageviews, events, engaged }) ? 1 : 0);
    add(numbers, 'engaged', startMs + startAt, engaged);
    const known = seen.get(visits.first[no] ?? 0) ?? { first: startAt, last: endAt };
    seen.set(visits.first[no] ?? 0, {
      first: Math.min(known.first, startAt),
      last: Math.max(known.last, endAt),
    });
  }
  for (const { first, last } of seen.values()) {
    add(numbers, 'first_seen', startMs + first, 1);
    add(numbers, 'last_seen', startMs + last, 1);
  }
  return numbers;
}

function add(numbers: Numbers, what: string, atMs: number, count: number): void {
  const at = new Date(Math.floor(atMs / SLOT_MS) * SLOT_MS).toISOString().slice(11, 16);
  const key = `${what} from ${at}`;
  numbers.set(key, (numbers.get(key) ?? 0) + count);
}

const FACET_COLUMNS = [
  'visitors',
  'visits',
  'pageviews',
  'events',
  'referrals',
  'bounces',
  'engaged',
  'bots',
] as const;

function facetsKept({ db }: Reading, site: number, day: number): Numbers {
  const numbers: Numbers = new Map();
  const select = prepared(
    db,
    `SELECT value, ${FACET_COLUMNS.join(', ')} FROM facets WHERE site = ? AND dimension = ? AND day = ?`,
  );
  for (const [dimension, by] of FACETS.entries()) {
    for (const row of select.all(site, dimension, day)) {
      for (const column of FACET_COLUMNS) numbers.set(`${column} of ${by} ${row.value}`, Number(row[column]));
    }
  }
  return numbers;
}

function facetsRecounted(reading: Reading, siteId: string, day: number): Numbers {
  const numbers: Numbers = new Map();
  for (const row of countDimensionRollups(reading, { siteId, day }).rows) {
    const value = typeof row.value === 'string' ? reading.texts.find(row.value) : (row.value ?? 0);
    for (const column of FACET_COLUMNS)
      numbers.set(`${column} of ${FACETS[row.dimension]} ${value}`, row[column]);
  }
  return numbers;
}
