import { type Database, prepared } from '../../drivers/sqlite.ts';
import type { RollupMeasures } from '../tables/dimension-rollups.ts';

/** Numbers of one value over a range of sealed days. */
export type DimensionSum = RollupMeasures & { value: number };

/** Sums held, by value: some hundred bytes each. */
const MAX_CACHED_SUMS = 100_000;

/**
 * Sums of the rollup behind breakdowns. Those asked for last are held: a dashboard that refreshes asks for the same ones, and
 * days that are over do not change.
 */
export class DimensionSums {
  readonly #db: Database;
  readonly #held = new Map<string, DimensionSum[]>();
  #sumsHeld = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  /** @param range days that are all sealed */
  get(range: { site: number; dimension: number; firstDay: number; lastDay: number }): DimensionSum[] {
    const { site, dimension, firstDay, lastDay } = range;
    // A day that was opened and sealed again has changed.
    const changes = prepared(
      this.#db,
      'SELECT sum(changes) AS changes FROM counters WHERE site = ? AND day BETWEEN ? AND ?',
    ).get(site, firstDay, lastDay)?.changes;
    const key = `${site} ${dimension} ${firstDay} ${lastDay} ${changes}`;
    const known = this.#held.get(key);
    if (known !== undefined) return known;
    const read = this.#read(range);
    if (this.#sumsHeld + read.length > MAX_CACHED_SUMS) {
      this.#held.clear();
      this.#sumsHeld = 0;
    }
    if (read.length <= MAX_CACHED_SUMS) {
      this.#held.set(key, read);
      this.#sumsHeld += read.length;
    }
    return read;
  }

  #read({
    site,
    dimension,
    firstDay,
    lastDay,
  }: {
    site: number;
    dimension: number;
    firstDay: number;
    lastDay: number;
  }): DimensionSum[] {
    const select = prepared(
      this.#db,
      `SELECT value, sum(visitors), sum(visits), sum(pageviews), sum(events), sum(referrals), sum(bounces), sum(engaged),
         sum(bots) FROM facets WHERE site = ? AND dimension = ? AND day BETWEEN ? AND ? GROUP BY value`,
    );
    select.setReturnArrays(true);
    // With arrays switched on, rows are arrays of the columns, which are all numbers.
    const rows = select.all(site, dimension, firstDay, lastDay) as unknown as number[][];
    return rows.map((row) => ({
      value: row[0] ?? 0,
      visitors: row[1] ?? 0,
      visits: row[2] ?? 0,
      pageviews: row[3] ?? 0,
      events: row[4] ?? 0,
      referrals: row[5] ?? 0,
      bounces: row[6] ?? 0,
      engaged: row[7] ?? 0,
      bots: row[8] ?? 0,
    }));
  }
}
