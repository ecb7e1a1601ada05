import type { Events } from './events.ts';
import type { Registry } from './registry.ts';
import type { Reports } from './reports.ts';
import type { SharedCounters } from './shared-counters.ts';

export * from './events.ts';
export type * from './people.ts';
export * from './registry.ts';
export * from './reports.ts';
export type * from './shared-counters.ts';

/**
 * What the product stores, independent of any engine. Times are epoch milliseconds (UTC), days are days since
 * 1970-01-01 (UTC), counts are safe integers, ids are strings.
 *
 * It has two halves, and no method spans both: the registry (accounts, sites and keys; small and transactional) and the events
 * (huge and append-only, with their counters and the ledger). An engine may implement one half or both. `store-contract.ts`
 * in the tests checks every engine against this contract.
 */
export interface Store {
  registry: Registry;
  events: Events;
  reports: Reports;
  /** Counters shared by all servers of an instance; absent if there is only one server. */
  sharedCounters?: SharedCounters;
  /** Stops accepting work, finishes accepted work, and closes files and connections. A second call waits for the first. */
  close(): Promise<void>;
}

/** A temporary failure: the disk is full or gone, or the database is unreachable. Nothing was half-written; a retry is safe. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable';
}

/** A refusal because the bounded queue in front of the engine is full. Nothing was stored; a later retry is safe. */
export class StoreBusy extends StoreUnavailable {
  override readonly name = 'StoreBusy';
}

/** A permanent failure: the engine's files can no longer be trusted, for example after a failed fsync. Restart the process. */
export class StoreBroken extends StoreUnavailable {
  override readonly name: string = 'StoreBroken';
}

/**
 * A permanent failure: files were deleted, moved or replaced while they were open. The process stores nothing more, but it need
 * not end: while it runs, what it has open can be rescued.
 */
export class FilesGone extends StoreBroken {
  override readonly name = 'FilesGone';
}
