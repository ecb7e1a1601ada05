import { Kysely, sql } from 'kysely';
import type { Registry } from '../../contract/store.ts';
import { areFilesInPlace, checkFiles, type Database, openDatabase, written } from '../../drivers/sqlite.ts';
import { sqliteDialect } from '../../drivers/sqlite-kysely.ts';
import { MARK_TABLE } from '../../drivers/sqlite-mark.ts';
import { migrateTo } from '../../drivers/sqlite-migrate.ts';
import type { Engine } from '../engine.ts';
import { createRegistry } from '../registry.ts';
import type { Tables } from '../tables.ts';
import { sqliteSchema } from './schema.ts';

/** The cache size. Loading the keys of a million sites uses an index of 38 MiB; half this cache would read a third more. */
const CACHE_KIB = 32 * 1024;

/**
 * Opens and migrates the registry in one file, which other processes such as the command line can use at the same time.
 *
 * @throws StoreUnavailable, NewerSchema
 */
export function openSqliteRegistry(file: string): { registry: Registry; close(): Promise<void> } {
  const db = openDatabase(file, { cacheKib: CACHE_KIB });
  // Destroyed salts must not linger in free pages: https://www.sqlite.org/pragma.html#pragma_secure_delete
  db.exec('PRAGMA secure_delete = ON');
  migrateTo(db, file, sqliteSchema());
  written(db, () => db.exec(MARK_TABLE));
  const engine = engineOn(db);
  // Closing waits in the queue, so that earlier statements finish first.
  const close = () =>
    engine.db.connection().execute(async () => {
      // Closing would delete the log by its name, which may be another's by now.
      if (areFilesInPlace(db)) db.close();
    });
  return { registry: createRegistry(engine), close };
}

function engineOn(db: Database): Engine {
  const kysely = new Kysely<Tables>({ dialect: sqliteDialect(db) });
  // The log contains old pages. If a reader prevents the checkpoint, a later call empties the log.
  const emptyLog = async () => {
    await sql`PRAGMA wal_checkpoint(TRUNCATE)`.execute(kysely);
  };
  return {
    db: kysely,
    // A transaction has the whole file to itself. Collectors find new versions by polling every second.
    locksRows: false,
    lockAccounts: async () => undefined,
    lockSiteKeys: async () => undefined,
    announceSiteKeys: async () => undefined,
    entriesOf: (json) => sql`json_each(${json})`,
    emptyLog,
    eraseDeletedSalts: emptyLog,
    checkFiles: () => checkFiles(db),
    notices: {},
  };
}
