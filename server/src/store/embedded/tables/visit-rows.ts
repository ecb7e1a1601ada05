import { type Database, prepared } from '../../drivers/sqlite.ts';

/** What the event that began a visit tells about it: the numbers of texts, and the position of the channel. */
export interface VisitOrigin {
  referrer: number | null;
  channel: number;
  profile: number;
  agent: number | null;
  place: number | null;
}

/** A visit in the writer's memory. Times are milliseconds of its UTC day. */
export interface Visit extends VisitOrigin {
  readonly no: number;
  /** The number of the visitor's previous visit on the same day; null for the first. */
  readonly previous: number | null;
  startAt: number;
  startN: number;
  endAt: number;
  width: number | null;
  entry: number;
  exit: number;
  pageviews: number;
  events: number;
  engaged: number;
  /** The events other than page views that do not end a bounce. */
  passive: number;
}

/** The fields of a visit that change as it grows, in the order of the parameters of its update. */
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
  passive: number,
];

/** The number of visits at which the log of growth is moved to the rows. */
const GROWN_VISITS = 2_000;
/** The number of entries at which the log of growth is moved to the rows. */
const GROWN_ENTRIES = 5_000;
/** The characters of the log that stay after it was moved, so that readers find in it what grew since they last looked. */
const LOG_KEPT_CHARS = 8 * 1024 * 1024;

/**
 * The rows of visits. A visit's row is written when it begins. Most visits grow several times within a minute, each on a
 * different page of the file. So a commit logs the new state of all its visits in one row, and from time to time the log is
 * moved into the rows of the visits. Readers combine both; see `grownVisits`.
 */
export class VisitRows {
  readonly #db: Database;
  /** The newest logged state of each visit, by site, day and number; null if the log must be read first. */
  #grown: Map<string, GrownVisit> | null = null;
  #entries = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  insert(visit: Visit, of: { site: number; day: number; visitor: bigint; first: number }): void {
    prepared(
      this.#db,
      `INSERT INTO visits (site, day, no, visitor, first, previous, start_at, start_n, end_at, channel, profile, width, entry,
         exit, pageviews, events, engaged, passive, referrer, agent, place)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
      visit.passive,
      visit.referrer,
      visit.agent,
      visit.place,
    );
  }

  /** Writes what an earlier event tells about a visit. Such events are rare, so this goes to the row at once, not to the log. */
  setOrigin(
    { no, referrer, channel, profile, agent, place }: Visit,
    { site, day }: { site: number; day: number },
  ): void {
    prepared(
      this.#db,
      `UPDATE visits SET referrer = ?, channel = ?, profile = ?, agent = ?, place = ?
       WHERE site = ? AND day = ? AND no = ?`,
    ).run(referrer, channel, profile, agent, place, site, day, no);
  }

  /** Logs the new states of visits that grew in this commit. */
  grow(visits: readonly GrownVisit[]): void {
    if (visits.length === 0) return;
    const grown = this.#log();
    const insert = prepared(this.#db, 'INSERT INTO visits_grown (day, visits) VALUES (?, ?)');
    for (const [day, ofDay] of Map.groupBy(visits, ([, day]) => day)) insert.run(day, JSON.stringify(ofDay));
    for (const visit of visits) grown.set(keyOf(visit), visit);
    this.#entries += visits.length;
    if (grown.size >= GROWN_VISITS || this.#entries >= GROWN_ENTRIES) this.moveGrowthToRows();
  }

  /** Moves the log into the rows of the visits. What stays of the log says nothing that the rows do not say. */
  moveGrowthToRows(): void {
    const grown = this.#log();
    if (grown.size === 0) return;
    const update = prepared(
      this.#db,
      `UPDATE visits SET start_at = ?, start_n = ?, end_at = ?, entry = ?, exit = ?, pageviews = ?, events = ?,
         engaged = ?, passive = ? WHERE site = ? AND day = ? AND no = ?`,
    );
    for (const [site, day, no, ...values] of grown.values()) update.run(...values, site, day, no);
    prepared(
      this.#db,
      `DELETE FROM visits_grown WHERE n <= (SELECT max(n) FROM
         (SELECT n, sum(length(visits)) OVER (ORDER BY n DESC) AS chars FROM visits_grown) WHERE chars > ?)`,
    ).run(LOG_KEPT_CHARS);
    grown.clear();
    this.#entries = 0;
  }

  /**
   * Moves the log into the rows and empties it, before rows are deleted: their numbers may be given again. Its last entry stays,
   * without visits, so that the numbers of entries go on.
   */
  emptyLog(): void {
    this.moveGrowthToRows();
    prepared(this.#db, 'DELETE FROM visits_grown WHERE n < (SELECT max(n) FROM visits_grown)').run();
    prepared(this.#db, `UPDATE visits_grown SET visits = '[]'`).run();
  }

  /** Reads a visitor's visits of a day, oldest first, given the number of the newest one. */
  ofVisitor({ site, day }: { site: number; day: number }, visitor: bigint, newest: number): Visit[] {
    const select = prepared(
      this.#db,
      `SELECT no, previous, start_at AS startAt, start_n AS startN, end_at AS endAt, channel, profile, width, entry, exit,
         pageviews, events, engaged, passive, referrer, agent, place
       FROM visits WHERE site = ? AND day = ? AND no = ? AND visitor = ?`,
    );
    const visits: Visit[] = [];
    for (let no: number | null = newest; no !== null; ) {
      // Retention may have deleted the visit, and its number may now belong to another visit.
      const row = select.get(site, day, no, visitor);
      if (row === undefined) break;
      const visit = row as unknown as Visit; // the columns have the names of the fields, and all are numbers
      visits.unshift(this.#asGrown(visit, site, day));
      no = visit.previous;
    }
    return visits;
  }

  /** Discards the cached log of growth, so that the next use reads it again. */
  rolledBack(): void {
    this.#grown = null;
  }

  #asGrown(visit: Visit, site: number, day: number): Visit {
    const grown = this.#log().get(keyOf([site, day, visit.no]));
    if (grown === undefined) return visit;
    const [, , , startAt, startN, endAt, entry, exit, pageviews, events, engaged, passive] = grown;
    return { ...visit, startAt, startN, endAt, entry, exit, pageviews, events, engaged, passive };
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

/** What the log says about a site's day after one of its entries. */
export interface Growth {
  /** Whether no entry after the given one is missing. If one is, all entries are returned. */
  isComplete: boolean;
  /** The number of the last entry. */
  last: number;
  /** The newest states of visits that grew, by number. */
  visits: ReadonlyMap<number, GrownVisit>;
}

/** Reads what the log says about a site's day after an entry. */
export function grownVisitsAfter(db: Database, of: { site: number; day: number }, after: number): Growth {
  const range = prepared(db, 'SELECT min(n) AS first, max(n) AS last FROM visits_grown').get();
  const [first, last] = [Number(range?.first ?? 0), Number(range?.last ?? 0)];
  const isComplete = first <= after + 1 && after <= last;
  const logged = readLog(
    prepared(db, 'SELECT visits FROM visits_grown WHERE day = ? AND n > ? ORDER BY n').all(
      of.day,
      isComplete ? after : 0,
    ),
  );
  const visits = new Map(logged.filter(([site]) => site === of.site).map((visit) => [visit[2], visit]));
  return { isComplete, last, visits };
}

/** Reads the newest logged states of a day's visits, by site and number. */
export function grownVisitsOf(
  db: Database,
  day: number,
): ReadonlyMap<number, ReadonlyMap<number, GrownVisit>> {
  const logged = readLog(prepared(db, 'SELECT visits FROM visits_grown WHERE day = ? ORDER BY n').all(day));
  const bySite = Map.groupBy(logged, ([site]) => site);
  return new Map(
    [...bySite].map(([site, visits]) => [site, new Map(visits.map((visit) => [visit[2], visit]))]),
  );
}

function readLog(rows: readonly Record<string, unknown>[]): GrownVisit[] {
  const logged = rows.flatMap((row) => JSON.parse(String(row.visits)) as LoggedVisit[]); // as `grow` writes it
  return logged.map(
    ([site, day, no, startAt, startN, endAt, entry, exit, pageviews, events, engaged, passive]) => [
      ...([site, day, no, startAt, startN, endAt] as const),
      ...([entry, exit, pageviews, events, engaged, passive ?? 0] as const),
    ],
  );
}

/** A logged state. Earlier releases wrote fewer fields. */
type LoggedVisit = GrownVisit extends readonly [...infer Earlier, number]
  ? readonly [...Earlier, number?]
  : never;

function keyOf([site, day, no]: readonly [number, number, number, ...number[]]): string {
  return `${site} ${day} ${no}`;
}
