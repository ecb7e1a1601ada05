import { utcDay } from '../../../domain/clock.ts';
import type { Entry } from '../../contract/store.ts';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import type { StringTable } from '../tables/string-table.ts';
import type { CommitPart } from './commit-part.ts';
import type { Segments } from './segments.ts';

/** The amounts that a commit adds to a site's day. */
interface DayDelta {
  siteId: string;
  day: number;
  events: number;
  changes: number;
}

/** The counters of events per site and UTC day. */
export class DayCounters implements CommitPart {
  readonly #db: Database;
  readonly #strings: StringTable;
  readonly #segments: Segments;
  readonly #deltas = new Map<string, DayDelta>();

  constructor(db: Database, strings: StringTable, segments: Segments) {
    this.#db = db;
    this.#strings = strings;
    this.#segments = segments;
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

  flush(): void {
    for (const delta of this.#deltas.values()) this.#count(delta);
    this.#deltas.clear();
  }

  rolledBack(): void {
    this.#deltas.clear();
  }

  #count({ siteId, day, events, changes }: DayDelta): void {
    const site = this.#strings.site(siteId);
    prepared(
      this.#db,
      `INSERT INTO counters (site, day, events, changes) VALUES (?, ?, ?, ?)
       ON CONFLICT (site, day) DO UPDATE SET events = events + excluded.events, changes = changes + excluded.changes`,
    ).run(site, day, events, changes);
    this.#segments.unseal(site, day);
  }
}
