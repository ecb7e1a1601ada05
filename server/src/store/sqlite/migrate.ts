import { NewerSchema } from '../newer-schema.ts';
import { type Database, transaction, translated } from './driver.ts';

/**
 * Brings a database up to date: each step of `migrations` once, in order, all in one transaction. The number of steps done
 * is kept in the file's `user_version`. Safe to call from several processes at once.
 *
 * @throws NewerSchema where the file has seen more steps than this program knows
 */
export function migrate(db: Database, file: string, migrations: readonly string[]): void {
  const done = () => translated(() => Number(db.prepare('PRAGMA user_version').get()?.user_version), file);
  if (done() === migrations.length) return;
  transaction(db, () => {
    const from = done(); // another process may have been quicker
    if (from > migrations.length) throw new NewerSchema(file, from, migrations.length);
    for (const migration of migrations.slice(from)) db.exec(migration);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}
