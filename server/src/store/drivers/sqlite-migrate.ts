import { NewerSchema } from '../shared/newer-schema.ts';
import { listed, type Schema } from '../shared/schema.ts';
import { type Database, transaction, translated } from './sqlite.ts';

/** Brings a database up to date with a list of steps; see `migrateTo`. */
export function migrate(db: Database, file: string, migrations: readonly string[]): void {
  migrateTo(db, file, listed(migrations));
}

/**
 * Brings a database to a version by running each missing step once, in order, in one transaction. The file's `user_version`
 * holds the version. Safe to call from several processes at once.
 *
 * @throws NewerSchema if the file has a version that this program does not know
 */
export function migrateTo(db: Database, file: string, schema: Schema): void {
  const done = () => translated(() => Number(db.prepare('PRAGMA user_version').get()?.user_version), file);
  if (done() === schema.version) return;
  transaction(db, () => {
    const from = done(); // another process may have migrated meanwhile
    if (from > schema.version) throw new NewerSchema(file, from, schema.version);
    for (const step of schema.stepsFrom(from)) db.exec(step);
    db.exec(`PRAGMA user_version = ${schema.version}`);
  });
}
