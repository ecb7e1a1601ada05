import { NewerSchema } from '../newer-schema.ts';
import type { Database } from './driver.ts';

/** Held by the one process that migrates; the number is ours alone. */
const MIGRATION_LOCK = 4_129_001;
/** Steps may take this long, and so may waiting for another process's steps. */
const MIGRATION_DEADLINE_MS = 10 * 60_000;

/**
 * Brings one part of the schema up to date: each step of `migrations` once, in order, all in one transaction. Safe to call
 * from several processes at once. Processes of the version before go on working meanwhile, so steps only add.
 *
 * @param part its name in the table of versions
 * @throws NewerSchema where the database has seen more steps of the part than this program knows
 */
export async function migrate(db: Database, part: string, migrations: readonly string[]): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query(`SET LOCAL statement_timeout = ${MIGRATION_DEADLINE_MS}`);
    await tx.query(`SET LOCAL lock_timeout = ${MIGRATION_DEADLINE_MS}`);
    await tx.query('SELECT pg_advisory_xact_lock($1)', MIGRATION_LOCK);
    await tx.query(
      'CREATE TABLE IF NOT EXISTS schema_versions (part text PRIMARY KEY, version integer NOT NULL)',
    );
    const { rows } = await tx.query('SELECT version FROM schema_versions WHERE part = $1', part);
    const done = Number(rows[0]?.version ?? 0);
    if (done > migrations.length) throw new NewerSchema(`The ${part} in PostgreSQL`, done, migrations.length);
    if (done === migrations.length) return;
    // Without values a query may hold many statements.
    for (const migration of migrations.slice(done)) await tx.query(migration);
    await tx.query(
      `INSERT INTO schema_versions (part, version) VALUES ($1, $2)
       ON CONFLICT (part) DO UPDATE SET version = excluded.version`,
      part,
      migrations.length,
    );
  }, MIGRATION_DEADLINE_MS);
}
