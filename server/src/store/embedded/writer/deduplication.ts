import { hash } from 'node:crypto';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import { DEDUPLICATION_DAYS } from '../../shared/deduplication.ts';
import type { CommitPart } from './commit-part.ts';
import { KEY_BYTES, type Key, KeyTable } from './key-table.ts';

/** Maximum cached keys of a day. They take 48 MiB, and the three days of the window 144 MiB. */
const MAX_CACHED_KEYS_PER_DAY = 3 * 2 ** 20;
/**
 * Keys per row. Five such rows fill a page of 4 KiB; a row of more than a quarter of a page would need overflow pages:
 * https://www.sqlite.org/fileformat2.html#payload
 */
const KEYS_PER_ROW = 64;
/** Maximum rows of old keys deleted per commit, so that commits stay short. */
const ROWS_FORGOTTEN_PER_COMMIT = 1_000;

/** The deduplication keys of a UTC day. */
interface Day {
  readonly day: number;
  readonly table: KeyTable;
  /** The number of the newest row of keys. */
  lastRow: number;
  /** Whether some keys did not fit in memory. */
  hasMore: boolean;
  /** The keys that the commit adds, in order. */
  readonly added: Key[];
}

/**
 * The event ids seen within 48 hours. A commit appends its new keys to the end of their table together. Look-ups use memory,
 * which is filled from the table at start, because an index by key would touch another page of the file for every event.
 * Only keys that do not fit in memory are stored in such an index.
 */
export class Deduplication implements CommitPart {
  readonly #db: Database;
  readonly #keysHeldPerDay: number;
  /** The days in the window, at most a few. */
  readonly #days = new Map<number, Day>();
  /** Maximum keys that the commit may add. */
  #mostAdded = 0;
  /** The day whose last key the commit deletes; null if there is none. */
  #finished: number | null = null;

  constructor(db: Database, keysHeldPerDay = MAX_CACHED_KEYS_PER_DAY) {
    this.#db = db;
    this.#keysHeldPerDay = keysHeldPerDay;
    for (const day of this.#storedDays()) this.#load(this.#begin(day));
  }

  /** Begins a commit. @param mostAdded maximum keys that it may add */
  begin(mostAdded: number): void {
    this.#mostAdded = mostAdded;
    for (const { table } of this.#days.values()) this.#reserve(table);
  }

  /** Records an id of a site. Returns false if it was seen before. */
  firstTime(siteId: string, id: string, day: number): boolean {
    const key = keyOf(siteId, id);
    for (const other of this.#days.values()) {
      // Later days count too, since the clock may have been set back.
      if (other.day !== day && other.day >= day - DEDUPLICATION_DAYS && this.#knows(other, key)) return false;
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

  /** Writes the keys that the commit adds, and deletes a bounded number of the oldest keys that are no longer needed. */
  flush({ forgetKeysBeforeDay }: { forgetKeysBeforeDay: number }): void {
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
    if (oldest < forgetKeysBeforeDay) this.#forget(oldest);
  }

  committed(): void {
    for (const { added } of this.#days.values()) added.length = 0;
    if (this.#finished !== null) this.#days.delete(this.#finished);
    this.#finished = null;
  }

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

  /** Reserves room for the keys that the commit may add, up to the maximum of the cache. */
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
         (SELECT min(day) AS day FROM seen WHERE day > :day UNION ALL SELECT min(day) FROM seen_more WHERE day > :day)`,
    );
    const days: number[] = [];
    for (;;) {
      const day = next.get({ day: days.at(-1) ?? -1 })?.day;
      if (typeof day !== 'number') return days;
      days.push(day);
    }
  }

  /** Loads a day's keys at start. There may be millions, so it first gives the table its final size. */
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

/** Hashes a site and an id. Site ids contain no line breaks, so no two pairs have the same text. */
function keyOf(siteId: string, id: string): Key {
  // UTF-8 would turn every unpaired surrogate into the same character, so JSON escapes them.
  const name = id.isWellFormed() ? `${siteId}\n${id}` : `${siteId}\r${JSON.stringify(id)}`;
  // The digest is a string, because creating a buffer takes longer than the hash.
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
