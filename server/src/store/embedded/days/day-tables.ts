import { DAY_MS } from '../../../domain/clock.ts';
import type { Cell, ColumnType, DuckDb, Row, RowAppender } from '../../drivers/duckdb.ts';
import { literal } from '../../drivers/duckdb-text.ts';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import { EVENT_COLUMNS, firstWith, RELATIONS } from '../../reports/relations.ts';
import { expiredBefore } from '../tables/expired.ts';
import { grownVisitsAfter } from '../tables/visit-rows.ts';
import {
  botsAfter,
  COLUMNS,
  type Columns,
  eventsAfter,
  eventsOfVisits,
  type Position,
  type SiteDay,
  type Source,
  type VisitSpan,
  visitsAfter,
} from './rows.ts';

/** How far the rows of a site's day have been copied. */
interface Copied {
  event: Position;
  bot: Position;
  /** The number of the newest visit. */
  visit: number;
  /** The number of the newest entry in the log of visits that grew. */
  growth: number;
  events: number;
  bots: number;
  changes: number;
  expiredBefore: number;
}

/** Returns the state before the first copy. Rows that retention is about to delete are not copied. */
function nothing(expiredBefore: number): Copied {
  const start = { at: expiredBefore, n: -1 };
  return {
    ...{ event: start, bot: start, visit: 0, growth: -1, events: 0, bots: 0, changes: -1, expiredBefore },
  };
}

/** Rows appended before the thread does something else. */
const ROWS_PER_STEP = 5_000;

export const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  integer: 'BIGINT',
  number32: 'INTEGER',
  number: 'DOUBLE',
  text: 'VARCHAR',
  flag: 'BOOLEAN',
  map: 'MAP(VARCHAR, VARCHAR)',
};

const FLAGS = Object.fromEntries(EVENT_COLUMNS.map((column) => [firstWith(column), 'flag' as const]));
const TABLES: Readonly<Record<string, Columns>> = {
  new_events: COLUMNS.events,
  events: { ...COLUMNS.events, ...FLAGS },
  new_visits: COLUMNS.visits,
  visits: COLUMNS.visits,
  bots: COLUMNS.bots,
};

/** Returns the condition of rows that are of some sites' days. */
export function ofDays(alias: string, days: readonly Pick<SiteDay, 'siteId' | 'day'>[]): string {
  const daysOf = Map.groupBy(days, ({ siteId }) => siteId);
  // Sites mostly have the same open days.
  const alike = Map.groupBy(daysOf, ([, ofSite]) => ofSite.map(({ day }) => day).join(', '));
  const conditions = [...alike].map(
    ([same, sites]) =>
      `${alias}.site IN (${sites.map(([siteId]) => literal(siteId)).join(', ')}) AND ${alias}.day IN (${same})`,
  );
  return conditions.length === 1 ? conditions.join('') : `(${conditions.join(' OR ')})`;
}

/**
 * The events, visits and bots of open days, copied from the rows of the events file into tables of DuckDB. `update` copies what
 * came to a site's day since the last time. All days share the tables, since a column of a table takes 256 KiB at least.
 */
export class DayTables {
  readonly #duck: DuckDb;
  readonly #copied = new Map<string, Copied>();
  /** Rows that were deleted, whose memory the tables keep. */
  #deletedRows = 0;

  private constructor(duck: DuckDb) {
    this.#duck = duck;
  }

  static async create(duck: DuckDb): Promise<DayTables> {
    const tables = new DayTables(duck);
    await tables.reset();
    return tables;
  }

  /** A query for the relation `events` on some days of sites. */
  events(days: readonly SiteDay[]): string {
    const selected = RELATIONS.events.map(({ name }) => {
      if (name === 'begins')
        return '(e.received_at = v.visit_start AND e.ordinal = v.first_ordinal) AS begins';
      return name in COLUMNS.visits && !(name in COLUMNS.events) ? `v.${name}` : `e.${name}`;
    });
    return `SELECT ${selected.join(', ')} FROM open_events AS e
      JOIN open_visits AS v ON v.site = e.site AND v.day = e.day AND v.visit = e.visit
      WHERE ${ofDays('e', days)} AND ${ofDays('v', days)}`;
  }

  /** A query for the relation `bots` on some days of sites. */
  bots(days: readonly SiteDay[]): string {
    return `SELECT * FROM open_bots AS b WHERE ${ofDays('b', days)}`;
  }

  /** A query for the visits on some days of sites. */
  visits(days: readonly SiteDay[]): string {
    return `SELECT * FROM open_visits AS v WHERE ${ofDays('v', days)}`;
  }

  /** The number of rows in the tables, those of deleted copies included, as a measure of the memory they take. */
  get rows(): number {
    return [...this.#copied.values()].reduce((sum, copied) => sum + rowsOf(copied), this.#deletedRows);
  }

  /** Deletes all copies. They are made again when they are asked for. */
  async reset(): Promise<void> {
    this.#copied.clear();
    this.#deletedRows = 0;
    const create = Object.entries(TABLES).map(
      ([table, columns]) => `CREATE OR REPLACE TABLE open_${table} (${definition(columns)});`,
    );
    await this.#duck.run(create.join(' '));
  }

  /**
   * Copies what came to a site's day since the last time. If the signal aborts, it keeps what it has by then, and the next call
   * goes on from there. After an error it is unknown how far it came, so the tables must be made again.
   */
  async update(source: Source, of: SiteDay, signal: AbortSignal): Promise<void> {
    const key = `${of.siteId} ${of.day}`;
    const { changes, events, expiredBefore } = storedState(source.db, of);
    if (this.#copied.get(key)?.expiredBefore !== expiredBefore) await this.forget(of);
    const known = this.#copied.get(key) ?? nothing(expiredBefore);
    if (known.changes === changes) return;
    let copied = await this.#copyAfter(source, of, known, signal);
    // Entries may come out of order: events of the past, or after a clock stepped back.
    if (!signal.aborted && copied.events !== events)
      copied = await this.#copyLateEvents(source, of, copied, signal);
    if (!signal.aborted && copied.bots !== storedBots(source.db, of, expiredBefore))
      copied = await this.#copyBotsAgain(source, of, copied, signal);
    this.#copied.set(key, { ...copied, changes: signal.aborted ? known.changes : changes });
  }

  /** Deletes the copies of a site's day. */
  async forget({ siteId, day }: Pick<SiteDay, 'siteId' | 'day'>): Promise<void> {
    const copied = this.#copied.get(`${siteId} ${day}`);
    if (copied === undefined) return;
    this.#copied.delete(`${siteId} ${day}`);
    this.#deletedRows += rowsOf(copied);
    for (const table of ['events', 'visits', 'bots'])
      await this.#duck.run(`DELETE FROM open_${table} WHERE site = $1 AND day = $2`, [siteId, day]);
  }

  async #copyAfter(source: Source, of: SiteDay, known: Copied, signal: AbortSignal): Promise<Copied> {
    const now = { ...known };
    const growth = grownVisitsAfter(source.db, of, known.growth);
    // Where the log no longer reaches back far enough, all visits are read again.
    const visitsFrom = growth.isComplete ? known.visit : 0;
    now.growth = growth.last;
    const onEvent = (at: Position) => {
      now.event = at;
      now.events += 1;
    };
    await this.#append(
      'new_visits',
      COLUMNS.visits,
      visitsAfter(source, of, visitsFrom, growth.visits),
      signal,
    );
    if (signal.aborted) {
      // Events need the visits of all of them.
      await this.#duck.run('DELETE FROM open_new_visits');
      return known;
    }
    await this.#append('new_events', COLUMNS.events, eventsAfter(source, of, known.event, onEvent), signal);
    await this.#merge(of);
    const copied = { ...now, visit: newestVisit(source.db, of) };
    return this.#copyBotsAfter(source, of, copied, signal);
  }

  async #copyBotsAfter(source: Source, of: SiteDay, known: Copied, signal: AbortSignal): Promise<Copied> {
    const now = { ...known };
    const onBot = (at: Position) => {
      now.bot = at;
      now.bots += 1;
    };
    await this.#append('bots', COLUMNS.bots, botsAfter(source, of, known.bot, onBot), signal);
    return now;
  }

  /** Copies events that came out of order. They are of visits that have more events than were copied. */
  async #copyLateEvents(source: Source, of: SiteDay, known: Copied, signal: AbortSignal): Promise<Copied> {
    const ofDay = [of.siteId, of.day];
    const visits = await this.#duck.rows(
      `WITH copied AS (SELECT visit, count(*) AS events FROM open_events WHERE site = $1 AND day = $2 GROUP BY visit)
       SELECT v.visit, v.visit_start, v.visit_end FROM open_visits AS v LEFT JOIN copied ON copied.visit = v.visit
       WHERE v.site = $1 AND v.day = $2 AND v.events > coalesce(copied.events, 0) ORDER BY v.visit_start`,
      ofDay,
    );
    const spans = joinedSpans(visits, known.expiredBefore);
    await this.#append('new_events', COLUMNS.events, eventsOfVisits(source, of, spans), signal);
    await this.#duck.run(
      `DELETE FROM open_new_events WHERE (received_at, ordinal) IN
         (SELECT (received_at, ordinal) FROM open_events WHERE site = $1 AND day = $2)`,
      ofDay,
    );
    const [late] = await this.#duck.rows('SELECT count(*) AS rows FROM open_new_events');
    await this.#merge(of);
    return { ...known, events: known.events + Number(late?.rows) };
  }

  async #copyBotsAgain(source: Source, of: SiteDay, known: Copied, signal: AbortSignal): Promise<Copied> {
    await this.#duck.run('DELETE FROM open_bots WHERE site = $1 AND day = $2', [of.siteId, of.day]);
    this.#deletedRows += known.bots;
    const { bot, bots } = nothing(known.expiredBefore);
    return this.#copyBotsAfter(source, of, { ...known, bot, bots }, signal);
  }

  async #append(
    table: string,
    columns: Columns,
    rows: Iterable<readonly Cell[]>,
    signal: AbortSignal,
  ): Promise<void> {
    const appender = await this.#duck.appender(`open_${table}`, Object.values(columns));
    try {
      await appendAll(appender, rows, signal);
    } finally {
      appender.close();
    }
  }

  /** Moves the new rows to the others. */
  async #merge({ siteId, day }: SiteDay): Promise<void> {
    const firsts = EVENT_COLUMNS.map(
      (column) => `row_number() OVER (PARTITION BY visit, ${column} ORDER BY received_at, ordinal) = 1
        AND NOT EXISTS (SELECT 1 FROM open_events AS o WHERE ${ofDays('o', [{ siteId, day }])} AND o.visit = n.visit
          AND o.${column} = n.${column}) AS ${firstWith(column)}`,
    );
    await this.#duck.run(
      `INSERT INTO open_events SELECT n.*, ${firsts.join(', ')} FROM open_new_events AS n`,
    );
    await this.#duck.run(
      `DELETE FROM open_visits WHERE site = $1 AND day = $2 AND visit IN (SELECT visit FROM open_new_visits)`,
      [siteId, day],
    );
    await this.#duck.run('INSERT INTO open_visits SELECT * FROM open_new_visits');
    await this.#duck.run(
      // The visitor's other visit may be new, or one that was copied before.
      `UPDATE open_visits SET lone = false WHERE lone AND site = $1 AND day = $2
         AND visitor_no IN (SELECT visitor_no FROM open_visits WHERE site = $1 AND day = $2 AND visitor_no <> visit_no
           AND visitor_no IN (SELECT visitor_no FROM open_new_visits))`,
      [siteId, day],
    );
    await this.#duck.run('TRUNCATE open_new_events; TRUNCATE open_new_visits;');
  }
}

function rowsOf({ events, bots }: Copied): number {
  return events + bots;
}

/** Returns the columns of a table for its definition. */
export function definition(columns: Columns): string {
  return Object.entries(columns)
    .map(([name, type]) => `${name} ${SQL_TYPES[type]}`)
    .join(', ');
}

/**
 * Appends rows in steps, so that other work of the thread waits for one step at most.
 *
 * @param signal stops it after a step
 * @returns the number of rows
 */
export async function appendAll(
  appender: RowAppender,
  rows: Iterable<readonly Cell[]>,
  signal?: AbortSignal,
): Promise<number> {
  let appended = 0;
  for (const row of rows) {
    appender.append(row);
    appended += 1;
    if (appended % ROWS_PER_STEP !== 0) continue;
    await new Promise((resolve) => setImmediate(resolve));
    if (signal?.aborted) break;
  }
  return appended;
}

/** Joins the spans of visits, given in order of their start, so that no row is read for two of them. */
function joinedSpans(visits: readonly Row[], expiredBefore: number): VisitSpan[] {
  const spans: VisitSpan[] = [];
  for (const row of visits) {
    const fromMs = Math.max(Number(row.visit_start), expiredBefore);
    const [toMs, visit] = [Number(row.visit_end), Number(row.visit)];
    const last = spans.at(-1);
    if (last === undefined || fromMs > last.toMs) spans.push({ fromMs, toMs, visits: [visit] });
    else {
      last.toMs = Math.max(last.toMs, toMs);
      last.visits.push(visit);
    }
  }
  return spans;
}

/** Reads the state of a site's day, and how many events it should have. */
export function storedState(
  db: Database,
  { site, day }: SiteDay,
): Pick<Copied, 'changes' | 'events' | 'expiredBefore'> {
  const counted = prepared(db, 'SELECT changes, events FROM counters WHERE site = ? AND day = ?').get(
    site,
    day,
  );
  return {
    changes: Number(counted?.changes ?? 0),
    events: Number(counted?.events ?? 0),
    expiredBefore: expiredBefore(db, site),
  };
}

function storedBots(db: Database, { site, day }: SiteDay, expiredBefore: number): number {
  const fromMs = Math.max(day * DAY_MS, expiredBefore);
  return Number(
    prepared(db, 'SELECT count(*) AS bots FROM bots WHERE site = ? AND at >= ? AND at < ?').get(
      ...[site, fromMs, (day + 1) * DAY_MS],
    )?.bots,
  );
}

function newestVisit(db: Database, { site, day }: SiteDay): number {
  return Number(
    prepared(db, 'SELECT coalesce(max(no), 0) AS no FROM visits WHERE site = ? AND day = ?').get(site, day)
      ?.no,
  );
}
