import { type Database, prepared } from '../../drivers/sqlite.ts';

/** Maximum sites whose newest row is cached. Those of other sites are looked up. */
const MAX_CACHED_SITES = 10_000;

/** Numbers the rows of the same site and millisecond without a query for each. */
export class Ordinals {
  readonly #db: Database;
  readonly #table: 'events' | 'bots';
  readonly #newest = new Map<number, { at: number; n: number }>();

  constructor(db: Database, table: 'events' | 'bots') {
    this.#db = db;
    this.#table = table;
  }

  /** Returns the next unused number for a site and instant, and marks it as used. */
  next(site: number, at: number): number {
    const newest = this.#newest.get(site) ?? this.#read(site);
    if (at < newest.at) return this.#nextAmongOlder(site, at);
    newest.n = at === newest.at ? newest.n + 1 : 0;
    newest.at = at;
    return newest.n;
  }

  rolledBack(): void {
    this.#newest.clear();
  }

  #read(site: number): { at: number; n: number } {
    const row = prepared(
      this.#db,
      `SELECT at, n FROM ${this.#table} WHERE site = ? ORDER BY at DESC, n DESC LIMIT 1`,
    ).get(site);
    const newest = { at: Number(row?.at ?? -1), n: Number(row?.n ?? -1) };
    if (this.#newest.size >= MAX_CACHED_SITES) this.#newest.clear();
    this.#newest.set(site, newest);
    return newest;
  }

  #nextAmongOlder(site: number, at: number): number {
    return Number(
      prepared(
        this.#db,
        `SELECT coalesce(max(n) + 1, 0) AS n FROM ${this.#table} WHERE site = ? AND at = ?`,
      ).get(site, at)?.n,
    );
  }
}
