import { hash } from 'node:crypto';
import { type Database, prepared } from '../driver.ts';
import { type Profile, readProfile } from '../profile.ts';

/** Texts and profiles remembered per reader; what is not remembered is looked up again. */
const HELD = 50_000;

/** The dictionary from the reading side. Numbers never change their meaning, so nothing remembered grows old. */
export class Texts {
  readonly #db: Database;
  readonly #texts = new Map<number, string>();
  readonly #profiles = new Map<number, Profile>();

  constructor(db: Database) {
    this.#db = db;
  }

  text(id: number): string {
    return held(this.#texts, id, () =>
      String(prepared(this.#db, 'SELECT text FROM texts WHERE id = ?').get(id)?.text),
    );
  }

  profile(id: number): Profile {
    return held(this.#profiles, id, () =>
      readProfile(String(prepared(this.#db, 'SELECT text FROM texts WHERE id = ?').get(id)?.text)),
    );
  }

  /** The number of a text; null where it was never stored. */
  find(text: string): number | null {
    const found = prepared(this.#db, 'SELECT id FROM texts WHERE hash = ? AND text = ?').get(
      hash('sha256', text, 'buffer').readBigInt64LE(),
      text,
    );
    return found === undefined ? null : Number(found.id);
  }

  /** The number of a site; null where nothing was ever stored of it. */
  site(siteId: string): number | null {
    const found = prepared(this.#db, 'SELECT id FROM sites WHERE site = ?').get(siteId);
    return found === undefined ? null : Number(found.id);
  }
}

function held<T>(cache: Map<number, T>, id: number, find: () => T): T {
  const known = cache.get(id);
  if (known !== undefined) return known;
  const found = find();
  if (cache.size >= HELD) cache.clear();
  cache.set(id, found);
  return found;
}
