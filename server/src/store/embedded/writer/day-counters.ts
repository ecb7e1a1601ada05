import { DAY_MS, utcDay } from '../../../domain/clock.ts';
import type { Entry } from '../../contract/store.ts';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import type { StringTable } from '../tables/string-table.ts';
import type { CommitPart } from './commit-part.ts';

/** The amounts that a commit adds to a site's day. */
interface DayDelta {
  siteId: string;
  day: number;
  events: number;
  changes: number;
}

/** The counters of events per site and UTC day, and the seals of those days. */
export class DayCounters implements CommitPart {
  readonly #db: Database;
  readonly #strings: StringTable;
  readonly #deltas = new Map<string, DayDelta>();
  #newestSealedDay: number;

  constructor(db: Database, strings: StringTable) {
    this.#db = db;
    this.#strings = strings;
    this.#newestSealedDay = this.#readNewestSealedDay();
  }

  /** Counts a stored entry. Every entry adds to its day's changes; only an event also adds to the day's events. */
  add({ siteId, receivedAtMs, kind }: Entry): void {
    const day = utcDay(receivedAtMs);
    const key = `${siteId}\n${day}`;
    let delta = this.#deltas.get(key);
    if (delta === undefined) {
      delta = { siteId, day, events: 0, changes: 0 };
      this.#deltas.set(key, delta);
    }
    if (kind === 'event') delta.events += 1;
    delta.changes += 1;
  }

  /** Seals a site's day, unless it changed since its rollup was computed. @param changes the counter of changes at that time */
  seal({ siteId, day, changes }: { siteId: string; day: number; changes: number }): void {
    const sealed = prepared(
      this.#db,
      `INSERT OR IGNORE INTO sealed (site, day) SELECT site, day FROM counters WHERE site = ? AND day = ? AND changes = ?`,
    ).run(this.#strings.site(siteId), day, changes);
    if (sealed.changes === 1) this.#newestSealedDay = Math.max(this.#newestSealedDay, day);
  }

  flush(): void {
    for (const delta of this.#deltas.values()) this.#count(delta);
    this.#deltas.clear();
  }

  rolledBack(): void {
    this.#deltas.clear();
    this.#newestSealedDay = this.#readNewestSealedDay();
  }

  #count({ siteId, day, events, changes }: DayDelta): void {
    const site = this.#strings.site(siteId);
    prepared(
      this.#db,
      `INSERT INTO counters (site, day, events, changes) VALUES (?, ?, ?, ?)
       ON CONFLICT (site, day) DO UPDATE SET events = events + excluded.events, changes = changes + excluded.changes`,
    ).run(site, day, events, changes);
    if (day <= this.#newestSealedDay) this.#unseal(site, day);
  }

  /** Unseals the day of a late entry, so that breakdowns read its rows again, unless retention has deleted them. */
  #unseal(site: number, day: number): void {
    prepared(
      this.#db,
      `DELETE FROM sealed WHERE site = :site AND day = :day
         AND NOT EXISTS (SELECT 1 FROM expired WHERE site = :site AND before_at > :day * ${DAY_MS})`,
    ).run({ site, day });
  }

  #readNewestSealedDay(): number {
    return Number(prepared(this.#db, 'SELECT coalesce(max(day), -1) AS day FROM sealed').get()?.day);
  }
}
