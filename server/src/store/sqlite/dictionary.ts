import { hash } from 'node:crypto';
import { type Database, prepared } from './driver.ts';
import { IdSet } from './id-set.ts';

/** Most entries remembered per table; what is not remembered is looked up again. */
const CACHE_ENTRIES = 20_000;
/** Longer texts are not remembered, so that the cache stays within some tens of megabytes. */
const CACHED_TEXT_MAX_CHARS = 1024;

/**
 * Numbers for texts, made within the writer's transaction. After a rollback call `forget`: numbers handed out since may
 * not exist.
 */
export class Dictionary {
  readonly #db: Database;
  readonly #texts = new Map<string, number>();
  readonly #sites = new Map<string, number>();
  /** While texts are watched: those handed out since. */
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

  /** The number of a text, or null where it has none yet. */
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

  forget(): void {
    this.#texts.clear();
    this.#sites.clear();
  }

  /** Notes from now on which texts are handed out. @returns the number of the newest text, which can not be removed */
  watch(): number {
    const newest = Number(prepared(this.#db, 'SELECT coalesce(max(id), 0) AS id FROM texts').get()?.id);
    this.#used = new IdSet(newest);
    return newest;
  }

  unwatch(): void {
    this.#used = null;
  }

  /** Deletes those of some texts, older than the watch, that were not handed out since it began. @returns how many */
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
    // Starting over is simpler than ordering by last use, and costs one look-up per text.
    if (cache.size >= CACHE_ENTRIES) cache.clear();
    cache.set(text, id);
  }
  return id;
}

function hashOf(text: string): bigint {
  return hash('sha256', text, 'buffer').readBigInt64LE();
}
