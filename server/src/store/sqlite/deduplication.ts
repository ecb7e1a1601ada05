import { hash } from 'node:crypto';
import { type Database, prepared } from './driver.ts';
import { KEY_BYTES, type Key, KeyTable } from './key-table.ts';

/** Days besides the current one whose keys are still looked at: the window is 48 hours. */
const DAYS_BACK = 2;
/** Keys of a day held in memory, which take 48 MiB; those of the three days that matter 144 MiB. */
const KEYS_HELD_PER_DAY = 3 * 2 ** 20;
/**
 * Keys that share a row: five such rows fill a page of 4 KiB. Rows of more than a quarter of a page would take further pages
 * each for themselves: https://www.sqlite.org/fileformat2.html#payload
 */
const KEYS_PER_ROW = 64;
/** Rows of old keys deleted per commit, so that no commit gets long. */
const ROWS_FORGOTTEN_PER_COMMIT = 1_000;

/** The keys of a UTC day. */
interface Day {
  readonly day: number;
  readonly table: KeyTable;
  /** Number of the newest row of keys. */
  lastRow: number;
  /** Whether there are keys that had no room in memory. */
  hasMore: boolean;
  /** Keys that the commit adds, in order. */
  readonly added: Key[];
}

/**
 * The ids seen within 48 hours. The new keys of a commit go to disk together, at the end of their table, and are looked up
 * in memory, which is filled from these rows at start: an index by key would touch another page of the file for every event.
 * Only the keys of a day that had no room in memory are kept in such an index.
 */
export class Deduplication {
  readonly #db: Database;
  readonly #keysHeldPerDay: number;
  /** At most a few. */
  readonly #days = new Map<number, Day>();
  /** Keys that the commit may add. */
  #mostAdded = 0;
  /** A day of which the commit deletes the last key. */
  #finished: number | null = null;

  constructor(db: Database, keysHeldPerDay = KEYS_HELD_PER_DAY) {
    this.#db = db;
    this.#keysHeldPerDay = keysHeldPerDay;
    for (const day of this.#storedDays()) this.#load(this.#begin(day));
  }

  /** Begins a commit. @param mostAdded how many keys it may add */
  begin(mostAdded: number): void {
    this.#mostAdded = mostAdded;
    for (const { table } of this.#days.values()) this.#reserve(table);
  }

  /** Remembers an id of a site; false where it was there already. */
  firstTime(siteId: string, id: string, day: number): boolean {
    const key = keyOf(siteId, id);
    for (const other of this.#days.values()) {
      // Later days too: the clock may have been set back.
      if (other.day !== day && other.day >= day - DAYS_BACK && this.#knows(other, key)) return false;
    }
    const today = this.#days.get(day) ?? this.#begin(day);
    if (this.#knows(today, key)) return false;
    if (today.table.size >= this.#keysHeldPerDay) {
      prepared(this.#db, 'INSERT INTO seen_more (day, key) VALUES (?, ?)').run(day, toBytes([key]));
      today.hasMore = true;
    } else {
      today.table.add(key);
      today.added.push(key);
    }
    return true;
  }

  /** Writes what the commit adds, and deletes a bounded number of the oldest keys of days before one. */
  write({ forgetBeforeDay }: { forgetBeforeDay: number }): void {
    for (const today of this.#days.values()) {
      for (let i = 0; i < today.added.length; i += KEYS_PER_ROW) {
        today.lastRow += 1;
        prepared(this.#db, 'INSERT INTO seen (day, n, keys) VALUES (?, ?, ?)').run(
          today.day,
          today.lastRow,
          toBytes(today.added.slice(i, i + KEYS_PER_ROW)),
        );
      }
    }
    const oldest = Math.min(...this.#days.keys());
    if (oldest < forgetBeforeDay) this.#forget(oldest);
  }

  /** The commit is on disk. */
  committed(): void {
    for (const { added } of this.#days.values()) added.length = 0;
    if (this.#finished !== null) this.#days.delete(this.#finished);
    this.#finished = null;
  }

  /** Nothing of the commit is on disk: memory goes back to what is. */
  rolledBack(): void {
    this.#finished = null;
    for (const today of this.#days.values()) {
      for (const key of today.added.reverse()) today.table.removeLast(key);
      today.added.length = 0;
      Object.assign(today, this.#stored(today.day));
    }
  }

  #knows({ day, table, hasMore }: Day, key: Key): boolean {
    return (
      table.has(key) ||
      (hasMore &&
        prepared(this.#db, 'SELECT 1 FROM seen_more WHERE day = ? AND key = ?').get(day, toBytes([key])) !==
          undefined)
    );
  }

  #begin(day: number): Day {
    const begun = { day, table: new KeyTable(), added: [], ...this.#stored(day) };
    this.#reserve(begun.table);
    this.#days.set(day, begun);
    return begun;
  }

  /** Makes room for what the commit may add, and for no more than may be held. */
  #reserve(table: KeyTable): void {
    table.reserve(Math.max(0, Math.min(this.#mostAdded, this.#keysHeldPerDay - table.size)));
  }

  #stored(day: number): Pick<Day, 'lastRow' | 'hasMore'> {
    const one = (sql: string) => prepared(this.#db, sql).get(day)?.n;
    return {
      lastRow: Number(one('SELECT coalesce(max(n), 0) AS n FROM seen WHERE day = ?')),
      hasMore: one('SELECT 1 AS n FROM seen_more WHERE day = ? LIMIT 1') !== undefined,
    };
  }

  #storedDays(): number[] {
    const next = prepared(
      this.#db,
      `SELECT min(day) AS day FROM
         (SELECT min(day) AS day FROM seen WHERE day > ?1 UNION ALL SELECT min(day) FROM seen_more WHERE day > ?1)`,
    );
    const days: number[] = [];
    for (;;) {
      const day = next.get(days.at(-1) ?? -1)?.day;
      if (typeof day !== 'number') return days;
      days.push(day);
    }
  }

  /** At start, with millions of keys: in place, and into a table that does not grow on the way. */
  #load({ day, table }: Day): void {
    const stored = prepared(
      this.#db,
      'SELECT coalesce(sum(length(keys)), 0) AS bytes FROM seen WHERE day = ?',
    );
    table.reserve(Number(stored.get(day)?.bytes) / KEY_BYTES);
    for (const row of prepared(this.#db, 'SELECT keys FROM seen WHERE day = ?').iterate(day)) {
      const { buffer, byteOffset, length } = row.keys as Uint8Array; // BLOB NOT NULL
      const keys = new DataView(buffer, byteOffset, length);
      for (let at = 0; at < length; at += KEY_BYTES) table.add(keyAt(keys, at));
    }
  }

  #forget(day: number): void {
    const removed = [
      'DELETE FROM seen WHERE (day, n) IN (SELECT day, n FROM seen WHERE day = ? LIMIT ?)',
      'DELETE FROM seen_more WHERE (day, key) IN (SELECT day, key FROM seen_more WHERE day = ? LIMIT ?)',
    ].map((sql) => Number(prepared(this.#db, sql).run(day, ROWS_FORGOTTEN_PER_COMMIT).changes));
    if (removed.every((rows) => rows < ROWS_FORGOTTEN_PER_COMMIT)) this.#finished = day;
  }
}

/** Sites' ids hold no line breaks, so that no two pairs are written alike. */
function keyOf(siteId: string, id: string): Key {
  // Unpaired surrogates would all become the same character in UTF-8; JSON escapes each.
  const name = id.isWellFormed() ? `${siteId}\n${id}` : `${siteId}\r${JSON.stringify(id)}`;
  // As text: making a buffer for it takes longer than the hash.
  const digest = hash('sha256', name, 'binary');
  return { a: wordAt(digest, 0), b: wordAt(digest, 4), c: wordAt(digest, 8) };
}

function wordAt(text: string, at: number): number {
  return (
    (text.charCodeAt(at) |
      (text.charCodeAt(at + 1) << 8) |
      (text.charCodeAt(at + 2) << 16) |
      (text.charCodeAt(at + 3) << 24)) >>>
    0
  );
}

function toBytes(keys: readonly Key[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(keys.length * KEY_BYTES);
  for (const [i, { a, b, c }] of keys.entries()) {
    bytes.writeUInt32LE(a, i * KEY_BYTES);
    bytes.writeUInt32LE(b, i * KEY_BYTES + 4);
    bytes.writeUInt32LE(c, i * KEY_BYTES + 8);
  }
  return bytes;
}

function keyAt(keys: DataView, at: number): Key {
  return { a: keys.getUint32(at, true), b: keys.getUint32(at + 4, true), c: keys.getUint32(at + 8, true) };
}
