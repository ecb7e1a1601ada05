import { type Database, prepared } from '../../drivers/sqlite.ts';
import type { Profile } from '../../shared/profile.ts';
import { type ProfilePart, readPart } from '../tables/profile.ts';

/** Maximum cached strings, and maximum cached profiles' parts. */
const MAX_CACHED_TEXTS = 50_000;
/** Maximum characters of a cached string, which limits the cache to some tens of megabytes: properties may have 8 KiB. */
const CACHED_TEXT_MAX_CHARS = 512;

/** Reads strings by their ids, and caches them. An id always means the same string, so the cache is never outdated. */
export class Texts {
  readonly #db: Database;
  readonly #texts = new Map<number, string>();
  readonly #parts: Readonly<Record<ProfilePart, Map<number, Partial<Profile>>>> = {
    profile: new Map(),
    agent: new Map(),
    place: new Map(),
  };

  constructor(db: Database) {
    this.#db = db;
  }

  text(id: number): string {
    const known = this.#texts.get(id);
    if (known !== undefined) return known;
    const text = this.#stored(id);
    if (text.length <= CACHED_TEXT_MAX_CHARS) hold(this.#texts, id, text);
    return text;
  }

  /** Reads a part of a profile. The same text may be of several parts. */
  part(part: ProfilePart, id: number): Partial<Profile> {
    const parts = this.#parts[part];
    const known = parts.get(id);
    if (known !== undefined) return known;
    const read = readPart(part, this.#stored(id));
    hold(parts, id, read);
    return read;
  }

  #stored(id: number): string {
    return String(prepared(this.#db, 'SELECT text FROM texts WHERE id = ?').get(id)?.text);
  }

  /** Returns the number of a site, or null if nothing was ever stored for it. */
  site(siteId: string): number | null {
    const found = prepared(this.#db, 'SELECT id FROM sites WHERE site = ?').get(siteId);
    return found === undefined ? null : Number(found.id);
  }
}

function hold<T>(cache: Map<number, T>, id: number, value: T): void {
  if (cache.size >= MAX_CACHED_TEXTS) cache.clear();
  cache.set(id, value);
}
