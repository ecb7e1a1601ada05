import { statSync } from 'node:fs';
import { FilesGone, StoreBroken, StoreUnavailable } from '../../contract/store.ts';
import { numberWithoutLog } from '../commit-numbers.ts';

/** How often in a row the file cannot be read. A checkpoint by another program may be under way during one look. */
const UNREADABLE_LOOKS = 2;

/**
 * Notices that the events file was overwritten in place, as `cp` does: the open file is still the same one, but its content is
 * not. Checkpoints change the file too, but they never lower the number of its last commit, nor raise it above the writer's.
 * Restored files begin at 0.
 */
export class Overwrites {
  readonly #file: string;
  #version = '';
  #number = 0;
  #unreadableLooks = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /**
   * Looks at the file if it has changed since the last look: one stat call if not.
   *
   * @param last the number of the writer's last commit
   * @throws FilesGone if the file has another number than it can have
   */
  check(last: number): void {
    this.#look(last);
  }

  /** Checks the same, now and then. @throws FilesGone also if the file has been no database of events repeatedly */
  checkReadable(last: number): void {
    // A file that cannot be opened, such as without free descriptors, says nothing about its content.
    if (this.#look(last) !== 'unreadable') return;
    this.#unreadableLooks += 1;
    if (this.#unreadableLooks >= UNREADABLE_LOOKS) throw this.#overwritten();
  }

  /** Looks at the file. @returns its number; why there is none, if the file has changed and cannot be read */
  #look(last: number): number | 'unreadable' | 'unavailable' {
    const version = this.#readVersion();
    if (version === this.#version) return this.#number;
    const number = this.#readNumber();
    if (typeof number === 'string') return number;
    if (number < this.#number || number > last) throw this.#overwritten();
    this.#version = version;
    this.#number = number;
    this.#unreadableLooks = 0;
    return number;
  }

  #overwritten(): FilesGone {
    return new FilesGone(
      `${this.#file} was overwritten while it was open, so no data can be stored. Stop the server, put the file back or restore a backup, then start it again.`,
    );
  }

  #readVersion(): string {
    const found = statSync(this.#file, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? '' : `${found.mtimeNs}:${found.size}`;
  }

  /** Returns the number on disk, or why there is none: it is not an events database, or it cannot be opened now. */
  #readNumber(): number | 'unreadable' | 'unavailable' {
    try {
      // Before the first checkpoint there is none.
      return numberWithoutLog(this.#file) ?? (this.#number === 0 ? 0 : 'unreadable');
    } catch (error) {
      // The former is one of the latter.
      if (error instanceof StoreBroken) return 'unreadable';
      if (error instanceof StoreUnavailable) return 'unavailable';
      throw error;
    }
  }
}
