import type { Events } from './events.ts';
import type { Registry } from './registry.ts';
import type { Reports } from './reports.ts';
import type { Tally } from './tally.ts';

export * from './events.ts';
export type * from './people.ts';
export * from './registry.ts';
export * from './reports.ts';
export type * from './tally.ts';

/**
 * What the product remembers, in its own words and no engine's. Times are epoch milliseconds (UTC), days are days since
 * 1970-01-01 (UTC), counts are safe integers, ids are strings.
 *
 * Two halves, and no method spans them: the registry (accounts, sites, keys: small, transactional) and the events (huge,
 * append-only, with their counters and the ledger). An engine may implement one half or both. `store-contract.ts` in the
 * tests holds every engine to the promises written here.
 */
export interface Store {
  registry: Registry;
  events: Events;
  reports: Reports;
  /** Where an installation has several processes: what they count together. */
  tally?: Tally;
  /** Takes no more work, finishes what was accepted, lets go of the files or connections. Once: a second call waits too. */
  close(): Promise<void>;
}

/** The engine cannot do it now: disk full or gone, database away. Nothing was half-written; trying again is safe. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable';
}

/** The bounded queue in front of the engine is full. Nothing was kept; trying again later is safe. */
export class StoreBusy extends StoreUnavailable {
  override readonly name = 'StoreBusy';
}

/** The engine's files can no longer be trusted after this (a failed fsync): the process must end and start anew. */
export class StoreBroken extends StoreUnavailable {
  override readonly name = 'StoreBroken';
}
