import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { StoreBroken, StoreUnavailable } from '../store.ts';

/** The one file that knows the SQLite driver. */
export type Database = DatabaseSync;
export type Statement = StatementSync;
export type SqlValue = SQLInputValue;

/** How long a connection waits for another process's lock before it gives up. */
const BUSY_TIMEOUT_MS = 5000;
/** Pages of 4 KiB in the write-ahead log before a commit moves them into the database file. */
const CHECKPOINT_PAGES = 4000;
/** The log file is cut back to this after a checkpoint. */
const LOG_LIMIT_BYTES = 64 * 1024 * 1024;

/** Opens a database for reading and writing: WAL, and every commit is flushed to disk before it returns. */
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
    return db;
  }, path);
}

/** Opens or creates a database that nobody else uses, in one file without a log beside it: for copies. */
export function openPlain(path: string): Database {
  return translated(() => {
    const db = new DatabaseSync(path);
    db.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;');
    return db;
  }, path);
}

/** Opens a database that exists for reading only. It sees each commit of the others as soon as it is made. */
export function openForReading(path: string, { cacheKib = 16 * 1024 }: { cacheKib?: number } = {}): Database {
  return translated(() => {
    const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, readOnly: true });
    db.exec(`PRAGMA cache_size = -${cacheKib}; PRAGMA temp_store = MEMORY;`);
    return db;
  }, path);
}

/**
 * Takes a lock that lasts as long as this process and dies with it, however it dies: an exclusive transaction on a file of
 * its own, which the operating system releases.
 *
 * @returns what lets go of the lock, or null where another process holds it
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

/** The statement for a fixed text of SQL, prepared once per connection. Never for SQL put together from input. */
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

/**
 * All rows of a fixed text of SQL, each an array of its columns: where there are very many, the driver takes longer to make
 * objects of them than to read them. The text must be used here alone.
 */
export function allAsArrays(db: Database, sql: string, ...values: SqlValue[]): SQLOutputValue[][] {
  const statement = prepared(db, sql);
  statement.setReturnArrays(true);
  return statement.all(...values) as unknown as SQLOutputValue[][]; // which the types of the driver do not know
}

/** Runs `work` in one write transaction: committed when it returns, rolled back when it throws. */
export function transaction<T>(db: Database, work: () => T): T {
  return translated(() => {
    db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      // Some failures (a full disk, for one) have rolled back already: https://www.sqlite.org/lang_transaction.html
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  });
}

/** Runs `work`, and has what it deletes overwritten in the file: https://www.sqlite.org/pragma.html#pragma_secure_delete */
export function overwriting<T>(db: Database, work: () => T): T {
  translated(() => db.exec('PRAGMA secure_delete = ON'));
  try {
    return work();
  } finally {
    translated(() => db.exec('PRAGMA secure_delete = OFF'));
  }
}

/** Moves the write-ahead log into the database file and cuts it to nothing, unless a reader still needs it. */
export function emptyLog(db: Database): void {
  translated(() => prepared(db, 'PRAGMA wal_checkpoint(TRUNCATE)').get());
}

/** The same where nobody may wait: a log that is read at this moment stays, and is written over later. */
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
/** Extended codes of a failed fsync: https://www.sqlite.org/rescode.html#ioerr_fsync */
const SQLITE_IOERR_FSYNC = 1034;
const SQLITE_IOERR_DIR_FSYNC = 1290;

/** The extended result code of an error of the driver, or null for any other error. */
function resultCode(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode
    : null;
}

/** Whether an error is a violated UNIQUE or PRIMARY KEY: https://www.sqlite.org/rescode.html#constraint */
export function isUniqueViolation(error: unknown): boolean {
  const code = resultCode(error);
  return code === 2067 || code === 1555;
}

/**
 * An error of the driver in the store's own terms; any other error is passed through. After a failed fsync nobody knows
 * what is on disk, and trying again proves nothing, so that one is `StoreBroken`: https://danluu.com/fsyncgate/
 *
 * @param file named in the message; the driver itself hardly ever says which it was
 */
export function asStoreError(error: unknown, file?: string): unknown {
  const code = resultCode(error);
  if (code === null) return error;
  const said = error instanceof Error ? error.message : String(error);
  const message = `${file === undefined ? '' : `${file}: `}SQLite: ${said} (${code})`;
  const broken =
    code === SQLITE_IOERR_FSYNC ||
    code === SQLITE_IOERR_DIR_FSYNC ||
    (code & 0xff) === SQLITE_CORRUPT ||
    (code & 0xff) === SQLITE_NOTADB;
  return broken
    ? new StoreBroken(message, { cause: error })
    : new StoreUnavailable(message, { cause: error });
}

/** Runs something and puts the driver's errors into the store's terms. @param file named in them */
export function translated<T>(work: () => T, file?: string): T {
  try {
    return work();
  } catch (error) {
    throw asStoreError(error, file);
  }
}
