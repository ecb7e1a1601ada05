import type { Dimension } from '../store.ts';
import type { Dictionary } from './dictionary.ts';
import { type Database, prepared } from './driver.ts';

/** The roll-up behind breakdowns, as the writer keeps it and the reader counts it. */

/** What days that are over are split by. Stored by position: only ever added to at the end. */
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

/** Days with fewer changes than this are answered from their rows just as quickly. */
export const SEALED_FROM_CHANGES = 1_000;

/** Numbers of one value on one day. */
export interface FacetRow {
  /** Position in `FACETS`. */
  dimension: number;
  /** A text, or the number of one. Null: not known. */
  value: string | number | null;
  visitors: number;
  visits: number;
  pageviews: number;
  events: number;
  referrals: number;
  bounces: number;
  engaged: number;
  bots: number;
}

/** A part of the roll-up of a site's day, small enough to be written between two commits. */
export interface SealPart {
  siteId: string;
  day: number;
  rows: readonly FacetRow[];
  /** What was there from an earlier sealing goes first. */
  first: boolean;
  last: boolean;
  /** The day's changes when it was counted. */
  changes: number;
}

/** Writes a part, within the caller's transaction. */
export function writeFacets(db: Database, part: SealPart, dictionary: Dictionary): void {
  const site = dictionary.site(part.siteId);
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
    const value = typeof row.value === 'string' ? dictionary.text(row.value) : (row.value ?? 0);
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
