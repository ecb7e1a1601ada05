import type { Kysely, RawBuilder, Transaction } from 'kysely';
import type { Registry } from '../contract/store.ts';
import type { Tables } from './tables.ts';

/** The registry's tables for single statements, each of which is its own transaction. */
export type RegistryDb = Kysely<Tables>;
/** A transaction on the registry's tables. Its work must await only statements of the transaction. */
export type RegistryTx = Transaction<Tables>;

/** A database of the registry, with everything that differs between the two engines. */
export interface Engine {
  db: RegistryDb;
  /** Whether single rows can be locked, so that two processes that delete the same rows need not wait for each other. */
  locksRows: boolean;
  /** Prevents other processes from adding an account until the transaction ends. */
  lockAccounts(tx: RegistryTx): Promise<void>;
  /** Prevents other processes from giving site keys new versions until the transaction ends. Call it before locking rows. */
  lockSiteKeys(tx: RegistryTx): Promise<void>;
  /** Notifies the collectors of other processes that site keys changed, when the transaction commits. */
  announceSiteKeys(tx: RegistryTx): Promise<void>;
  /** Reads a JSON object of numbers as rows of `key` and `value`. */
  entriesOf(json: string): RawBuilder<unknown>;
  /** Empties the log of a file, so that nothing remains of what was overwritten. Databases do so in their own time. */
  emptyLog(): Promise<void>;
  /** Overwrites what remains of deleted salts in the files. */
  eraseDeletedSalts(): Promise<void>;
  /** Checks that reads still see what other processes write. @throws StoreBroken if the file was deleted or replaced */
  checkFiles(): void;
  /** The method that listens for site key changes by any process, if the database supports notifications. */
  notices: Pick<Registry, 'onSiteKeysChanged'>;
}
