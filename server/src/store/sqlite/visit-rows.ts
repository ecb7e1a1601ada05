import { type Database, prepared } from './driver.ts';

/** A visit as the writer holds it. Times are milliseconds of its UTC day. */
export interface Visit {
  readonly no: number;
  /** Number of the visit that the visitor began before this one on the same day; null for the first. */
  readonly previous: number | null;
  startAt: number;
  startN: number;
  endAt: number;
  channel: number;
  profile: number;
  width: number | null;
  entry: number;
  exit: number;
  pageviews: number;
  events: number;
  engaged: number;
}

/** What of a visit grows with its events, as it is written: the parameters of its update. */
export type GrownVisit = readonly [
  site: number,
  day: number,
  no: number,
  startAt: number,
  startN: number,
  endAt: number,
  entry: number,
  exit: number,
  pageviews: number,
  events: number,
  engaged: number,
];

/** Visits that wait in the log of growth, and entries of it, before they are moved to their rows. */
const GROWN_VISITS = 2_000;
const GROWN_ENTRIES = 5_000;

/**
 * The rows of visits. A visit is written when it begins. Most of them grow several times within a minute, each on another
 * page of the file, so that a commit logs what its visits grew to, all in one row; now and then the log is moved into the
 * rows of the visits. Readers look into both: see `grownVisits`.
 */
export class VisitRows {
  readonly #db: Database;
  /** The newest state of all that is in the log, by site, day and number; null where the log has to be read first. */
  #grown: Map<string, GrownVisit> | null = null;
  #entries = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  insert(visit: Visit, of: { site: number; day: number; visitor: bigint; first: number }): void {
    prepared(
      this.#db,
      `INSERT INTO visits (site, day, no, visitor, first, previous, start_at, start_n, end_at, channel, profile, width, entry,
         exit, pageviews, events, engaged) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      of.site,
      of.day,
      visit.no,
      of.visitor,
      of.first,
      visit.previous,
      visit.startAt,
      visit.startN,
      visit.endAt,
      visit.channel,
      visit.profile,
      visit.width,
      visit.entry,
      visit.exit,
      visit.pageviews,
      visit.events,
      visit.engaged,
    );
  }

  /** Logs what visits grew to in this commit. */
  grow(visits: readonly GrownVisit[]): void {
    if (visits.length === 0) return;
    const grown = this.#log();
    const insert = prepared(this.#db, 'INSERT INTO visits_grown (day, visits) VALUES (?, ?)');
    for (const [day, ofDay] of Map.groupBy(visits, ([, day]) => day)) insert.run(day, JSON.stringify(ofDay));
    for (const visit of visits) grown.set(keyOf(visit), visit);
    this.#entries += visits.length;
    if (grown.size >= GROWN_VISITS || this.#entries >= GROWN_ENTRIES) this.settle();
  }

  /** Moves the log into the rows of the visits. */
  settle(): void {
    const grown = this.#log();
    if (grown.size === 0) return;
    const update = prepared(
      this.#db,
      `UPDATE visits SET start_at = ?4, start_n = ?5, end_at = ?6, entry = ?7, exit = ?8, pageviews = ?9, events = ?10,
         engaged = ?11 WHERE site = ?1 AND day = ?2 AND no = ?3`,
    );
    for (const visit of grown.values()) update.run(...visit);
    prepared(this.#db, 'DELETE FROM visits_grown').run();
    grown.clear();
    this.#entries = 0;
  }

  /** The visits of a visitor's day, in the order they began to be known, from the number of the newest one. */
  ofVisitor({ site, day }: { site: number; day: number }, visitor: bigint, newest: number): Visit[] {
    const select = prepared(
      this.#db,
      `SELECT no, previous, start_at AS startAt, start_n AS startN, end_at AS endAt, channel, profile, width, entry, exit,
         pageviews, events, engaged
       FROM visits WHERE site = ? AND day = ? AND no = ? AND visitor = ?`,
    );
    const visits: Visit[] = [];
    for (let no: number | null = newest; no !== null; ) {
      // Retention may have deleted it, and given its number to somebody else since.
      const row = select.get(site, day, no, visitor);
      if (row === undefined) break;
      const visit = row as unknown as Visit; // the columns are named as the fields, all of them numbers
      visits.unshift(this.#asGrown(visit, site, day));
      no = visit.previous;
    }
    return visits;
  }

  /** After a rollback: nothing remembered is true. */
  forget(): void {
    this.#grown = null;
  }

  #asGrown(visit: Visit, site: number, day: number): Visit {
    const grown = this.#log().get(keyOf([site, day, visit.no]));
    if (grown === undefined) return visit;
    const [, , , startAt, startN, endAt, entry, exit, pageviews, events, engaged] = grown;
    return { ...visit, startAt, startN, endAt, entry, exit, pageviews, events, engaged };
  }

  #log(): Map<string, GrownVisit> {
    if (this.#grown === null) {
      const logged = readLog(prepared(this.#db, 'SELECT visits FROM visits_grown ORDER BY n').all());
      this.#grown = new Map(logged.map((visit) => [keyOf(visit), visit]));
      this.#entries = logged.length;
    }
    return this.#grown;
  }
}

/** What visits of a day grew to since their rows were written, oldest first: a later one goes over an earlier one. */
export function grownVisits(db: Database, day: number): GrownVisit[] {
  return readLog(prepared(db, 'SELECT visits FROM visits_grown WHERE day = ? ORDER BY n').all(day));
}

function readLog(rows: readonly Record<string, unknown>[]): GrownVisit[] {
  return rows.flatMap((row) => JSON.parse(String(row.visits)) as GrownVisit[]); // as `grow` writes it
}

function keyOf([site, day, no]: readonly [number, number, number, ...number[]]): string {
  return `${site} ${day} ${no}`;
}
