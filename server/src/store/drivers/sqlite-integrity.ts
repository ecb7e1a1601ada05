import { StoreBroken } from '../contract/store.ts';
import { type Database, openForReading, translated } from './sqlite.ts';

/**
 * Returns the engine's complaints about a database. Reads all of it.
 * https://www.sqlite.org/pragma.html#pragma_integrity_check
 */
export function integrityOf(db: Database): string[] {
  return db
    .prepare('PRAGMA integrity_check')
    .all()
    .map((row) => String(row.integrity_check))
    .filter((line) => line !== 'ok');
}

/** Runs the integrity check on a file, even a damaged one. @throws StoreUnavailable if it cannot be opened at all */
export function damageOf(file: string): string[] {
  return complaintsOf(file, integrityOf).map((line) => about(file, line));
}

/**
 * Checks that a file is one of this program's, since the engine also accepts a file that was emptied or replaced.
 *
 * @param table the name of a table that every version has
 */
export function schemaComplaints(file: string, table: string): string[] {
  return complaintsOf(file, (db) => {
    const found = db.prepare(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?`).get(table);
    return found === undefined ? ['has no AttractOS data'] : [];
  }).map((line) => about(file, line));
}

/** Runs a check on a file. @returns its complaints, or the engine's if the file cannot be read */
export function complaintsOf(file: string, ask: (db: Database) => string[]): string[] {
  try {
    const db = openForReading(file);
    try {
      return translated(() => ask(db));
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof StoreBroken) return [error.message];
    throw error;
  }
}

/** Adds the file's name to a complaint, unless the engine already named it. */
export function about(file: string, complaint: string): string {
  return complaint.startsWith(file) ? complaint : `${file}: ${complaint}`;
}
