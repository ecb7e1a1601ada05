import { type Database, prepared } from '../../drivers/sqlite.ts';
import { type Profile, readProfile } from '../tables/profile.ts';

/** Maximum cached strings, and maximum cached profiles. */
const MAX_CACHED_TEXTS = 50_000;
/** Maximum characters of a cached string, which limits the cache to some tens of megabytes: properties may have 8 KiB. */
const CACHED_TEXT_MAX_CHARS = 512;

/** Reads strings by their ids, and caches them. An id always means the same string, so the cache is never outdated. */
export class Texts {
  readonly #db: Database;
  readonly #texts = new Map<number, string>();
  readonly #profiles = new Map<number, Profile>();

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

  profile(id: number): Profile {
    const known = this.#profiles.get(id);
    if (known !== undefined) return known;
    const profile = readProfile(this.#stored(id));
    hold(this.#profiles, id, profile);
    return profile;
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
