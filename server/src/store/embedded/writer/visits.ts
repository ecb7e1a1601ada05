import { PAGEVIEW } from '../../../../../tracker/wire/limits.ts';
import { CHANNELS } from '../../../domain/channels.ts';
import { DAY_MS, utcDay } from '../../../domain/clock.ts';
import { VISIT_GAP_MS } from '../../../domain/visit-rules.ts';
import type { EventEntry, LeaveEntry } from '../../contract/store.ts';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import { writeProfile } from '../tables/profile.ts';
import type { StringTable } from '../tables/string-table.ts';
import { type GrownVisit, type Visit, VisitRows } from '../tables/visit-rows.ts';
import type { CommitPart } from './commit-part.ts';
import { type SiteDay, type Visitor, Visitors } from './visitors.ts';

/** A visit that the commit changes. */
interface Change {
  of: SiteDay;
  visitor: Visitor;
  isNew: boolean;
}

/**
 * Groups events into visits: one visitor's events of a UTC day without a gap of 30 minutes. An event joins a visit if it is
 * less than 30 minutes before the visit's start or after its end. Visits never merge afterwards. `flush` writes each changed
 * visit once.
 */
export class Visits implements CommitPart {
  readonly #db: Database;
  readonly #strings: StringTable;
  readonly #rows: VisitRows;
  readonly #visitors: Visitors;
  readonly #changes = new Map<Visit, Change>();

  constructor({ db, strings, visitorsKnown }: { db: Database; strings: StringTable; visitorsKnown: number }) {
    this.#db = db;
    this.#strings = strings;
    this.#rows = new VisitRows(db);
    this.#visitors = new Visitors({ db, rows: this.#rows, mostKnown: visitorsKnown });
  }

  /** Adds an event to a visit, or begins one. @returns the number of the visit */
  enter(event: EventEntry, { site, path, n }: { site: number; path: number; n: number }): number {
    const of = this.#visitors.siteDay(site, utcDay(event.receivedAtMs));
    const visitor = this.#visitors.visitor(of, event.visitor);
    const at = event.receivedAtMs - of.day * DAY_MS;
    const known = visitor.visits.findLast(
      ({ startAt, endAt }) => at > startAt - VISIT_GAP_MS && at < endAt + VISIT_GAP_MS,
    );
    const visit = known ?? this.#begin(event, { at, n, of, visitor, path });
    if (known === undefined) {
      visitor.visits.push(visit);
      this.#changes.set(visit, { of, visitor, isNew: true });
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
   * Adds engaged time to a visit. Of a view's reports, the largest value counts. It is added to the newest visit that began
   * before the view's first report.
   *
   * @returns the number of that visit; 0 if the visitor has none that day
   */
  leave(leave: LeaveEntry, site: number): number {
    const of = this.#visitors.siteDay(site, utcDay(leave.receivedAtMs));
    const visitor = this.#visitors.visitor(of, leave.visitor);
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

  /** Writes each changed visit once, then deletes a bounded part of the visitor index of earlier days. */
  flush({ forgetKeysBeforeDay }: { forgetKeysBeforeDay: number }): void {
    const grown: GrownVisit[] = [];
    for (const [visit, { of, visitor, isNew }] of this.#changes) {
      if (isNew) {
        this.#rows.insert(visit, {
          ...{ site: of.site, day: of.day },
          ...{ visitor: visitor.visitor, first: visitor.visits[0]?.no ?? visit.no },
        });
        this.#visitors.remember(of, visitor.visitor, visit.no);
      } else {
        grown.push(grownTo(visit, of));
      }
    }
    this.#rows.grow(grown);
    this.#changes.clear();
    this.#visitors.trim();
    this.#visitors.forgetBefore(forgetKeysBeforeDay);
  }

  /** Brings the rows of all visits up to date. */
  moveGrowthToRows(): void {
    this.#rows.moveGrowthToRows();
  }

  /** Brings the rows of all visits up to date before some of them are deleted. */
  emptyGrowthLog(): void {
    this.#rows.emptyLog();
  }

  /** Evicts a site's days up to and including `lastDay` from the cache, after their rows were deleted. */
  forgetSite(site: number, lastDay: number): void {
    this.#visitors.forget((of) => of.site === site && of.day <= lastDay);
  }

  /** Evicts all days before one from the cache. */
  forgetDays(beforeDay: number): void {
    this.#visitors.forget((of) => of.day < beforeDay);
  }

  rolledBack(): void {
    this.#changes.clear();
    this.#rows.rolledBack();
    this.#visitors.forget(() => true);
  }

  #begin(
    event: EventEntry,
    { at, n, of, visitor, path }: { at: number; n: number; of: SiteDay; visitor: Visitor; path: number },
  ): Visit {
    of.lastNo += 1;
    return {
      no: of.lastNo,
      previous: visitor.visits.at(-1)?.no ?? null,
      startAt: at,
      startN: n,
      endAt: at,
      channel: CHANNELS.indexOf(event.channel),
      profile: this.#strings.text(writeProfile(event)),
      width: event.width,
      entry: path,
      exit: path,
      pageviews: 0,
      events: 0,
      engaged: 0,
    };
  }

  #touch(visit: Visit, of: SiteDay, visitor: Visitor): void {
    if (!this.#changes.has(visit)) this.#changes.set(visit, { of, visitor, isNew: false });
  }

  /** Returns the engaged time stored for a view; 0 if none was reported, undefined if nothing is stored for the view. */
  #engagedOf({ site, day }: SiteDay, { no }: Visit, view: bigint): number | undefined {
    const found = prepared(
      this.#db,
      'SELECT engaged FROM leaves WHERE site = ? AND day = ? AND visit = ? AND view = ?',
    ).get(site, day, no, view);
    return found === undefined ? undefined : Number(found.engaged ?? 0);
  }
}

function grownTo(visit: Visit, { site, day }: SiteDay): GrownVisit {
  const { no, startAt, startN, endAt, entry, exit, pageviews, events, engaged } = visit;
  return [site, day, no, startAt, startN, endAt, entry, exit, pageviews, events, engaged];
}
