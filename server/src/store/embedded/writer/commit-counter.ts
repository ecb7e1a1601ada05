import { type Database, prepared } from '../../drivers/sqlite.ts';
import { lackingCommits, NumberBeside, numberIn } from '../commit-numbers.ts';
import type { CommitPart } from './commit-part.ts';
import { Overwrites } from './overwrites.ts';

/** Counts the commits of events. See `commit-numbers.ts`. */
export class CommitCounter implements CommitPart {
  readonly #db: Database;
  readonly #file: string;
  readonly #beside: NumberBeside;
  readonly #overwrites: Overwrites;
  #last: number;
  #isUnderWay = false;

  constructor(db: Database) {
    this.#db = db;
    this.#file = db.location() ?? '';
    this.#beside = new NumberBeside(this.#file);
    this.#overwrites = new Overwrites(this.#file);
    this.#last = numberIn(db);
  }

  flush(): void {
    this.#isUnderWay = true;
    this.#write(this.#last + 1);
  }

  committed(): void {
    if (!this.#isUnderWay) return;
    this.#isUnderWay = false;
    this.#last += 1;
    this.#beside.write(this.#last);
  }

  rolledBack(): void {
    this.#isUnderWay = false;
  }

  /** Returns how many commits the file lacks, and counts on from there, so that they are reported once. Call it in a transaction. */
  takeLacking(): number {
    const lacking = lackingCommits(this.#file, this.#db);
    if (lacking === 0) return 0;
    this.#last += lacking;
    this.#write(this.#last);
    return lacking;
  }

  /** Checks that the file was not overwritten. @throws FilesGone if it was */
  checkFile(): void {
    if (this.#file !== '') this.#overwrites.check(this.#last);
  }

  /** Checks now and then that the file was not overwritten. @throws FilesGone if it was, also with something unreadable */
  watchFile(): void {
    if (this.#file !== '') this.#overwrites.checkReadable(this.#last);
  }

  close(): void {
    this.#beside.close();
  }

  #write(n: number): void {
    prepared(this.#db, 'UPDATE commits SET n = ?').run(n);
  }
}
