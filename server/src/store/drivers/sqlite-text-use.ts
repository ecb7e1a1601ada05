import type { TextUse } from '../shared/text-budget.ts';
import { type Database, prepared } from './sqlite.ts';

/** The migration that creates the table of `TextUseTable`, for the file of any engine. */
export const TEXT_USE_MIGRATION = `
  -- How much text sites have stored on recent UTC days, of those that stored much. See text-budget.ts.
  CREATE TABLE text_use (
    site TEXT NOT NULL,
    day INTEGER NOT NULL,
    texts INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (site, day)
  ) STRICT, WITHOUT ROWID;
  `;

/** How many days a site's use is kept. An entry may be received two days before the newest one. */
const KEPT_DAYS = 3;

/** The stored use of text. */
export class TextUseTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  read(): TextUse[] {
    return prepared(this.#db, 'SELECT site, day, texts, bytes FROM text_use')
      .all()
      .map(({ site, day, texts, bytes }) => ({
        siteId: String(site),
        day: Number(day),
        texts: Number(texts),
        bytes: Number(bytes),
      }));
  }

  /** Writes the use of sites, and deletes that of earlier days. */
  write(uses: readonly TextUse[]): void {
    for (const { siteId, day, texts, bytes } of uses) {
      prepared(
        this.#db,
        `INSERT INTO text_use (site, day, texts, bytes) VALUES (?, ?, ?, ?)
         ON CONFLICT (site, day) DO UPDATE SET texts = excluded.texts, bytes = excluded.bytes`,
      ).run(siteId, day, texts, bytes);
      prepared(this.#db, 'DELETE FROM text_use WHERE day < ?').run(day - KEPT_DAYS);
    }
  }
}
