import { Kysely, sql } from 'kysely';
import type { Registry } from '../../contract/store.ts';
import type { Database } from '../../drivers/postgres.ts';
import { postgresDialect } from '../../drivers/postgres-kysely.ts';
import { migrateTo } from '../../drivers/postgres-migrate.ts';
import type { Engine } from '../engine.ts';
import { createRegistry } from '../registry.ts';
import type { Tables } from '../tables.ts';
import { POSTGRES_SCHEMA } from './schema.ts';

/** The advisory lock for giving site keys new versions. No other lock uses this number. */
export const KEYS_LOCK = 4_129_002;
/** The channel on which every commit that changes site keys sends a notification. */
const KEYS_CHANNEL = 'attractos_site_keys';

/**
 * Migrates the registry in PostgreSQL and opens it, for any number of processes. The caller must close the database.
 *
 * @throws StoreUnavailable, NewerSchema
 */
export async function openPostgresRegistry(database: Database): Promise<Registry> {
  await migrateTo(database, 'registry', POSTGRES_SCHEMA);
  return createRegistry(engineOn(database));
}

function engineOn(database: Database): Engine {
  const db = new Kysely<Tables>({ dialect: postgresDialect(database) });
  return {
    db,
    locksRows: true,
    lockAccounts: async (tx) => {
      await sql`LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE`.execute(tx);
    },
    lockSiteKeys: async (tx) => {
      await sql`SELECT pg_advisory_xact_lock(${KEYS_LOCK})`.execute(tx);
    },
    announceSiteKeys: async (tx) => {
      await sql`SELECT pg_notify(${KEYS_CHANNEL}, '')`.execute(tx);
    },
    entriesOf: (json) => sql`json_each_text(${json}::text::json)`,
    emptyLog: async () => undefined,
    // A deleted row stays in its page until VACUUM FULL rewrites the table, which keeps the row as long as an older
    // transaction might read it. The write-ahead log contains the row until the server recycles the log, and archives
    // of the log contain it as long as they exist.
    eraseDeletedSalts: () =>
      db.transaction().execute(async (tx) => {
        await sql`LOCK TABLE salts IN ACCESS EXCLUSIVE MODE`.execute(tx);
        const kept = await tx.selectFrom('salts').selectAll().execute();
        await sql`TRUNCATE salts`.execute(tx);
        if (kept.length > 0) await tx.insertInto('salts').values(kept).execute();
      }),
    // There is nothing to check, since a lost connection makes statements fail.
    checkFiles: () => undefined,
    notices: { onSiteKeysChanged: (listener) => database.listen(KEYS_CHANNEL, listener) },
  };
}
