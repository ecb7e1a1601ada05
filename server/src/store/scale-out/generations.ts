import type { SiteDay } from './shipping.ts';

/**
 * Reports read rows that were made from the entries of days that are over. When a day has changed, its rows are made again.
 *
 * ## Why reports never see half of a day, or an outdated one
 *
 * 1. *Making*: the rows of a day are inserted under a number that no report reads yet, its **generation**. They are in force once
 *    PostgreSQL says so. A crash before that leaves rows that are never read, and are deleted later.
 * 2. *Changing*: a process that changes a day's rows marks it dirty, and the mark says when the new rows were received. The same
 *    transaction notes this time with the generation in force, and with the one that is being made. From then on, reports make
 *    the visits of all visitors with an entry received since that time again, from their entries. These may be more visitors than
 *    have new entries, which is harmless. No clock has to be right.
 * 3. *Beginning* a generation of a day that is over needs a day without dirty marks. A mark made since then is either still there
 *    when the generation is to come into force, or was noted, and then it does not.
 * 4. *Comparing*: it comes into force only if it has as many events and bots as the counts say. A report that asks for
 *    a large open day has it made first, without this comparison, since rows and counts change all the time. Once the day is over,
 *    it is made and compared.
 * 5. *Missing rows*: a reader compares the rows that a server has with the number that the generation was made with. A replica
 *    that is behind is not asked, and if no server has the rows, the day is open again.
 */

/** The rows of a generation of a site's day, by relation of `reports/relations.ts`. */
export interface RowCounts {
  events: number;
  bots: number;
  rollups: number;
  quarter_hours: number;
}

export interface Generation extends SiteDay {
  generation: number;
}

/** A generation in force. */
export interface SealedGeneration extends Generation {
  /** Entries that came since it was begun were received at this time or later; null if none came. */
  changedFromMs: number | null;
  rows: RowCounts;
}

/** A generation in force with what the counts say that it should have. */
export interface CountedGeneration extends SealedGeneration {
  counted: Pick<RowCounts, 'events' | 'bots'>;
}

/** A generation of a day of several sites that is being made. */
export interface BegunGeneration {
  generation: number;
  day: number;
  siteIds: readonly string[];
  /** Whether no more entries are expected, so that the rows must be those that are counted. */
  isOver: boolean;
  /** The number of statements in which the events are made, each of some of the visitors. */
  parts: number;
}

/** Knows which generations are in force. Every method may throw `StoreUnavailable`. */
export interface Generations {
  /** Lists sites' days with entries among those from one to another (both inclusive). An open day has no generation. */
  daysOf(
    siteIds: readonly string[],
    range: { firstDay: number; lastDay: number },
  ): Promise<(SiteDay & { isLarge: boolean; inForce: SealedGeneration | null })[]>;
  /**
   * Begins a generation of days before a day that are open or have changed, and have no dirty marks; or else of days from then
   * on that have changed since their generation.
   *
   * @returns null if there are none
   */
  begin(beforeDay: number): Promise<BegunGeneration | null>;
  /** Begins a generation of an open day. @returns null if there is nothing to make, or another process is making it */
  beginOpen(day: SiteDay): Promise<BegunGeneration | null>;
  /** Puts the made rows into force, of a day that is over where it has not changed and is as counted. @returns the sites */
  commit(begun: BegunGeneration, made: readonly (SiteDay & { rows: RowCounts })[]): Promise<number>;
  /**
   * Returns a bounded number of generations in force whose days have not changed since, in the order of sites and days.
   *
   * @param after the day after which to go on; null to begin with the first
   * @returns none at the end
   */
  unchangedAfter(after: SiteDay | null): Promise<CountedGeneration[]>;
  /** Opens days. */
  reopen(days: readonly SiteDay[]): Promise<void>;
  /** Returns a bounded number of generations whose rows are no longer read, also because retention has reached their days. */
  leftovers(): Promise<Generation[]>;
  /** Forgets generations whose rows are deleted. */
  forget(generations: readonly Generation[]): Promise<void>;
}
