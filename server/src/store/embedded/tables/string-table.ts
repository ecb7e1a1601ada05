import { hash } from 'node:crypto';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import { IdSet } from './id-set.ts';

/** Maximum cached entries per table. */
const CACHE_ENTRIES = 20_000;
/** Maximum characters of a cached string, which limits the cache to some tens of megabytes. */
const CACHED_TEXT_MAX_CHARS = 1024;

/** The table that maps strings to the ids that rows hold in their place. New ids belong to the writer's transaction. */
export class StringTable {
  readonly #db: Database;
  readonly #texts = new Map<string, number>();
  readonly #sites = new Map<string, number>();
  /** The strings whose ids were used since the watch began; null if there is no watch. */
  #used: IdSet | null = null;

  constructor(db: Database) {
    this.#db = db;
  }

  text(text: string): number {
    const id = remembered(
      this.#texts,
      text,
      () =>
        this.find(text) ??
        Number(
          prepared(this.#db, 'INSERT INTO texts (hash, text) VALUES (?, ?)').run(hashOf(text), text)
            .lastInsertRowid,
        ),
    );
    this.#used?.add(id);
    return id;
  }

  /** Returns the id of a string, or null if it has none yet. */
  find(text: string): number | null {
    const id = this.#texts.get(text) ?? this.#stored(text);
    if (id !== null) this.#used?.add(id);
    return id;
  }

  textOrNull(text: string | null): number | null {
    return text === null ? null : this.text(text);
  }

  site(siteId: string): number {
    return remembered(this.#sites, siteId, () => {
      const found = prepared(this.#db, 'SELECT id FROM sites WHERE site = ?').get(siteId);
      return found === undefined
        ? Number(prepared(this.#db, 'INSERT INTO sites (site) VALUES (?)').run(siteId).lastInsertRowid)
        : Number(found.id);
    });
  }

  /** Clears the caches, because ids assigned in the transaction no longer exist. */
  rolledBack(): void {
    this.#texts.clear();
    this.#sites.clear();
  }

  /**
   * Makes an empty string the newest one. The newest stays so that no id is assigned twice, and it might otherwise be of a
   * deleted row. Nothing finds this one, so that the next collection removes it.
   */
  addPlaceholder(): void {
    prepared(
      this.#db,
      `INSERT INTO texts (hash, text) SELECT 0, ''
       WHERE NOT EXISTS (SELECT 1 FROM texts WHERE id = (SELECT max(id) FROM texts) AND hash = 0)`,
    ).run();
  }

  /** Starts recording which strings are used. @returns the id of the newest string, which cannot be removed */
  watch(): number {
    const newest = Number(prepared(this.#db, 'SELECT coalesce(max(id), 0) AS id FROM texts').get()?.id);
    this.#used = new IdSet(newest);
    return newest;
  }

  unwatch(): void {
    this.#used = null;
  }

  /** Deletes the given strings, all older than the watch, except those used since it began. @returns the number deleted */
  remove(ids: readonly number[]): number {
    const used = this.#used;
    if (used === null) return 0;
    const remove = prepared(this.#db, 'DELETE FROM texts WHERE id = ? RETURNING text');
    let removed = 0;
    for (const id of ids) {
      const row = used.has(id) ? undefined : remove.get(id);
      if (row === undefined) continue;
      this.#texts.delete(String(row.text));
      removed += 1;
    }
    return removed;
  }

  #stored(text: string): number | null {
    const found = prepared(this.#db, 'SELECT id FROM texts WHERE hash = ? AND text = ?').get(
      hashOf(text),
      text,
    );
    return found === undefined ? null : Number(found.id);
  }
}

function remembered(cache: Map<string, number>, text: string, find: () => number): number {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const id = find();
  if (text.length <= CACHED_TEXT_MAX_CHARS) {
    // Clearing the cache is simpler than tracking last use, and costs one look-up per string.
    if (cache.size >= CACHE_ENTRIES) cache.clear();
    cache.set(text, id);
  }
  return id;
}

function hashOf(text: string): bigint {
  return hash('sha256', text, 'buffer').readBigInt64LE();
}
