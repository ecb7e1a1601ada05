import { NewerSchema } from '../shared/newer-schema.ts';
import { listed, type Schema } from '../shared/schema.ts';
import type { Database } from './postgres.ts';

/** The advisory lock held by the process that migrates. No other lock uses this number. */
const MIGRATION_LOCK = 4_129_001;
/** The timeout of a migration, including the wait for another process's migration. */
const MIGRATION_DEADLINE_MS = 10 * 60_000;

/** Brings one part of the schema up to date with a list of steps; see `migrateTo`. */
export function migrate(db: Database, part: string, migrations: readonly string[]): Promise<void> {
  return migrateTo(db, part, listed(migrations));
}

/**
 * Brings one part of the schema to a version by running each missing step once, in order, in one transaction. Safe to call
 * from several processes at once. Steps may only add, since processes of the previous version keep running meanwhile.
 *
 * @param part the part's name in the table of versions
 * @throws NewerSchema if the database has a version of the part that this program does not know
 */
export async function migrateTo(db: Database, part: string, schema: Schema): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query(`SET LOCAL statement_timeout = ${MIGRATION_DEADLINE_MS}`);
    await tx.query(`SET LOCAL lock_timeout = ${MIGRATION_DEADLINE_MS}`);
    await tx.query('SELECT pg_advisory_xact_lock($1)', MIGRATION_LOCK);
    await tx.query(
      'CREATE TABLE IF NOT EXISTS schema_versions (part text PRIMARY KEY, version integer NOT NULL)',
    );
    const { rows } = await tx.query('SELECT version FROM schema_versions WHERE part = $1', part);
    const done = Number(rows[0]?.version ?? 0);
    if (done > schema.version) throw new NewerSchema(`The ${part} in PostgreSQL`, done, schema.version);
    if (done === schema.version) return;
    // A query without values may contain several statements.
    for (const step of schema.stepsFrom(done)) await tx.query(step);
    await tx.query(
      `INSERT INTO schema_versions (part, version) VALUES ($1, $2)
       ON CONFLICT (part) DO UPDATE SET version = excluded.version`,
      part,
      schema.version,
    );
  }, MIGRATION_DEADLINE_MS);
}
