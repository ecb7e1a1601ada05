import postgres from 'postgres';
import { StoreBusy, StoreUnavailable } from '../contract/store.ts';
import { UniqueViolation } from '../shared/unique-violation.ts';

/** The only file that imports the PostgreSQL driver. */

/** Maximum connections of one process, not counting the one that listens. */
const CONNECTIONS = 10;
/** Maximum queries that run or wait for a connection; any further query is rejected with `StoreBusy`. */
const UNDER_WAY_MAX = 1_000;
const CONNECT_TIMEOUT_SECONDS = 5;
/** The delay before reconnecting after a lost connection. */
const RECONNECT_SECONDS = 0.5;
const IDLE_TIMEOUT_SECONDS = 300;
/** The server's statement timeout. */
const STATEMENT_TIMEOUT_MS = 5_000;
/** The server's lock timeout. */
const LOCK_TIMEOUT_MS = 4_000;
/** The time after which an unresponsive server is considered gone and its connections are closed. */
const ANSWER_DEADLINE_MS = 10_000;
/** How long closing waits for running queries. */
const CLOSE_TIMEOUT_SECONDS = 2;

export type Value =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | null
  | readonly string[]
  | readonly number[];
export type Row = Record<string, unknown>;

export interface Answer {
  /** The rows. `bigint` columns are read as numbers, since times and counts are safe integers. */
  rows: Row[];
  /** The number of rows returned or, if none are returned, changed; 0 for a command that has no rows. */
  count: number;
}

/** Runs SQL: the database, or a transaction on it. */
export interface Queries {
  /**
   * Runs a statement, or if there are no values, several separated by semicolons.
   *
   * @param sql `$1` stands for the first value
   * @throws UniqueViolation, StoreUnavailable
   */
  query(sql: string, ...values: Value[]): Promise<Answer>;
}

type Pool = postgres.Sql<{ bigint: number }>;

/** A database on a server. Connects on first use, and again after a lost connection. */
export class Database implements Queries {
  readonly #url: string;
  #pool: Pool;
  #listening: Pool | null = null;
  #underWay = 0;
  #isClosed = false;

  /** @param url `postgres://user:password@host:port/database`, with `?sslmode=verify-full` for TLS */
  constructor(url: string) {
    this.#url = url;
    this.#pool = connect(url, CONNECTIONS);
  }

  query(sql: string, ...values: Value[]): Promise<Answer> {
    return this.#bounded(ANSWER_DEADLINE_MS, (pool) => ask(pool, sql, values));
  }

  /**
   * Runs `work` in one transaction, which is committed when `work` resolves and rolled back when it rejects. Each statement
   * sees everything committed before it.
   *
   * @param deadlineMs the timeout of the whole transaction
   */
  transaction<T>(work: (tx: Queries) => Promise<T>, deadlineMs = ANSWER_DEADLINE_MS): Promise<T> {
    return this.#bounded(deadlineMs, async (pool) => {
      let isLost = false;
      const settled = pool.begin(async (connection): Promise<{ result: T }> => {
        const query: Queries['query'] = (sql, ...values) =>
          isLost
            ? Promise.reject(new ConnectionLost('PostgreSQL: the connection was lost'))
            : ask(connection, sql, values);
        try {
          const result = await work({ query });
          if (!isLost) return { result };
        } catch (error) {
          if (!isLost && !(error instanceof ConnectionLost)) throw error;
        }
        // The transaction has already been rejected. If this settled, the driver would commit or roll back, and
        // writing to a lost connection ends the process.
        return new Promise<never>(() => undefined);
      });
      settled.catch(() => {
        isLost = true;
      });
      return ((await settled) as { result: T }).result; // the driver unwraps arrays of promises only, and this is not one
    });
  }

  /**
   * Calls `onNotice` for each notification on a channel, and after each connect, since notifications may have been missed.
   * Reconnects after a lost connection.
   *
   * @returns a function that stops listening
   */
  listen(channel: string, onNotice: () => void): () => void {
    this.#listening ??= connect(this.#url, 1);
    let ended = false;
    const tell = () => {
      if (!ended) onNotice();
    };
    // If the first connection fails, the driver retries by itself.
    this.#listening.listen(channel, tell, tell).catch(() => undefined);
    return () => {
      ended = true;
    };
  }

  /** Closes the database after waiting a bounded time for running queries. A second call does nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all([
      this.#pool.end({ timeout: CLOSE_TIMEOUT_SECONDS }),
      this.#listening?.end({ timeout: 0 }),
    ]);
  }

  async #bounded<T>(deadlineMs: number, work: (pool: Pool) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new StoreUnavailable('PostgreSQL: the store is closed');
    if (this.#underWay >= UNDER_WAY_MAX)
      throw new StoreBusy(`PostgreSQL: too many queries are waiting (${UNDER_WAY_MAX})`);
    const pool = this.#pool;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        this.#giveUp(pool);
        reject(new StoreUnavailable(`PostgreSQL: no answer within ${deadlineMs} ms`));
      }, deadlineMs);
    });
    this.#underWay += 1;
    try {
      return await Promise.race([work(pool), deadline]);
    } catch (error) {
      throw asStoreError(error);
    } finally {
      clearTimeout(timer);
      this.#underWay -= 1;
    }
  }

  /** Replaces the connections. An unanswered query either completes or is rolled back; its outcome is unknown. */
  #giveUp(pool: Pool): void {
    if (pool !== this.#pool || this.#isClosed) return;
    this.#pool = connect(this.#url, CONNECTIONS);
    pool.end({ timeout: 0 }).catch(() => undefined);
  }
}

function connect(url: string, max: number): Pool {
  return postgres(url, {
    max,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    idle_timeout: IDLE_TIMEOUT_SECONDS,
    backoff: () => RECONNECT_SECONDS,
    // After a failover, the first of several hosts may be read-only.
    target_session_attrs: 'read-write',
    onnotice: () => undefined,
    // The driver asks for array types on every new connection, and if that is lost meanwhile, the rejection is unhandled
    // and ends the process.
    fetch_types: false,
    connection: {
      application_name: 'attractos',
      statement_timeout: STATEMENT_TIMEOUT_MS,
      lock_timeout: LOCK_TIMEOUT_MS,
      idle_in_transaction_session_timeout: ANSWER_DEADLINE_MS,
    },
    types: {
      bigint: { to: 20, from: [20], parse: Number, serialize: String },
    },
  });
}

async function ask(
  on: Pool | postgres.TransactionSql<{ bigint: number }>,
  sql: string,
  values: readonly Value[],
): Promise<Answer> {
  try {
    const rows = await on.unsafe<Row[]>(sql, values.map(toParameter), { prepare: values.length > 0 });
    // For a command without rows, such as VACUUM, the driver's count is null.
    return { rows: [...rows], count: rows.count ?? 0 };
  } catch (error) {
    throw asStoreError(error);
  }
}

/** Converts a value: arrays to array literals, and NUL, which PostgreSQL does not accept in text, to U+FFFD. */
function toParameter(value: Value): postgres.ParameterOrJSON<never> {
  if (typeof value === 'string') return value.replaceAll('\0', '\uFFFD');
  if (value instanceof Uint8Array || !Array.isArray(value)) return value as postgres.SerializableParameter;
  return toArrayLiteral(value);
}

/** Writes an array with quoted elements: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
function toArrayLiteral(items: readonly (string | number)[]): string {
  const quoted = items.map((item) => {
    const text = String(item).replaceAll('\0', '\uFFFD');
    return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
  });
  return `{${quoted.join(',')}}`;
}

/** A failure because the connection that carried the statement was lost. */
class ConnectionLost extends StoreUnavailable {}

/** Codes of errors with which the server ends a session: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const SESSION_ENDED = /^(57P0|25P03|08)/;
const UNIQUE_VIOLATION = '23505';

/**
 * Translates an error of the driver into the store's, and passes any other error through. The driver's error is dropped
 * because errors are logged, and its details contain values of the row, such as an email address.
 */
function asStoreError(error: unknown): unknown {
  if (error instanceof StoreUnavailable || !(error instanceof Error)) return error;
  const code = 'code' in error ? String(error.code) : null;
  if (error instanceof postgres.PostgresError) {
    const message = `PostgreSQL: ${error.message} (${code})`;
    if (code === UNIQUE_VIOLATION) return new UniqueViolation(message);
    return SESSION_ENDED.test(code ?? '') ? new ConnectionLost(message) : new StoreUnavailable(message);
  }
  // The driver's own (CONNECTION_CLOSED …) and the system's (ECONNREFUSED …).
  return code === null ? error : new ConnectionLost(`PostgreSQL: ${error.message || code}`);
}
