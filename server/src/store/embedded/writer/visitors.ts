import { type Database, prepared } from '../../drivers/sqlite.ts';
import type { Visit, VisitRows } from '../tables/visit-rows.ts';

export interface Visitor {
  readonly visitor: bigint;
  /** All visits of the day, oldest first. Never empty after the first event. */
  readonly visits: Visit[];
}

/** The cached state of a site's UTC day. */
export interface SiteDay {
  readonly site: number;
  readonly day: number;
  /** The cached visitors, each with all visits or with only the number of the newest visit. */
  readonly visitors: Map<bigint, Visitor | number>;
  /** The number of the newest visit. */
  lastNo: number;
  /** The number of the first visit in the index; null if the index has none. */
  indexedFrom: number | null;
}

/** Maximum visitors cached over all days, at about 60 bytes each. Others are looked up in an index. */
export const MAX_KNOWN_VISITORS = 1_000_000;
/** Maximum visitors cached with all their visits. The visits of others are read again when needed. */
const MAX_CACHED_VISITORS = 100_000;
/** Maximum cached days of sites. Others are read again when needed. */
const MAX_CACHED_SITE_DAYS = 50_000;
/** Maximum rows of the index deleted per commit, so that commits stay short. */
const FORGOTTEN_PER_COMMIT = 2_000;
/** An upper bound of day numbers. */
const DAYS = 2 ** 20;

/**
 * Finds a visitor's visits of a UTC day. Look-ups use memory, which is filled from the visits of a site's day when that day
 * is first used, because an index by visitor would touch another page of the file for each new visitor. Only visits that
 * began while memory was full are found through such an index.
 */
export class Visitors {
  readonly #db: Database;
  readonly #rows: VisitRows;
  readonly #mostKnown: number;
  readonly #siteDays = new Map<number, SiteDay>();
  /** The number of cached visitors over all site days. `#held` counts those cached with their visits. */
  #known = 0;
  #held = 0;
  #newestDay = 0;
  /** Whether days other than the newest may be cached. */
  #severalDays = false;
  /** The day before which the index has no rows. */
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

  /** Returns a visitor with all visits of the day so far. */
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

  /** Adds a new visit to the index if memory is or was full that day, so that its visitor's later events find it. */
  remember(of: SiteDay, visitor: bigint, no: number): void {
    if (this.#known > this.#mostKnown) of.indexedFrom ??= no;
    if (of.indexedFrom === null) return;
    // The row may exist, since retention may have freed a visit number that this visitor had.
    prepared(this.#db, 'INSERT OR IGNORE INTO visitors (day, site, visitor, visit) VALUES (?, ?, ?, ?)').run(
      of.day,
      of.site,
      visitor,
      no,
    );
  }

  /** Deletes a bounded number of index rows of days before the given one. */
  forgetBefore(day: number): void {
    if (day <= this.#forgottenBefore) return;
    const { changes } = prepared(
      this.#db,
      `DELETE FROM visitors WHERE (day, site, visitor, visit) IN
         (SELECT day, site, visitor, visit FROM visitors WHERE day < ? LIMIT ?)`,
    ).run(day, FORGOTTEN_PER_COMMIT);
    if (Number(changes) < FORGOTTEN_PER_COMMIT) this.#forgottenBefore = day;
  }

  /** Evicts visitors and days beyond the limits. Call it only between commits, since changes must be written first. */
  trim(): void {
    if (this.#held > MAX_CACHED_VISITORS) for (const of of this.#siteDays.values()) this.#letVisitsGo(of);
    const full = this.#known > this.#mostKnown || this.#siteDays.size > MAX_CACHED_SITE_DAYS;
    if (full && this.#severalDays) {
      this.forget(({ day }) => day < this.#newestDay);
      this.#severalDays = false;
    }
    if (this.#siteDays.size > MAX_CACHED_SITE_DAYS) this.forget(() => true);
  }

  /** Evicts the selected days of sites from the cache. They are read again when needed. */
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
