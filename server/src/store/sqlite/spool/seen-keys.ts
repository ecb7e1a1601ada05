import { HOUR_MS } from '../../../clock.ts';
import { type Database, prepared } from '../driver.ts';

/** Days besides the current one whose keys are still looked at: the window is 48 hours. */
const DAYS_BACK = 2;
/** A new day must have lasted this long before old keys go: a clock that jumps ahead and back loses none. */
const DAY_SETTLED_MS = HOUR_MS;
/** Old keys deleted per commit, so that no commit gets long. */
const FORGOTTEN_PER_COMMIT = 2_000;

/** Deduplication keys of the last days. */
export class SeenKeys {
  readonly #db: Database;
  /** Days for which keys are stored: at most a few. */
  #days: Set<number>;
  #newestDay = { day: 0, sinceMs: 0 };

  constructor(db: Database) {
    this.#db = db;
    this.#days = this.#readDays();
  }

  /** Remembers a key; false where it was there already. */
  add(key: Uint8Array, day: number): boolean {
    for (const other of this.#days) {
      // Later days too: the clock may have been set back.
      if (other === day || other < day - DAYS_BACK) continue;
      if (prepared(this.#db, 'SELECT 1 FROM seen WHERE day = ? AND key = ?').get(other, key) !== undefined)
        return false;
    }
    this.#days.add(day);
    return (
      prepared(this.#db, 'INSERT OR IGNORE INTO seen (day, key) VALUES (?, ?)').run(day, key).changes === 1
    );
  }

  /** Deletes a bounded number of keys that are too old to matter. */
  forgetOld(day: number): void {
    const now = performance.now();
    if (day !== this.#newestDay.day) this.#newestDay = { day, sinceMs: now };
    if (now - this.#newestDay.sinceMs < DAY_SETTLED_MS) return;
    for (const old of this.#days) {
      if (old >= day - DAYS_BACK) continue;
      const { changes } = prepared(
        this.#db,
        'DELETE FROM seen WHERE (day, key) IN (SELECT day, key FROM seen WHERE day = ? LIMIT ?)',
      ).run(old, FORGOTTEN_PER_COMMIT);
      if (Number(changes) < FORGOTTEN_PER_COMMIT) this.#days.delete(old);
      return;
    }
  }

  /** After a rollback: nothing remembered is true. */
  reread(): void {
    this.#days = this.#readDays();
  }

  #readDays(): Set<number> {
    const days = new Set<number>();
    const next = prepared(this.#db, 'SELECT min(day) AS day FROM seen WHERE day > ?');
    for (let day = -1; ; ) {
      const found = next.get(day)?.day;
      if (typeof found !== 'number') return days;
      days.add(found);
      day = found;
    }
  }
}
