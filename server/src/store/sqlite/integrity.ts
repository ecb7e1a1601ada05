import { StoreBroken } from '../store.ts';
import { type Database, openForReading, translated } from './driver.ts';

/** The engine's complaints about a database. Reads all of it. https://www.sqlite.org/pragma.html#pragma_integrity_check */
export function integrityOf(db: Database): string[] {
  return db
    .prepare('PRAGMA integrity_check')
    .all()
    .map((row) => String(row.integrity_check))
    .filter((line) => line !== 'ok');
}

/** The same of a file, also of one that can no longer be read. @throws StoreUnavailable where it cannot be opened at all */
export function damageOf(file: string): string[] {
  try {
    const db = openForReading(file);
    try {
      return translated(() => integrityOf(db)).map((line) => `${file}: ${line}`);
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof StoreBroken) return [`${file}: ${error.message}`];
    throw error;
  }
}
