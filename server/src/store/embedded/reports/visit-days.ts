import { DAY_MS } from '../../../domain/clock.ts';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import { grownVisits } from '../tables/visit-rows.ts';

/** The visits of one site and UTC day, column by column, found by their number. */
export interface VisitDay {
  readonly day: number;
  /** Numbers run from 1 to this. */
  readonly lastNo: number;
  /** 1 where there is a visit of that number. */
  readonly there: Uint8Array;
  /** Number of the visitor's first visit of the day. */
  readonly first: Int32Array;
  /** Milliseconds of the day. */
  readonly startAt: Int32Array;
  readonly endAt: Int32Array;
  readonly channel: Uint8Array;
  readonly profile: Int32Array;
  readonly entry: Int32Array;
  readonly exit: Int32Array;
  readonly pageviews: Int32Array;
  readonly events: Int32Array;
  readonly engaged: Float64Array;
}

/** Rows read at once. */
const CHUNK = 20_000;
/** Visits held: some 50 bytes each. */
const MAX_CACHED_VISITS = 500_000;

/** Days with stored rows, oldest first, and how often each was changed. */
export function daysOf(
  db: Database,
  { site, firstDay, lastDay }: { site: number; firstDay: number; lastDay: number },
): { day: number; changes: number }[] {
  return prepared(db, 'SELECT day, changes FROM counters WHERE site = ? AND day BETWEEN ? AND ? ORDER BY day')
    .all(site, firstDay, lastDay)
    .map((row) => ({ day: Number(row.day), changes: Number(row.changes) }));
}

/** Reads visits, and holds the days that were asked for last: a dashboard asks for the same ones several times. */
export class VisitDays {
  readonly #db: Database;
  readonly #held = new Map<string, VisitDay>();
  #visitsHeld = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  /** @param changes as `daysOf` tells: what was held of an earlier state is read anew */
  get(site: number, { day, changes }: { day: number; changes: number }): VisitDay {
    const key = `${site} ${day} ${changes}`;
    const known = this.#held.get(key);
    if (known !== undefined) return known;
    const read = this.#read(site, day);
    if (read.lastNo <= MAX_CACHED_VISITS) {
      if (this.#visitsHeld + read.lastNo > MAX_CACHED_VISITS) this.#release();
      this.#held.set(key, read);
      this.#visitsHeld += read.lastNo;
    }
    return read;
  }

  #release(): void {
    this.#held.clear();
    this.#visitsHeld = 0;
  }

  #read(site: number, day: number): VisitDay {
    const lastNo = Number(
      prepared(this.#db, 'SELECT coalesce(max(no), 0) AS no FROM visits WHERE site = ? AND day = ?').get(
        site,
        day,
      )?.no,
    );
    const visits = emptyDay(day, lastNo);
    const select = prepared(
      this.#db,
      `SELECT no, first, start_at, end_at, channel, profile, entry, exit, pageviews, events, engaged FROM visits
       WHERE site = ? AND day = ? AND no > ? ORDER BY no LIMIT ${CHUNK}`,
    );
    select.setReturnArrays(true);
    for (let after = 0; after < lastNo; ) {
      // With arrays switched on, rows are arrays of the columns, which are all numbers.
      const rows = select.all(site, day, after) as unknown as number[][];
      for (const row of rows) {
        const no = row[0] ?? 0;
        visits.there[no] = 1;
        visits.first[no] = row[1] ?? 0;
        visits.startAt[no] = row[2] ?? 0;
        visits.endAt[no] = row[3] ?? 0;
        visits.channel[no] = row[4] ?? 0;
        visits.profile[no] = row[5] ?? 0;
        visits.entry[no] = row[6] ?? 0;
        visits.exit[no] = row[7] ?? 0;
        visits.pageviews[no] = row[8] ?? 0;
        visits.events[no] = row[9] ?? 0;
        visits.engaged[no] = row[10] ?? 0;
        after = no;
      }
    }
    for (const [of, , no, startAt, , endAt, entry, exit, pageviews, events, engaged] of grownVisits(
      this.#db,
      day,
    )) {
      if (of !== site) continue;
      visits.startAt[no] = startAt;
      visits.endAt[no] = endAt;
      visits.entry[no] = entry;
      visits.exit[no] = exit;
      visits.pageviews[no] = pageviews;
      visits.events[no] = events;
      visits.engaged[no] = engaged;
    }
    return visits;
  }
}

function emptyDay(day: number, lastNo: number): VisitDay {
  const size = lastNo + 1;
  return {
    day,
    lastNo,
    there: new Uint8Array(size),
    first: new Int32Array(size),
    startAt: new Int32Array(size),
    endAt: new Int32Array(size),
    channel: new Uint8Array(size),
    profile: new Int32Array(size),
    entry: new Int32Array(size),
    exit: new Int32Array(size),
    pageviews: new Int32Array(size),
    events: new Int32Array(size),
    engaged: new Float64Array(size),
  };
}

/** Visitors with an event in a part of a day that is at least as long as the gap that ends a visit. */
export function visitorsWithin(visits: VisitDay, fromMs: number, toMs: number): number {
  const from = fromMs - visits.day * DAY_MS;
  const to = toMs - visits.day * DAY_MS;
  const seen = new Uint8Array(visits.lastNo + 1);
  let visitors = 0;
  for (let no = 1; no <= visits.lastNo; no++) {
    if (visits.there[no] === 0 || (visits.startAt[no] ?? 0) >= to || (visits.endAt[no] ?? 0) < from) continue;
    const first = visits.first[no] ?? 0;
    if (seen[first] === 1) continue;
    seen[first] = 1;
    visitors += 1;
  }
  return visitors;
}
