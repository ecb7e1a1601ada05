import { DAY_MS, utcDay } from '../../clock.ts';
import type { EventEntry, LeaveEntry } from '../store.ts';
import type { Dictionary } from './dictionary.ts';
import { type Database, prepared } from './driver.ts';
import { AI_CHANNEL, CHANNELS, isBounce, PAGEVIEW, SLOT_MS, VISIT_GAP_MS, writeProfile } from './profile.ts';
import type { Slots } from './slots.ts';

/** A visit as the writer holds it. Times are milliseconds of its UTC day. */
export interface Visit {
  readonly no: number;
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

interface Visitor {
  readonly visitor: bigint;
  /** All visits of the day, in the order they began to be known. Never empty once an event was put in. */
  readonly visits: Visit[];
}

interface SiteDay {
  readonly site: number;
  readonly day: number;
  readonly visitors: Map<bigint, Visitor>;
  lastNo: number;
  /** Whether every visitor that is stored is in `visitors`, so that nobody has to be looked for. */
  complete: boolean;
}

/** A visit that the commit changes, and what it was before; null for a new one. */
interface Change {
  of: SiteDay;
  visitor: Visitor;
  before: Visit | null;
}

/** Visitors held in memory; what is not held is read again. */
const VISITORS_HELD = 100_000;
/** More days than any date has. */
const DAYS = 2 ** 20;

/**
 * Puts events into visits: one visitor's events of a UTC day without a gap of 30 minutes. An event joins a visit of its
 * visitor when it is less than that before its start or after its end; visits never merge afterwards. What a commit changes
 * is written by `write`, each row once, together with what it means for the roll-up.
 */
export class Visits {
  readonly #db: Database;
  readonly #dictionary: Dictionary;
  readonly #slots: Slots;
  readonly #siteDays = new Map<number, SiteDay>();
  readonly #changes = new Map<Visit, Change>();
  /** Visitors that the commit touches, and when they were first and last seen before; null for new ones. */
  readonly #spans = new Map<Visitor, { of: SiteDay; before: Span | null }>();
  #held = 0;

  constructor({ db, dictionary, slots }: { db: Database; dictionary: Dictionary; slots: Slots }) {
    this.#db = db;
    this.#dictionary = dictionary;
    this.#slots = slots;
  }

  /** @returns the number of the visit that an event belongs to */
  enter(event: EventEntry, { site, path, n }: { site: number; path: number; n: number }): number {
    const of = this.#siteDay(site, utcDay(event.receivedAtMs));
    const visitor = this.#visitor(of, event.visitor);
    const at = event.receivedAtMs - of.day * DAY_MS;
    this.#touchSpan(of, visitor);
    const known = visitor.visits.findLast(
      ({ startAt, endAt }) => at > startAt - VISIT_GAP_MS && at < endAt + VISIT_GAP_MS,
    );
    const visit = known ?? this.#begin(event, { at, n, of, path });
    if (known === undefined) {
      visitor.visits.push(visit);
      this.#changes.set(visit, { of, visitor, before: null });
    } else {
      this.#touch(visit, of, visitor);
    }
    if (at < visit.startAt) Object.assign(visit, { startAt: at, startN: n, entry: path });
    if (at >= visit.endAt) Object.assign(visit, { endAt: at, exit: path });
    visit.events += 1;
    if (event.name === PAGEVIEW) visit.pageviews += 1;
    return visit.no;
  }

  /**
   * Adds engaged time: the greatest that was said of a view counts. It goes to the visit that the view was first said to
   * have ended in: the newest one begun before.
   *
   * @returns the number of that visit, 0 where the visitor has none that day
   */
  leave(leave: LeaveEntry, site: number): number {
    const of = this.#siteDay(site, utcDay(leave.receivedAtMs));
    const visitor = this.#visitor(of, leave.visitor);
    const at = leave.receivedAtMs - of.day * DAY_MS;
    const newest = visitor.visits.findLast(({ startAt }) => startAt <= at) ?? visitor.visits[0];
    if (newest === undefined) return 0;
    const view = leave.view ?? 0n;
    let visit = newest;
    let before = this.#engagedOf(of, newest, view);
    for (const other of visitor.visits) {
      if (before !== undefined) break;
      if (other === newest) continue;
      before = this.#engagedOf(of, other, view);
      if (before !== undefined) visit = other;
    }
    const more = (leave.engagedMs ?? 0) - (before ?? 0);
    if (more > 0) {
      this.#touch(visit, of, visitor);
      visit.engaged += more;
    }
    return visit.no;
  }

  /** Writes what was changed since the last time. */
  write(): void {
    for (const [visitor, { of, before }] of this.#spans) {
      const after = spanOf(visitor);
      if (before !== null && before.firstSlot === after.firstSlot && before.lastSlot === after.lastSlot)
        continue;
      if (before !== null) this.#addSpan(of, before, -1);
      this.#addSpan(of, after, 1);
    }
    for (const [visit, { of, visitor, before }] of this.#changes) {
      if (before !== null) this.#addVisit(of, before, -1);
      this.#addVisit(of, visit, 1);
      if (before === null) this.#insert(visit, of, visitor);
      else this.#update(visit, of);
    }
    this.#spans.clear();
    this.#changes.clear();
    if (this.#held > VISITORS_HELD) this.#letGo();
  }

  /** After a rollback: nothing remembered is true. */
  forget(): void {
    this.#spans.clear();
    this.#changes.clear();
    this.#letGo();
  }

  #letGo(): void {
    this.#siteDays.clear();
    this.#held = 0;
  }

  #begin(
    event: EventEntry,
    { at, n, of, path }: { at: number; n: number; of: SiteDay; path: number },
  ): Visit {
    of.lastNo += 1;
    return {
      no: of.lastNo,
      startAt: at,
      startN: n,
      endAt: at,
      channel: CHANNELS.indexOf(event.channel),
      profile: this.#dictionary.text(writeProfile(event)),
      width: event.width,
      entry: path,
      exit: path,
      pageviews: 0,
      events: 0,
      engaged: 0,
    };
  }

  #touch(visit: Visit, of: SiteDay, visitor: Visitor): void {
    if (!this.#changes.has(visit)) this.#changes.set(visit, { of, visitor, before: { ...visit } });
  }

  #touchSpan(of: SiteDay, visitor: Visitor): void {
    if (this.#spans.has(visitor)) return;
    this.#spans.set(visitor, { of, before: visitor.visits.length === 0 ? null : spanOf(visitor) });
  }

  #addSpan({ site, day }: SiteDay, { firstSlot, lastSlot }: Span, sign: 1 | -1): void {
    this.#slots.at(site, day * DAY_MS + firstSlot * SLOT_MS).firstSeen += sign;
    this.#slots.at(site, day * DAY_MS + lastSlot * SLOT_MS).lastSeen += sign;
  }

  #addVisit({ site, day }: SiteDay, visit: Visit, sign: 1 | -1): void {
    const delta = this.#slots.at(site, day * DAY_MS + visit.startAt);
    delta.visits += sign;
    if (visit.channel === AI_CHANNEL) delta.referrals += sign;
    if (isBounce(visit)) delta.bounces += sign;
    delta.engaged += sign * visit.engaged;
  }

  #siteDay(site: number, day: number): SiteDay {
    const key = site * DAYS + day;
    let found = this.#siteDays.get(key);
    if (found === undefined) {
      const lastNo = Number(
        prepared(this.#db, 'SELECT coalesce(max(no), 0) AS no FROM visits WHERE site = ? AND day = ?').get(
          site,
          day,
        )?.no,
      );
      found = { site, day, visitors: new Map(), lastNo, complete: lastNo === 0 };
      this.#siteDays.set(key, found);
    }
    return found;
  }

  #visitor(of: SiteDay, visitor: bigint): Visitor {
    let found = of.visitors.get(visitor);
    if (found === undefined) {
      found = { visitor, visits: of.complete ? [] : this.#read(of, visitor) };
      of.visitors.set(visitor, found);
      this.#held += 1;
    }
    return found;
  }

  #read({ site, day }: SiteDay, visitor: bigint): Visit[] {
    return prepared(
      this.#db,
      `SELECT v.no, v.start_at AS startAt, v.start_n AS startN, v.end_at AS endAt, v.channel, v.profile, v.width, v.entry,
         v.exit, v.pageviews, v.events, v.engaged
       FROM visitors o JOIN visits v ON v.site = o.site AND v.day = o.day AND v.no = o.visit AND v.visitor = o.visitor
       WHERE o.day = ? AND o.site = ? AND o.visitor = ? ORDER BY v.no`,
    ).all(day, site, visitor) as unknown as Visit[]; // the columns are named as the fields, all of them numbers
  }

  /** Engaged time stored of a view, 0 where it was not said; undefined where nothing is stored of it. */
  #engagedOf({ site, day }: SiteDay, { no }: Visit, view: bigint): number | undefined {
    const found = prepared(
      this.#db,
      'SELECT engaged FROM leaves WHERE site = ? AND day = ? AND visit = ? AND view = ?',
    ).get(site, day, no, view);
    return found === undefined ? undefined : Number(found.engaged ?? 0);
  }

  #insert(visit: Visit, { site, day }: SiteDay, { visitor, visits }: Visitor): void {
    prepared(
      this.#db,
      `INSERT INTO visits (site, day, no, visitor, first, start_at, start_n, end_at, channel, profile, width, entry, exit,
         pageviews, events, engaged) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      site,
      day,
      visit.no,
      visitor,
      visits[0]?.no ?? visit.no,
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
    // Retention may have freed a number that this visitor had.
    prepared(this.#db, 'INSERT OR IGNORE INTO visitors (day, site, visitor, visit) VALUES (?, ?, ?, ?)').run(
      day,
      site,
      visitor,
      visit.no,
    );
  }

  #update(visit: Visit, { site, day }: SiteDay): void {
    prepared(
      this.#db,
      `UPDATE visits SET start_at = ?, start_n = ?, end_at = ?, entry = ?, exit = ?, pageviews = ?, events = ?, engaged = ?
       WHERE site = ? AND day = ? AND no = ?`,
    ).run(
      visit.startAt,
      visit.startN,
      visit.endAt,
      visit.entry,
      visit.exit,
      visit.pageviews,
      visit.events,
      visit.engaged,
      site,
      day,
      visit.no,
    );
  }
}

/** The slots of its UTC day in which a visitor was first and last seen. */
interface Span {
  firstSlot: number;
  lastSlot: number;
}

function spanOf({ visits }: Visitor): Span {
  let first = DAY_MS;
  let last = 0;
  for (const { startAt, endAt } of visits) {
    first = Math.min(first, startAt);
    last = Math.max(last, endAt);
  }
  return { firstSlot: Math.floor(first / SLOT_MS), lastSlot: Math.floor(last / SLOT_MS) };
}
