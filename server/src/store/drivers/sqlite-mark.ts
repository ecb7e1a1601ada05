import type { Database } from './sqlite.ts';

/** The mark in a file that says to which installation it belongs. See `installation.ts`. */
export interface Mark {
  /** Random. */
  id: string;
  /** Whether all files of the installation have the mark. */
  isComplete: boolean;
}

/** Makes the table of the mark in the registry. In the events file, a migration makes it. */
export const MARK_TABLE =
  'CREATE TABLE IF NOT EXISTS installation (id TEXT NOT NULL, complete INTEGER NOT NULL) STRICT';

/** Writes the mark of a file that has the table, in place of an earlier one. Call it in a transaction. */
export function writeMark(db: Database, { id, isComplete }: Mark): void {
  db.exec('DELETE FROM installation');
  db.prepare('INSERT INTO installation (id, complete) VALUES (?, ?)').run(id, isComplete ? 1 : 0);
}

/** Reads the mark of a file; null if it has none. */
export function readMark(db: Database): Mark | null {
  const hasTable = db.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'installation'`).get() !== undefined;
  const row = hasTable ? db.prepare('SELECT id, complete FROM installation').get() : undefined;
  return row === undefined ? null : { id: String(row.id), isComplete: row.complete === 1 };
}
