/**
 * A part of the writer that gathers a commit's changes in memory.
 *
 * The committer calls the parts in the order of its list: `flush` inside the transaction, then exactly one of the other
 * methods after it has ended.
 */
export interface CommitPart {
  /** Writes the changes since the last commit. Deduplication state of days before `forgetKeysBeforeDay` may be deleted. */
  flush?(batch: { forgetKeysBeforeDay: number }): void;
  /** Runs after the transaction is on disk. */
  committed?(): void;
  /** Runs after a rollback: restores memory to the state on disk, or clears what can be read again. */
  rolledBack?(): void;
}
