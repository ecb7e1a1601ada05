import type { Dimension } from '../../../domain/dimensions.ts';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import type { StringTable } from './string-table.ts';

/** The rollup by dimension, which breakdowns are answered from. The reader computes it and the writer stores it. */

/** The dimensions of rollups. They are stored by position, so add new ones only at the end. */
export const FACETS: readonly Exclude<Dimension, `prop:${string}`>[] = [
  'page',
  'entry',
  'exit',
  'host',
  'source',
  'channel',
  'campaign',
  'country',
  'device',
  'browser',
  'os',
  'event',
  'bot',
];

/** The number of changes from which a day gets rollups. Reading the rows of smaller days is just as fast. */
export const SEALED_FROM_CHANGES = 1_000;

/** The measures that a rollup stores, under the names of their columns. */
export interface RollupMeasures {
  visitors: number;
  visits: number;
  pageviews: number;
  events: number;
  referrals: number;
  bounces: number;
  engaged: number;
  bots: number;
}

export const NO_MEASURES: Readonly<RollupMeasures> = {
  visitors: 0,
  visits: 0,
  pageviews: 0,
  events: 0,
  referrals: 0,
  bounces: 0,
  engaged: 0,
  bots: 0,
};

/** The measures of one value on one day. */
export interface DimensionRollup extends RollupMeasures {
  /** The dimension's position in `FACETS`. */
  dimension: number;
  /** The value, as a string or its id in the string table; null if unknown. */
  value: string | number | null;
}

/** A part of the rollup of a site's day, small enough to write between two commits. */
export interface DaySeal {
  siteId: string;
  day: number;
  rows: readonly DimensionRollup[];
  /** Whether this is the first part, which replaces the rows of an earlier seal. */
  first: boolean;
  last: boolean;
  /** The day's counter of changes when the rollup was computed. */
  changes: number;
}

/** Writes one part of a seal within the caller's transaction. */
export function writeDimensionRollups(db: Database, part: DaySeal, strings: StringTable): void {
  const site = strings.site(part.siteId);
  if (part.first) {
    const remove = prepared(db, 'DELETE FROM facets WHERE site = ? AND dimension = ? AND day = ?');
    for (const dimension of FACETS.keys()) remove.run(site, dimension, part.day);
  }
  const insert = prepared(
    db,
    `INSERT INTO facets (site, dimension, day, value, visitors, visits, pageviews, events, referrals, bounces, engaged, bots)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  for (const row of part.rows) {
    const value = typeof row.value === 'string' ? strings.text(row.value) : (row.value ?? 0);
    insert.run(
      site,
      row.dimension,
      part.day,
      value,
      row.visitors,
      row.visits,
      row.pageviews,
      row.events,
      row.referrals,
      row.bounces,
      row.engaged,
      row.bots,
    );
  }
}
