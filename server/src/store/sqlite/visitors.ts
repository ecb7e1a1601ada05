import { type Database, prepared } from './driver.ts';
import type { Visit, VisitRows } from './visit-rows.ts';

export interface Visitor {
  readonly visitor: bigint;
  /** All visits of the day, in the order they began to be known. Never empty once an event was put in. */
  readonly visits: Visit[];
}

/** What is known of a site's UTC day. */
export interface SiteDay {
  readonly site: number;
  readonly day: number;
  /** Those that memory knows: with their visits, or the number of the newest one. */
  readonly visitors: Map<bigint, Visitor | number>;
  /** Number of the newest visit. */
  lastNo: number;
  /** Visits from this number on are in the index; null: none is. */
  indexedFrom: number | null;
}

/** Visitors known by memory, over all days, at about 60 bytes each. Those for whom there is no room are kept in an index. */
export const VISITORS_KNOWN = 1_000_000;
/** Visitors held with all their visits; of the others these are read again. */
const VISITORS_HELD = 100_000;
/** Days of sites held; the others are read again. */
const SITE_DAYS_HELD = 50_000;
/** Rows of the index deleted per commit, so that no commit gets long. */
const FORGOTTEN_PER_COMMIT = 2_000;
/** More days than any date has. */
const DAYS = 2 ** 20;

/**
 * Finds the visits of a visitor and UTC day. Visitors are known by memory, which is filled from the visits of a site's day
 * when that is first touched: an index by visitor would touch another page of the file for each new one. Only the visits
 * begun while memory was full are found through such an index.
 */
export class Visitors {
  readonly #db: Database;
  readonly #rows: VisitRows;
  readonly #mostKnown: number;
  readonly #siteDays = new Map<number, SiteDay>();
  /** Visitors of all site days together: known, and held with their visits. */
  #known = 0;
  #held = 0;
  #newestDay = 0;
  /** Whether days besides the newest may be held. */
  #severalDays = false;
  /** Of days before this one nothing is left in the index. */
  #forgottenBefore = 0;

  constructor({ db, rows, mostKnown }: { db: Database; rows: VisitRows; mostKnown: number }) {
    this.#db = db;
    this.#rows = rows;
    this.#mostKnown = mostKnown;
  }

  siteDay(site: number, day: number): SiteDay {
    const key = site * DAYS + day;
    let found = this.#siteDays.get(key);
    if (found === undefined) {
      found = this.#read(site, day);
      this.#siteDays.set(key, found);
      this.#known += found.visitors.size;
      this.#severalDays ||= day !== this.#newestDay;
      this.#newestDay = Math.max(this.#newestDay, day);
    }
    return found;
  }

  /** The visitor with all visits of the day; with none where there are none yet. */
  visitor(of: SiteDay, visitor: bigint): Visitor {
    const known = of.visitors.get(visitor);
    if (typeof known === 'object') return known;
    const newest = this.#newestIndexed(of, visitor) ?? known;
    const visits = newest === undefined ? [] : this.#rows.ofVisitor(of, visitor, newest);
    const found = { visitor, visits };
    of.visitors.set(visitor, found);
    this.#held += 1;
    if (known === undefined) this.#known += 1;
    return found;
  }

  /** Has a visit that was begun found again. */
  remember(of: SiteDay, visitor: bigint, no: number): void {
    if (this.#known > this.#mostKnown) of.indexedFrom ??= no;
    if (of.indexedFrom === null) return;
    // Retention may have freed a number that this visitor had.
    prepared(this.#db, 'INSERT OR IGNORE INTO visitors (day, site, visitor, visit) VALUES (?, ?, ?, ?)').run(
      of.day,
      of.site,
      visitor,
      no,
    );
  }

  /** Deletes a bounded part of what the index holds of days before one. */
  forgetBefore(day: number): void {
    if (day <= this.#forgottenBefore) return;
    const { changes } = prepared(
      this.#db,
      `DELETE FROM visitors WHERE (day, site, visitor, visit) IN
         (SELECT day, site, visitor, visit FROM visitors WHERE day < ? LIMIT ?)`,
    ).run(day, FORGOTTEN_PER_COMMIT);
    if (Number(changes) < FORGOTTEN_PER_COMMIT) this.#forgottenBefore = day;
  }

  /** Keeps memory within its bounds. Only between commits: what one has changed has to be written first. */
  trim(): void {
    if (this.#held > VISITORS_HELD) for (const of of this.#siteDays.values()) this.#letVisitsGo(of);
    const full = this.#known > this.#mostKnown || this.#siteDays.size > SITE_DAYS_HELD;
    if (full && this.#severalDays) {
      this.forget(({ day }) => day < this.#newestDay);
      this.#severalDays = false;
    }
    if (this.#siteDays.size > SITE_DAYS_HELD) this.forget(() => true);
  }

  /** Lets go of some days of sites; they are read again. */
  forget(which: (of: SiteDay) => boolean): void {
    for (const [key, of] of this.#siteDays) {
      if (!which(of)) continue;
      this.#letVisitsGo(of);
      this.#known -= of.visitors.size;
      this.#siteDays.delete(key);
    }
  }

  #letVisitsGo({ visitors, indexedFrom }: SiteDay): void {
    for (const [visitor, known] of visitors) {
      if (typeof known === 'number') continue;
      this.#held -= 1;
      const newest = known.visits.at(-1)?.no;
      if (newest !== undefined && newest < (indexedFrom ?? Number.POSITIVE_INFINITY)) {
        visitors.set(visitor, newest);
      } else {
        visitors.delete(visitor);
        this.#known -= 1;
      }
    }
  }

  #read(site: number, day: number): SiteDay {
    const number = (sql: string) => prepared(this.#db, sql).get(site, day)?.no;
    const lastNo = Number(number('SELECT coalesce(max(no), 0) AS no FROM visits WHERE site = ? AND day = ?'));
    const visitors = new Map<bigint, number>();
    if (lastNo === 0) return { site, day, visitors, lastNo, indexedFrom: null };
    const indexedFrom = number('SELECT min(visit) AS no FROM visitors WHERE site = ? AND day = ?');
    const rows = prepared(
      this.#db,
      'SELECT no, visitor FROM visits WHERE site = ? AND day = ? AND no < ? ORDER BY no',
    );
    rows.setReadBigInts(true);
    for (const row of rows.iterate(site, day, indexedFrom ?? lastNo + 1))
      visitors.set(row.visitor as bigint, Number(row.no));
    return { site, day, visitors, lastNo, indexedFrom: typeof indexedFrom === 'number' ? indexedFrom : null };
  }

  #newestIndexed({ day, site, indexedFrom }: SiteDay, visitor: bigint): number | undefined {
    if (indexedFrom === null) return undefined;
    const found = prepared(
      this.#db,
      'SELECT max(visit) AS no FROM visitors WHERE day = ? AND site = ? AND visitor = ?',
    ).get(day, site, visitor)?.no;
    return typeof found === 'number' ? found : undefined;
  }
}
