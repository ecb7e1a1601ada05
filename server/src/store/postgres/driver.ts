import postgres from 'postgres';
import { StoreBusy, StoreUnavailable } from '../store.ts';

/** The one file that knows the PostgreSQL driver. */

/** Connections of one process, besides the one that listens. */
const CONNECTIONS = 10;
/** Questions that may be under way or wait for a connection; one more is `StoreBusy`. */
const UNDER_WAY_MAX = 1_000;
const CONNECT_TIMEOUT_SECONDS = 5;
/** A lost connection is tried again after this at most. */
const RECONNECT_SECONDS = 0.5;
const IDLE_TIMEOUT_SECONDS = 300;
/** The server gives up on a statement after this, */
const STATEMENT_TIMEOUT_MS = 5_000;
/** and on waiting for a lock after this. */
const LOCK_TIMEOUT_MS = 4_000;
/** A server that has said nothing for this long is not there any more: the connections are given up. */
const ANSWER_DEADLINE_MS = 10_000;
/** How long closing waits for what is under way. */
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
  /** `bigint` columns are read as numbers: times and counts are safe integers. */
  rows: Row[];
  /** Rows returned, or changed where none are returned. */
  count: number;
}

/** Something that answers SQL: the database, or a transaction on it. */
export interface Queries {
  /**
   * @param sql one statement, with `$1` for the first value; several, apart by semicolons, where there are no values
   * @throws UniqueViolation, StoreUnavailable
   */
  query(sql: string, ...values: Value[]): Promise<Answer>;
}

/** A row was not written, since there is one like it. Unexpected, it is an engine that cannot do it. */
export class UniqueViolation extends StoreUnavailable {}

type Pool = postgres.Sql<{ bigint: number }>;

/** A database on a server. Connects when first asked, and again after every loss. */
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
   * Runs `work` in one transaction: committed when it settles, rolled back when it rejects. It sees what others have
   * committed before each of its statements.
   *
   * @param deadlineMs of the whole
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
        // The driver would commit or roll back now, and writing to a connection that is gone ends the process. The
        // transaction has been rejected already.
        return new Promise<never>(() => undefined);
      });
      settled.catch(() => {
        isLost = true;
      });
      return ((await settled) as { result: T }).result; // the driver unwraps arrays of promises, and this is none
    });
  }

  /**
   * Calls `onNotice` for each notice on a channel, and whenever the connection was made, since notices may have been missed.
   * A lost connection is made anew.
   *
   * @returns what ends it
   */
  listen(channel: string, onNotice: () => void): () => void {
    this.#listening ??= connect(this.#url, 1);
    let ended = false;
    const tell = () => {
      if (!ended) onNotice();
    };
    // Where the first connection fails the driver tries again by itself.
    this.#listening.listen(channel, tell, tell).catch(() => undefined);
    return () => {
      ended = true;
    };
  }

  /** Waits for what is under way, for a bounded time. A second call does nothing. */
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
      throw new StoreBusy(`PostgreSQL: ${UNDER_WAY_MAX} questions are waiting already`);
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

  /** Nobody knows what the server makes of a question that got no answer; without its connection it ends or rolls back. */
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
    // After a failover the first host of several may be one that only reads.
    target_session_attrs: 'read-write',
    onnotice: () => undefined,
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
    return { rows: [...rows], count: rows.count };
  } catch (error) {
    throw asStoreError(error);
  }
}

/** PostgreSQL keeps no NUL in a text: U+FFFD stands in its place, as for everything that is no character. */
function toParameter(value: Value): postgres.ParameterOrJSON<never> {
  if (typeof value === 'string') return value.replaceAll('\0', '\uFFFD');
  if (value instanceof Uint8Array || !Array.isArray(value)) return value as postgres.SerializableParameter;
  return value.map((item: string | number) =>
    typeof item === 'string' ? item.replaceAll('\0', '\uFFFD') : item,
  );
}

/** The connection on which a statement was sent is gone. */
class ConnectionLost extends StoreUnavailable {}

/** Of errors by which the server ends a session: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const SESSION_ENDED = /^(57P0|25P03|08)/;
const UNIQUE_VIOLATION = '23505';

/**
 * An error of the driver in the store's own terms; any other error is passed through. The driver's own is left behind: its
 * details name the values of the row, such as an e-mail address, and errors are written to the log.
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
