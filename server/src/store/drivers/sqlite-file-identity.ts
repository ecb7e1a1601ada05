import { statSync } from 'node:fs';
import { FilesGone } from '../contract/store.ts';

/** The suffixes of a database, its log, and the log's index, which also holds the locks between connections. */
const SUFFIXES = ['', '-wal', '-shm'] as const;

/**
 * The identity of an open database's files, recorded when it was opened. SQLite keeps writing to a file that was deleted,
 * moved or replaced, and reports success: https://www.sqlite.org/howtocorrupt.html#unlink
 *
 * Three cases go undetected: a file that is overwritten in place (its inode stays the same; see `Overwrites`), one that is
 * replaced between the opening and the first look here, and one that is deleted after the check, which loses the data.
 */
export class FileIdentity {
  readonly #path: string;
  readonly #opened: readonly (string | null)[];

  /** @param path the path of a database whose log is open too */
  constructor(path: string) {
    this.#path = path;
    this.#opened = SUFFIXES.map((suffix) => identityOf(path + suffix));
  }

  /**
   * Checks that the paths still lead to the open files. Call it after a commit and before acknowledging it, so that the next
   * process finds the committed data. It takes three stat calls: a few microseconds, against a hundred or more for the flush.
   *
   * @throws FilesGone if a path leads elsewhere
   */
  check(): void {
    for (const [i, suffix] of SUFFIXES.entries()) {
      const now = identityOf(this.#path + suffix);
      if (now !== null && now === this.#opened[i]) continue;
      throw new FilesGone(
        `${this.#path}${suffix} was deleted, moved or replaced while it was open, so no data can be stored. Put it back or restore a backup, then restart the server.`,
      );
    }
  }
}

/** Returns a file's device and inode; null if the file is missing or cannot be examined. */
function identityOf(file: string): string | null {
  try {
    const { dev, ino } = statSync(file, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}
