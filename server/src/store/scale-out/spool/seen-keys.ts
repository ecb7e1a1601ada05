import { type Database, prepared } from '../../drivers/sqlite.ts';
import { DEDUPLICATION_DAYS, KeyExpiry } from '../../shared/deduplication.ts';

/** Maximum old keys deleted per commit, so that commits stay short. */
const FORGOTTEN_PER_COMMIT = 2_000;

/** The deduplication keys of recent days. */
export class SeenKeys {
  readonly #db: Database;
  /** The days for which keys are stored, at most a few. */
  #days: Set<number>;
  readonly #expiry = new KeyExpiry();

  constructor(db: Database) {
    this.#db = db;
    this.#days = this.#readDays();
  }

  /** Records a key. Returns false if it was seen before. */
  add(key: Uint8Array, day: number): boolean {
    for (const other of this.#days) {
      // Later days count too, since the clock may have been set back.
      if (other === day || other < day - DEDUPLICATION_DAYS) continue;
      if (prepared(this.#db, 'SELECT 1 FROM seen WHERE day = ? AND key = ?').get(other, key) !== undefined)
        return false;
    }
    this.#days.add(day);
    return (
      prepared(this.#db, 'INSERT OR IGNORE INTO seen (day, key) VALUES (?, ?)').run(day, key).changes === 1
    );
  }

  /** Deletes a bounded number of keys that are outside the deduplication window. */
  forgetOld(day: number): void {
    const firstDayKept = this.#expiry.firstDayKept(day);
    for (const old of this.#days) {
      if (old >= firstDayKept) continue;
      const { changes } = prepared(
        this.#db,
        'DELETE FROM seen WHERE (day, key) IN (SELECT day, key FROM seen WHERE day = ? LIMIT ?)',
      ).run(old, FORGOTTEN_PER_COMMIT);
      if (Number(changes) < FORGOTTEN_PER_COMMIT) this.#days.delete(old);
      return;
    }
  }

  /** Clears the cache after a rollback, because it may contain keys that were not stored. */
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
