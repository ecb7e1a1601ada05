import { PAGEVIEW } from '../../../../../tracker/wire/limits.ts';
import { CHANNELS } from '../../../domain/channels.ts';
import { DAY_MS, utcDay } from '../../../domain/clock.ts';
import { VISIT_GAP_MS } from '../../../domain/visit-rules.ts';
import type { EventEntry, LeaveEntry } from '../../contract/store.ts';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import { writePart } from '../tables/profile.ts';
import type { StringTable } from '../tables/string-table.ts';
import { type GrownVisit, type Visit, type VisitOrigin, VisitRows } from '../tables/visit-rows.ts';
import type { CommitPart } from './commit-part.ts';
import { type SiteDay, type Visitor, Visitors } from './visitors.ts';

/** A visit that the commit changes. */
interface Change {
  of: SiteDay;
  visitor: Visitor;
  isNew: boolean;
  /** Whether an event arrived that is earlier than those of the visit so far, and so tells where it came from. */
  hasNewOrigin: boolean;
}

/**
 * Groups events into visits: one visitor's events of a UTC day without a gap of 30 minutes. An event joins a visit if it is
 * less than 30 minutes before the visit's start or after its end. Its earliest event tells where it came from, even if that
 * arrives later. Visits never merge afterwards. `flush` writes each changed visit once.
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
      this.#changes.set(visit, { of, visitor, isNew: true, hasNewOrigin: false });
    } else {
      const change = this.#touch(visit, of, visitor);
      if (at < visit.startAt) {
        Object.assign(visit, { startAt: at, startN: n, entry: path, ...this.#originOf(event) });
        change.hasNewOrigin = true;
      }
    }
    if (at >= visit.endAt) Object.assign(visit, { endAt: at, exit: path });
    visit.events += 1;
    if (event.name === PAGEVIEW) visit.pageviews += 1;
    else if (!event.interactive) visit.passive += 1;
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
    const newest = newestBegun(visitor.visits, at);
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
    for (const [visit, { of, visitor, isNew, hasNewOrigin }] of this.#changes) {
      if (isNew) {
        this.#rows.insert(visit, {
          ...{ site: of.site, day: of.day },
          ...{ visitor: visitor.visitor, first: visitor.visits[0]?.no ?? visit.no },
        });
        this.#visitors.remember(of, visitor.visitor, visit.no);
      } else {
        grown.push(grownTo(visit, of));
        if (hasNewOrigin) this.#rows.setOrigin(visit, of);
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
      ...this.#originOf(event),
      startAt: at,
      startN: n,
      endAt: at,
      width: event.width,
      entry: path,
      exit: path,
      pageviews: 0,
      events: 0,
      engaged: 0,
      passive: 0,
    };
  }

  /** Returns what the first event of a visit tells about all of it. */
  #originOf(event: EventEntry): VisitOrigin {
    return {
      referrer: this.#strings.textOrNull(event.referrer),
      channel: CHANNELS.indexOf(event.channel),
      profile: this.#strings.text(writePart('profile', event) ?? '[]'),
      agent: this.#strings.textOrNull(writePart('agent', event)),
      place: this.#strings.textOrNull(writePart('place', event)),
    };
  }

  #touch(visit: Visit, of: SiteDay, visitor: Visitor): Change {
    const change = this.#changes.get(visit) ?? { of, visitor, isNew: false, hasNewOrigin: false };
    this.#changes.set(visit, change);
    return change;
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

/** Returns the newest visit that began at an instant or before, else the first one. Visits may have arrived in another order. */
function newestBegun(visits: readonly Visit[], at: number): Visit | undefined {
  const begun = visits.filter(({ startAt }) => startAt <= at);
  if (begun.length === 0) return visits[0];
  return begun.reduce((newest, visit) => (visit.startAt >= newest.startAt ? visit : newest));
}

function grownTo(visit: Visit, { site, day }: SiteDay): GrownVisit {
  const { no, startAt, startN, endAt, entry, exit, pageviews, events, engaged, passive } = visit;
  return [site, day, no, startAt, startN, endAt, entry, exit, pageviews, events, engaged, passive];
}
