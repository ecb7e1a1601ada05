import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { StoreBusy } from '../contract/store.ts';
import { checkFiles, type Database, type SqlValue, type Statement, translated, written } from './sqlite.ts';

/** Maximum statements and transactions that wait for a file; any further one is rejected with `StoreBusy`. */
const WAITING_MAX = 10_000;

/**
 * Files in use by a statement or transaction, each with a queue of those that wait for it. Connections of one process take
 * turns here, because waiting for another's lock in SQLite would block the thread on which both run.
 */
const waitingFor = new Map<string, (() => void)[]>();

/**
 * Runs Kysely on an open SQLite connection. Statements run synchronously. A transaction has the file to itself, and others
 * queue for it. The caller must close the connection.
 */
export function sqliteDialect(db: Database): Dialect {
  const driver = new SqliteDriver(db);
  return {
    createAdapter: () => new PatientAdapter(),
    createDriver: () => driver,
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** Disables Kysely's own queue, which wakes every waiting statement each turn and has no limit; the driver has a queue. */
class PatientAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

class SqliteDriver implements Driver {
  readonly #db: Database;
  readonly #file: string;
  readonly #connection: SqliteConnection;

  constructor(db: Database) {
    this.#db = db;
    this.#file = db.location() ?? '';
    this.#connection = new SqliteConnection(db);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const waiting = waitingFor.get(this.#file);
    if (waiting === undefined) waitingFor.set(this.#file, []);
    else if (waiting.length >= WAITING_MAX)
      throw new StoreBusy(`SQLite: too many statements are waiting (${WAITING_MAX})`);
    else await new Promise<void>((wake) => waiting.push(wake));
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {
    const next = waitingFor.get(this.#file)?.shift();
    if (next === undefined) waitingFor.delete(this.#file);
    else next();
  }

  /** Takes the write lock at once, since a transaction that reads first and writes later could not wait for another process. */
  async beginTransaction(): Promise<void> {
    translated(() => this.#db.exec('BEGIN IMMEDIATE'));
  }

  async commitTransaction(): Promise<void> {
    translated(() => {
      this.#db.exec('COMMIT');
      checkFiles(this.#db);
    });
  }

  async rollbackTransaction(): Promise<void> {
    // Some failures, such as a full disk, have already rolled back: https://www.sqlite.org/lang_transaction.html
    if (this.#db.isTransaction) translated(() => this.#db.exec('ROLLBACK'));
  }

  async destroy(): Promise<void> {}
}

interface Prepared {
  statement: Statement;
  returnsRows: boolean;
}

class SqliteConnection implements DatabaseConnection {
  readonly #db: Database;
  /** The prepared statements by SQL text. Texts never contain values, so there are few of them. */
  readonly #prepared = new Map<string, Prepared>();

  constructor(db: Database) {
    this.#db = db;
  }

  async executeQuery<Row>({ sql, parameters, query }: CompiledQuery): Promise<QueryResult<Row>> {
    const run = (): QueryResult<Row> => {
      const { statement, returnsRows } = this.#prepare(sql);
      const values = parameters.map(toSqlValue);
      if (returnsRows) return { rows: statement.all(...values) as Row[] };
      return { rows: [], numAffectedRows: BigInt(statement.run(...values).changes) };
    };
    const commits = !this.#db.isTransaction && query.kind !== 'SelectQueryNode';
    return commits ? written(this.#db, run) : translated(run);
  }

  streamQuery(): never {
    throw new Error('the registry reads its rows a page at a time');
  }

  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    const made = { statement, returnsRows: statement.columns().length > 0 };
    this.#prepared.set(sql, made);
    return made;
  }
}

/** Converts a value for SQLite, which has no booleans: true is 1 and false is 0. */
function toSqlValue(value: unknown): SqlValue {
  return typeof value === 'boolean' ? Number(value) : (value as SqlValue);
}
