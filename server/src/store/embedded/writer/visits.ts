import { PAGEVIEW } from '../../../../../tracker/wire/limits.ts';
import { CHANNELS } from '../../../domain/channels.ts';
import { DAY_MS, utcDay } from '../../../domain/clock.ts';
import { isBounce, VISIT_GAP_MS } from '../../../domain/visit-rules.ts';
import type { EventEntry, LeaveEntry } from '../../contract/store.ts';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import { AI_CHANNEL, SLOT_MS, writeProfile } from '../tables/profile.ts';
import type { StringTable } from '../tables/string-table.ts';
import { type GrownVisit, type Visit, VisitRows } from '../tables/visit-rows.ts';
import type { CommitPart } from './commit-part.ts';
import type { QuarterHourRollups } from './quarter-hour-rollups.ts';
import { type SiteDay, type Visitor, Visitors } from './visitors.ts';

/** A visit that the commit changes, with its earlier state; null for a new visit. */
interface Change {
  of: SiteDay;
  visitor: Visitor;
  before: Visit | null;
}

/**
 * Groups events into visits: one visitor's events of a UTC day without a gap of 30 minutes. An event joins a visit if it is
 * less than 30 minutes before the visit's start or after its end. Visits never merge afterwards. `flush` writes each changed
 * visit once, together with the changes to the rollup.
 */
export class Visits implements CommitPart {
  readonly #db: Database;
  readonly #strings: StringTable;
  readonly #slots: QuarterHourRollups;
  readonly #rows: VisitRows;
  readonly #visitors: Visitors;
  readonly #changes = new Map<Visit, Change>();
  /** The visitors that the commit changes, with the span in which each was seen before; null for new visitors. */
  readonly #spans = new Map<Visitor, { of: SiteDay; before: Span | null }>();

  constructor({
    db,
    strings,
    slots,
    visitorsKnown,
  }: { db: Database; strings: StringTable; slots: QuarterHourRollups; visitorsKnown: number }) {
    this.#db = db;
    this.#strings = strings;
    this.#slots = slots;
    this.#rows = new VisitRows(db);
    this.#visitors = new Visitors({ db, rows: this.#rows, mostKnown: visitorsKnown });
  }

  /** Adds an event to a visit, or begins one. @returns the number of the visit */
  enter(event: EventEntry, { site, path, n }: { site: number; path: number; n: number }): number {
    const of = this.#visitors.siteDay(site, utcDay(event.receivedAtMs));
    const visitor = this.#visitors.visitor(of, event.visitor);
    const at = event.receivedAtMs - of.day * DAY_MS;
    this.#touchSpan(of, visitor);
    const known = visitor.visits.findLast(
      ({ startAt, endAt }) => at > startAt - VISIT_GAP_MS && at < endAt + VISIT_GAP_MS,
    );
    const visit = known ?? this.#begin(event, { at, n, of, visitor, path });
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
    for (const [visitor, { of, before }] of this.#spans) {
      const after = spanOf(visitor);
      if (before !== null && before.firstSlot === after.firstSlot && before.lastSlot === after.lastSlot)
        continue;
      if (before !== null) this.#addSpan(of, before, -1);
      this.#addSpan(of, after, 1);
    }
    const grown: GrownVisit[] = [];
    for (const [visit, { of, visitor, before }] of this.#changes) {
      this.#addVisit(of, visit, 1);
      if (before === null) {
        this.#rows.insert(visit, {
          ...{ site: of.site, day: of.day },
          ...{ visitor: visitor.visitor, first: visitor.visits[0]?.no ?? visit.no },
        });
        this.#visitors.remember(of, visitor.visitor, visit.no);
      } else {
        this.#addVisit(of, before, -1);
        grown.push(grownTo(visit, of));
      }
    }
    this.#rows.grow(grown);
    this.#spans.clear();
    this.#changes.clear();
    this.#visitors.trim();
    this.#visitors.forgetBefore(forgetKeysBeforeDay);
  }

  /** Brings the rows of all visits up to date. */
  moveGrowthToRows(): void {
    this.#rows.moveGrowthToRows();
  }

  /** Evicts a site's days up to and including `lastDay` from the cache, after their rows were deleted. */
  forgetSite(site: number, lastDay: number): void {
    this.#visitors.forget((of) => of.site === site && of.day <= lastDay);
  }

  rolledBack(): void {
    this.#spans.clear();
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

/** The slots of a UTC day in which a visitor was first and last seen. */
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
