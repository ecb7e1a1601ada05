import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import type { Database, Queries, Value } from './postgres.ts';

/**
 * Runs Kysely on a `Database`, with the database's limits, deadlines and errors. The caller must close the database.
 *
 * The package `kysely-postgres-js` reserves a connection for each statement. If that connection is lost, the driver still
 * writes to it, and the process ends with an uncaught TypeError. It also has no place for a deadline.
 */
export function postgresDialect(database: Database): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new PostgresDriver(database),
    createIntrospector: (kysely) => new PostgresIntrospector(kysely),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

class PostgresDriver implements Driver {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async init(): Promise<void> {}

  /** The database hands out connections itself: a statement takes one only while it runs. */
  async acquireConnection(): Promise<PostgresConnection> {
    return new PostgresConnection(this.#database);
  }

  beginTransaction(connection: PostgresConnection): Promise<void> {
    return connection.begin();
  }

  commitTransaction(connection: PostgresConnection): Promise<void> {
    return connection.commit();
  }

  rollbackTransaction(connection: PostgresConnection): Promise<void> {
    return connection.rollBack();
  }

  async releaseConnection(): Promise<void> {}
  async destroy(): Promise<void> {}
}

/** A transaction that was begun and not yet committed or rolled back. */
interface OpenTransaction {
  tx: Queries;
  /** Settles when the transaction has ended. */
  over: Promise<void>;
  commit(): void;
  rollBack(reason: unknown): void;
}

class PostgresConnection implements DatabaseConnection {
  readonly #database: Database;
  #transaction: OpenTransaction | null = null;
  /** The reason for the rollback. The database needs it, since it must not write to a lost connection. */
  #failure: unknown;

  constructor(database: Database) {
    this.#database = database;
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const values = parameters as readonly Value[];
    try {
      const { rows, count } = await (this.#transaction === null
        ? this.#database.query(sql, ...values)
        : askIn(this.#transaction, sql, values));
      return { rows: rows as Row[], numAffectedRows: BigInt(count) };
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  streamQuery(): never {
    throw new Error('the registry reads its rows a page at a time');
  }

  begin(): Promise<void> {
    return new Promise((begun, failed) => {
      const { promise: ended, resolve: commit, reject: rollBack } = Promise.withResolvers<void>();
      const over = this.#database.transaction(async (tx) => {
        this.#transaction = { tx, over, commit, rollBack };
        begun();
        await ended;
      });
      over.catch(failed); // does nothing if the transaction has already begun
    });
  }

  async commit(): Promise<void> {
    this.#transaction?.commit();
    await this.#transaction?.over;
  }

  async rollBack(): Promise<void> {
    this.#transaction?.rollBack(this.#failure ?? new Error('rolled back'));
    // The caller already has the error.
    await this.#transaction?.over.catch(() => undefined);
  }
}

/** Runs a statement that rejects when its transaction ends: at the deadline, or when the connection is lost. */
function askIn(
  { tx, over }: OpenTransaction,
  sql: string,
  values: readonly Value[],
): ReturnType<Queries['query']> {
  const endedBefore = over.then(() => {
    throw new Error('the transaction is over');
  });
  return Promise.race([tx.query(sql, ...values), endedBefore]);
}
