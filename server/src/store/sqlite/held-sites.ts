import type { Site } from '../store.ts';
import { type Database, prepared } from './driver.ts';

/** Sites held in memory, of all accounts together. */
const SITES_HELD = 20_000;

/**
 * Accounts' sites as they were read last, until anything at all is written to the file: by this connection or by another,
 * which is asked for each time. https://www.sqlite.org/pragma.html#pragma_data_version
 */
export class HeldSites {
  readonly #db: Database;
  readonly #byAccount = new Map<string, readonly Site[]>();
  #held = 0;
  #ownChanges: unknown;
  #otherChanges: unknown;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The same list as the last time, unless something was written. */
  of(accountId: string, read: () => readonly Site[]): readonly Site[] {
    const own = prepared(this.#db, 'SELECT total_changes() AS n').get()?.n;
    const other = prepared(this.#db, 'PRAGMA data_version').get()?.data_version;
    if (own !== this.#ownChanges || other !== this.#otherChanges) this.#clear();
    this.#ownChanges = own;
    this.#otherChanges = other;
    const held = this.#byAccount.get(accountId);
    if (held !== undefined) return held;
    const sites = read();
    if (this.#held + sites.length > SITES_HELD) this.#clear();
    this.#byAccount.set(accountId, sites);
    this.#held += sites.length;
    return sites;
  }

  #clear(): void {
    this.#byAccount.clear();
    this.#held = 0;
  }
}
