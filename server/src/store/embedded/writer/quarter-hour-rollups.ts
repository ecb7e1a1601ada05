import { type Database, prepared } from '../../drivers/sqlite.ts';
import { SLOT_MS } from '../tables/profile.ts';
import type { CommitPart } from './commit-part.ts';

/** The amounts to add to a quarter of an hour of a site. */
export interface QuarterHourDelta {
  events: number;
  pageviews: number;
  bots: number;
  visits: number;
  referrals: number;
  bounces: number;
  engaged: number;
  firstSeen: number;
  lastSeen: number;
}

/** An upper bound of slot numbers, which is reached in the year 2448. */
const SLOTS = 2 ** 24;

/** Gathers a commit's additions to the quarter-hour rollups, so that each row is written once. */
export class QuarterHourRollups implements CommitPart {
  readonly #db: Database;
  readonly #deltas = new Map<number, QuarterHourDelta>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** Returns the delta of the slot that contains an instant, for the caller to add to. */
  at(site: number, atMs: number): QuarterHourDelta {
    const key = site * SLOTS + Math.floor(atMs / SLOT_MS);
    let delta = this.#deltas.get(key);
    if (delta === undefined) {
      delta = {
        events: 0,
        pageviews: 0,
        bots: 0,
        visits: 0,
        referrals: 0,
        bounces: 0,
        engaged: 0,
        firstSeen: 0,
        lastSeen: 0,
      };
      this.#deltas.set(key, delta);
    }
    return delta;
  }

  flush(): void {
    const upsert = prepared(
      this.#db,
      `INSERT INTO slots (site, slot, events, pageviews, bots, visits, referrals, bounces, engaged, first_seen, last_seen)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (site, slot) DO UPDATE SET events = events + excluded.events, pageviews = pageviews + excluded.pageviews,
         bots = bots + excluded.bots, visits = visits + excluded.visits, referrals = referrals + excluded.referrals,
         bounces = bounces + excluded.bounces, engaged = engaged + excluded.engaged,
         first_seen = first_seen + excluded.first_seen, last_seen = last_seen + excluded.last_seen`,
    );
    for (const [key, delta] of this.#deltas) {
      upsert.run(
        Math.floor(key / SLOTS),
        key % SLOTS,
        delta.events,
        delta.pageviews,
        delta.bots,
        delta.visits,
        delta.referrals,
        delta.bounces,
        delta.engaged,
        delta.firstSeen,
        delta.lastSeen,
      );
    }
    this.#deltas.clear();
  }

  rolledBack(): void {
    this.#deltas.clear();
  }
}
