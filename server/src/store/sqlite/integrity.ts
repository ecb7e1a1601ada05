import { NO_SITE, StoreBroken } from '../store.ts';
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
  return looking(file, integrityOf).map((line) => about(file, line));
}

/**
 * Whether a file is one of this program's: to the engine, a file that was emptied or exchanged for another is as good as any.
 *
 * @param table one that has always been in it
 */
export function strangenessOf(file: string, table: string): string[] {
  return looking(file, (db) => {
    const found = db.prepare(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?`).get(table);
    return found === undefined ? ['holds nothing of this program'] : [];
  }).map((line) => about(file, line));
}

/** Sites of the events that no key of the registry was ever made for: the two files are not of one installation. */
export function strangersOf(events: string, registry: string): string[] {
  const [first, ...others] = looking(events, (db) => {
    db.prepare('ATTACH DATABASE ? AS registry').run(registry);
    return db
      .prepare(
        'SELECT site FROM sites WHERE site <> ? AND site NOT IN (SELECT site_id FROM registry.site_keys)',
      )
      .all(NO_SITE)
      .map((row) => String(row.site));
  });
  if (first === undefined) return [];
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return [about(registry, `knows nothing of ${first}${more}, of which there are events`)];
}

/** @returns the engine's complaint where what is asked for cannot be read */
function looking(file: string, ask: (db: Database) => string[]): string[] {
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

/** Some of what the engine says names the file already. */
export function about(file: string, complaint: string): string {
  return complaint.startsWith(file) ? complaint : `${file}: ${complaint}`;
}
