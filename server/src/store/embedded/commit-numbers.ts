import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { type Database, openWithoutLog, prepared, translated } from '../drivers/sqlite.ts';

/**
 * The number of the last commit of events, kept in the events file and in a small file beside it. If its log is damaged,
 * truncated or deleted, SQLite opens the events file as of an earlier commit and says nothing; the two numbers then differ.
 *
 * The number beside is written after its commit is on disk, and is itself not flushed. So it may be too low after a power cut,
 * but never too high.
 */

/** The number of digits in the file beside, so that each number overwrites the one before. */
const DIGITS = 16;

/** Returns the path of the file beside an events file. */
export function numberFile(events: string): string {
  return `${events}-commits`;
}

/** Returns the number beside an events file; null if there is none. */
function numberBeside(events: string): number | null {
  try {
    const text = readFileSync(numberFile(events), 'latin1');
    return /^\d{16}\n$/.test(text) ? Number(text) : null;
  } catch {
    return null;
  }
}

/** Returns how many commits an events file lacks. The number beside is read first, since a server may be running. */
export function lackingCommits(events: string, db: Database): number {
  const expected = numberBeside(events);
  if (expected === null) return 0;
  return hasNumber(db) ? Math.max(0, expected - numberIn(db)) : 0;
}

/** Says that an events file lacks commits. */
export function lackingCommitsComplaint(events: string, lacking: number): string {
  return `${events} lacks its last ${lacking} ${lacking === 1 ? 'commit' : 'commits'} of acknowledged events: it or its log was damaged, deleted or replaced by an older copy`;
}

/** Returns the number of the last commit in an events file. */
export function numberIn(db: Database): number {
  return translated(() => Number(prepared(db, 'SELECT n FROM commits').get()?.n));
}

/** Returns the number in an events file without its log, which is that of the last checkpoint; null before the first one. */
export function numberWithoutLog(events: string): number | null {
  const db = openWithoutLog(events);
  try {
    return translated(() => (hasNumber(db) ? numberIn(db) : null), events);
  } finally {
    db.close();
  }
}

function hasNumber(db: Database): boolean {
  return db.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'commits'`).get() !== undefined;
}

/** The file beside an events file. Failures are ignored: the number then stays too low, and less is noticed. */
export class NumberBeside {
  readonly #path: string;
  #file: number | null = null;

  constructor(events: string) {
    this.#path = numberFile(events);
  }

  write(n: number): void {
    try {
      this.#file ??= openSync(this.#path, constants.O_RDWR | constants.O_CREAT, 0o600);
      writeSync(this.#file, `${String(n).padStart(DIGITS, '0')}\n`, 0, 'latin1');
    } catch {
      // The events are on disk.
    }
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }
}
