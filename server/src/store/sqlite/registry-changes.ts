import { type Database, prepared, translated } from './driver.ts';

/**
 * Tells whether rows that are held in memory may have changed in the file. Writes of this connection are seen by triggers,
 * those of others by SQLite's own count of them: https://www.sqlite.org/pragma.html#pragma_data_version
 */
export class RegistryChanges {
  readonly #db: Database;
  #seen = 0;
  #dataVersion: unknown;
  /** Whether SQLite was asked in this turn of the event loop. */
  #asked = false;

  /** @param watched the tables that are held in memory, each with the columns that are, apart by commas */
  constructor(db: Database, watched: Readonly<Record<string, string>>) {
    this.#db = db;
    db.function('held_row_changed', () => {
      this.#seen += 1;
      return null;
    });
    for (const [table, columns] of Object.entries(watched)) {
      for (const [name, change] of [
        ['added', 'INSERT'],
        ['changed', `UPDATE OF ${columns}`],
        ['removed', 'DELETE'],
      ]) {
        db.exec(
          `CREATE TEMP TRIGGER ${table}_${name} AFTER ${change} ON main.${table} BEGIN SELECT held_row_changed(); END`,
        );
      }
    }
  }

  /**
   * Grows with every change, and with writes of other connections to anything at all, seen from the next turn of the event
   * loop on: who asks after a change is read in a later turn than those who asked before it.
   *
   * @throws StoreUnavailable
   */
  count(): number {
    if (!this.#asked) this.#askSqlite();
    return this.#seen;
  }

  #askSqlite(): void {
    const version = translated(() => prepared(this.#db, 'PRAGMA data_version').get()?.data_version);
    if (version !== this.#dataVersion) {
      this.#dataVersion = version;
      this.#seen += 1;
    }
    this.#asked = true;
    setImmediate(() => {
      this.#asked = false;
    });
  }
}
