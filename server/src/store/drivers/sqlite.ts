import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { StoreBroken, StoreUnavailable } from '../contract/store.ts';
import { UniqueViolation } from '../shared/unique-violation.ts';
import { FileIdentity } from './sqlite-file-identity.ts';

/** A SQLite connection. This is the only file that imports the driver. */
export type Database = DatabaseSync;
export type Statement = StatementSync;
export type SqlValue = SQLInputValue;

/** How long a connection waits for another process's lock. */
const BUSY_TIMEOUT_MS = 5000;
/** Pages of 4 KiB in the write-ahead log before a commit moves them into the database file. */
const CHECKPOINT_PAGES = 4000;
/** The size to which the log file is truncated after a checkpoint. */
const LOG_LIMIT_BYTES = 64 * 1024 * 1024;

const identities = new WeakMap<Database, FileIdentity>();

/** Opens a database in WAL mode for reading and writing. Every commit is flushed to disk before it returns. */
export function openDatabase(path: string, { cacheKib = 16 * 1024 }: { cacheKib?: number } = {}): Database {
  return translated(() => {
    const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA foreign_keys = ON;
      PRAGMA temp_store = MEMORY;
      PRAGMA cache_size = -${cacheKib};
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA journal_size_limit = ${LOG_LIMIT_BYTES};
    `);
    // The first read opens the log.
    db.exec('SELECT count(*) FROM sqlite_schema');
    identities.set(db, new FileIdentity(path));
    return db;
  }, path);
}

/** Opens or creates a copy: a database for exclusive use, in a single file without a log. */
export function openPlain(path: string): Database {
  return translated(() => {
    const db = new DatabaseSync(path);
    db.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;');
    return db;
  }, path);
}

/** Opens an existing database for reading only. It sees each commit of other connections immediately. */
export function openForReading(path: string, { cacheKib = 16 * 1024 }: { cacheKib?: number } = {}): Database {
  return translated(() => {
    const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, readOnly: true });
    db.exec(`PRAGMA cache_size = -${cacheKib}; PRAGMA temp_store = MEMORY;`);
    return db;
  }, path);
}

/**
 * Opens a file that someone may have made up, for reading only. Its schema may call no function that has effects, and every
 * page is checked when it is read: https://www.sqlite.org/security.html
 */
export function openUntrusted(path: string): Database {
  return translated(() => {
    const db = new DatabaseSync(path, { readOnly: true, allowExtension: false });
    db.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;');
    return db;
  }, path);
}

/**
 * Opens a database file as it is on disk, without its log and without locks: https://www.sqlite.org/uri.html#uriimmutable
 * What it reads is wrong if the file changes meanwhile.
 */
export function openWithoutLog(path: string): Database {
  const url = pathToFileURL(path);
  url.search = 'immutable=1';
  return translated(() => new DatabaseSync(url, { readOnly: true }), path);
}

/** Quotes a name for use in SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * Prevents the checkpoint that SQLite runs when the last connection closes, while the writer's thread is torn down. The
 * checkpoint would flush again, and after a failed flush, a successful one proves nothing (https://danluu.com/fsyncgate/).
 * So the thread that ends the process holds a connection that cannot write.
 *
 * @returns a handle to release before an orderly close
 */
export function holdLog(path: string): { release(): void } {
  const db = openForReading(path);
  // A connection holds the log only after its first read.
  translated(() => db.exec('SELECT count(*) FROM sqlite_schema'), path);
  return { release: () => db.close() };
}

/**
 * Takes a lock that ends with this process, even if it is killed: an exclusive transaction on a separate file, which the
 * operating system releases.
 *
 * @returns a handle that releases the lock, or null if another process holds it
 */
export function takeLock(path: string): { release(): void } | null {
  const db = translated(() => new DatabaseSync(path, { timeout: 0 }), path);
  try {
    db.exec('PRAGMA journal_mode = DELETE; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (resultCode(error) === SQLITE_BUSY) return null;
    throw asStoreError(error, path);
  }
  return { release: () => db.close() };
}

const statements = new WeakMap<Database, Map<string, Statement>>();

/** Prepares a statement once per connection. Use it only for fixed SQL, never for SQL built from input. */
export function prepared(db: Database, sql: string): Statement {
  let cache = statements.get(db);
  if (cache === undefined) {
    cache = new Map();
    statements.set(db, cache);
  }
  let statement = cache.get(sql);
  if (statement === undefined) {
    statement = db.prepare(sql);
    cache.set(sql, statement);
  }
  return statement;
}

/** Whether a database's paths still lead to the open files. */
export function areFilesInPlace(db: Database): boolean {
  try {
    checkFiles(db);
    return true;
  } catch {
    return false;
  }
}

/** Checks that a database's paths still lead to the open files. @throws FilesGone if they do not */
export function checkFiles(db: Database): void {
  identities.get(db)?.check();
}

/**
 * Runs `work` in one write transaction, which is committed when `work` returns and rolled back when it throws.
 *
 * @throws StoreBroken if the commit is lost because the file was deleted or replaced
 */
export function transaction<T>(db: Database, work: () => T): T {
  return translated(() => {
    db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      db.exec('COMMIT');
      checkFiles(db);
      return result;
    } catch (error) {
      // Some failures, such as a full disk, have already rolled back: https://www.sqlite.org/lang_transaction.html
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  });
}

/** Runs one writing statement in its own transaction. @throws StoreBroken as `transaction` does */
export function written<T>(db: Database, work: () => T): T {
  return translated(() => {
    const result = work();
    checkFiles(db);
    return result;
  });
}

/** Runs `work` so that all its reads see the same commits. */
export function inOneState<T>(db: Database, work: () => T): T {
  return translated(() => {
    db.exec('BEGIN');
    try {
      return work();
    } finally {
      db.exec('COMMIT');
    }
  });
}

/** Runs `work` and overwrites in the file what it deletes: https://www.sqlite.org/pragma.html#pragma_secure_delete */
export function overwriting<T>(db: Database, work: () => T): T {
  translated(() => db.exec('PRAGMA secure_delete = ON'));
  try {
    return work();
  } finally {
    translated(() => db.exec('PRAGMA secure_delete = OFF'));
  }
}

/** Moves the write-ahead log into the database file and truncates it to zero, unless a reader still needs it. */
export function emptyLog(db: Database): void {
  translated(() => prepared(db, 'PRAGMA wal_checkpoint(TRUNCATE)').get());
}

/** Empties the log as `emptyLog` does, but without waiting: a log that is being read stays, and is overwritten later. */
export function emptyLogAtOnce(db: Database): void {
  translated(() => db.exec('PRAGMA busy_timeout = 0'));
  try {
    emptyLog(db);
  } finally {
    translated(() => db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`));
  }
}

const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;
/** An extended result code of a failed fsync: https://www.sqlite.org/rescode.html#ioerr_fsync */
const SQLITE_IOERR_FSYNC = 1034;
const SQLITE_IOERR_DIR_FSYNC = 1290;
/** An extended result code of a row that already exists: https://www.sqlite.org/rescode.html#constraint_unique */
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555;
const SQLITE_CONSTRAINT_UNIQUE = 2067;

/** Returns the extended result code of a driver error; null for any other error. */
function resultCode(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode
    : null;
}

/**
 * Translates an error of the driver into the store's, and passes any other error through. A failed fsync becomes
 * `StoreBroken`, because the content of the disk is then unknown and a retry proves nothing: https://danluu.com/fsyncgate/
 *
 * @param file the file to name in the message, since the driver rarely does
 */
export function asStoreError(error: unknown, file?: string): unknown {
  const code = resultCode(error);
  if (code === null) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const message = `${file === undefined ? '' : `${file}: `}SQLite: ${reason} (${code})`;
  if (code === SQLITE_CONSTRAINT_UNIQUE || code === SQLITE_CONSTRAINT_PRIMARYKEY)
    return new UniqueViolation(message, { cause: error });
  const broken =
    code === SQLITE_IOERR_FSYNC ||
    code === SQLITE_IOERR_DIR_FSYNC ||
    (code & 0xff) === SQLITE_CORRUPT ||
    (code & 0xff) === SQLITE_NOTADB;
  return broken
    ? new StoreBroken(message, { cause: error })
    : new StoreUnavailable(message, { cause: error });
}

/** Runs `work` and translates the driver's errors into the store's. @param file the file that errors name */
export function translated<T>(work: () => T, file?: string): T {
  try {
    return work();
  } catch (error) {
    throw asStoreError(error, file);
  }
}
