import { hash } from 'node:crypto';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import { type Profile, readProfile } from '../tables/profile.ts';

/** Texts and profiles remembered per reader; what is not remembered is looked up again. */
const MAX_CACHED_TEXTS = 50_000;
/** Longer texts are not remembered, so that memory stays within some tens of megabytes: properties may have 8 KiB. */
const HELD_TEXT_MAX_CHARS = 512;

/** The dictionary from the reading side. Numbers never change their meaning, so nothing remembered grows old. */
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
    if (text.length <= HELD_TEXT_MAX_CHARS) hold(this.#texts, id, text);
    return text;
  }

  profile(id: number): Profile {
    const known = this.#profiles.get(id);
    if (known !== undefined) return known;
    const profile = readProfile(this.#stored(id));
    hold(this.#profiles, id, profile);
    return profile;
  }

  /** The number of a text; null if it was never stored. */
  find(text: string): number | null {
    const found = prepared(this.#db, 'SELECT id FROM texts WHERE hash = ? AND text = ?').get(
      hash('sha256', text, 'buffer').readBigInt64LE(),
      text,
    );
    return found === undefined ? null : Number(found.id);
  }

  #stored(id: number): string {
    return String(prepared(this.#db, 'SELECT text FROM texts WHERE id = ?').get(id)?.text);
  }

  /** The number of a site; null if nothing was ever stored of it. */
  site(siteId: string): number | null {
    const found = prepared(this.#db, 'SELECT id FROM sites WHERE site = ?').get(siteId);
    return found === undefined ? null : Number(found.id);
  }
}

function hold<T>(cache: Map<number, T>, id: number, value: T): void {
  if (cache.size >= MAX_CACHED_TEXTS) cache.clear();
  cache.set(id, value);
}
