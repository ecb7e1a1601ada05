import { hash } from 'node:crypto';
import { type Database, prepared } from './driver.ts';

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

  constructor(db: Database) {
    this.#db = db;
  }

  text(text: string): number {
    return remembered(
      this.#texts,
      text,
      () =>
        this.find(text) ??
        Number(
          prepared(this.#db, 'INSERT INTO texts (hash, text) VALUES (?, ?)').run(hashOf(text), text)
            .lastInsertRowid,
        ),
    );
  }

  /** The number of a text, or null where it has none yet. */
  find(text: string): number | null {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const found = prepared(this.#db, 'SELECT id FROM texts WHERE hash = ? AND text = ?').get(
      hashOf(text),
      text,
    );
    return found === undefined ? null : Number(found.id);
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
