import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  getCACertificates,
  type PeerCertificate,
  type SecureContext,
} from 'node:tls';
import postgres from 'postgres';
import { type PostgresUrl, readPostgresUrl } from '../../domain/postgres-url.ts';
import { StoreBusy, StoreUnavailable } from '../contract/store.ts';
import { UniqueViolation } from '../shared/unique-violation.ts';
import { isUntrustedCertificate } from '../shared/untrusted-certificate.ts';

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
/** Settings of PostgreSQL, in milliseconds, with which the server enforces timeouts itself, even after this process is gone. */
const LIMITS = {
  statement_timeout: STATEMENT_TIMEOUT_MS,
  lock_timeout: LOCK_TIMEOUT_MS,
  idle_in_transaction_session_timeout: ANSWER_DEADLINE_MS,
} as const;
const SET_LOCAL_LIMITS = Object.entries(LIMITS)
  .map(([name, ms]) => `SET LOCAL ${name} = ${ms}`)
  .join('; ');
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

/**
 * Open connections, and how they apply the limits: once per session, as startup parameters, or once per transaction. The latter
 * is for poolers such as PgBouncer, which reject or ignore startup parameters and may run each transaction in another session.
 * For the same reason, no statement is prepared there.
 */
interface Connections {
  pool: Pool;
  limitsPer: 'session' | 'transaction';
}

/** A database on a server. Connects on first use, and again after a lost connection. */
export class Database implements Queries {
  readonly #server: Connector;
  #connections: Connections;
  /** The detection of a pooler, pending or complete. */
  #detection: Promise<void> | null = null;
  #listening: Pool | null = null;
  #underWay = 0;
  #isClosed = false;

  /** @param url `postgres://user:password@host:port/database`, with `?sslmode=verify-full` for TLS */
  constructor(url: string) {
    this.#server = connectorTo(url);
    this.#connections = this.#connect('session');
  }

  query(sql: string, ...values: Value[]): Promise<Answer> {
    return this.#bounded(ANSWER_DEADLINE_MS, (connections) =>
      connections.limitsPer === 'session'
        ? ask(connections.pool, sql, values)
        : inTransaction(connections, (tx) => tx.query(sql, ...values)),
    );
  }

  /**
   * Runs `work` in one transaction, which is committed when `work` resolves and rolled back when it rejects. Each statement
   * sees everything committed before it.
   *
   * @param deadlineMs the timeout of the whole transaction
   */
  transaction<T>(work: (tx: Queries) => Promise<T>, deadlineMs = ANSWER_DEADLINE_MS): Promise<T> {
    return this.#bounded(deadlineMs, (connections) => inTransaction(connections, work));
  }

  /**
   * Calls `onNotice` for each notification on a channel, and after each connect, since notifications may have been missed.
   * Reconnects after a lost connection.
   *
   * @returns a function that stops listening
   */
  listen(channel: string, onNotice: () => void): () => void {
    // It only waits, so it needs no limits. A pooler may not deliver notices.
    this.#listening ??= this.#server({ max: 1 });
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
      this.#connections.pool.end({ timeout: CLOSE_TIMEOUT_SECONDS }),
      this.#listening?.end({ timeout: 0 }),
    ]);
  }

  async #bounded<T>(deadlineMs: number, work: (connections: Connections) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new StoreUnavailable('PostgreSQL: the store is closed');
    if (this.#underWay >= UNDER_WAY_MAX)
      throw new StoreBusy(`PostgreSQL: too many queries are waiting (${UNDER_WAY_MAX})`);
    let used = this.#connections;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        this.#giveUp(used);
        reject(new StoreUnavailable(`PostgreSQL: no answer within ${deadlineMs} ms`));
      }, deadlineMs);
    });
    const answer = this.#detectPooler().then(() => {
      used = this.#connections;
      return work(used);
    });
    this.#underWay += 1;
    try {
      return await Promise.race([answer, deadline]);
    } catch (error) {
      throw asStoreError(error);
    } finally {
      clearTimeout(timer);
      this.#underWay -= 1;
    }
  }

  #connect(limitsPer: Connections['limitsPer']): Connections {
    const options =
      limitsPer === 'session' ? { max: CONNECTIONS, session: LIMITS } : { max: CONNECTIONS, prepare: false };
    return { pool: this.#server(options), limitsPer };
  }

  /** Finds out, once, whether sessions accept the limits, and otherwise replaces the connections. */
  #detectPooler(): Promise<void> {
    this.#detection ??= acceptsLimits(this.#connections.pool).then(
      (accepted) => {
        if (!accepted) this.#replace('transaction');
      },
      (error: unknown) => {
        this.#detection = null;
        throw error;
      },
    );
    return this.#detection;
  }

  /** Replaces the connections. An unanswered query either completes or is rolled back; its outcome is unknown. */
  #giveUp(used: Connections): void {
    if (used === this.#connections) this.#replace(used.limitsPer);
  }

  #replace(limitsPer: Connections['limitsPer']): void {
    if (this.#isClosed) return;
    const { pool } = this.#connections;
    this.#connections = this.#connect(limitsPer);
    pool.end({ timeout: 0 }).catch(() => undefined);
  }
}

/** The code with which PgBouncer rejects startup parameters. */
const PROTOCOL_VIOLATION = '08P01';

/** Checks whether sessions start with the limits. */
async function acceptsLimits(pool: Pool): Promise<boolean> {
  try {
    const [setting] = await pool.unsafe("SELECT setting FROM pg_settings WHERE name = 'statement_timeout'");
    return Number(setting?.setting) === STATEMENT_TIMEOUT_MS;
  } catch (error) {
    if (error instanceof postgres.PostgresError && error.code === PROTOCOL_VIOLATION) return false;
    throw asStoreError(error);
  }
}

async function inTransaction<T>(
  { pool, limitsPer }: Connections,
  work: (tx: Queries) => Promise<T>,
): Promise<T> {
  let isLost = false;
  const settled = pool.begin(async (connection): Promise<{ result: T }> => {
    const query: Queries['query'] = (sql, ...values) =>
      isLost
        ? Promise.reject(new ConnectionLost('PostgreSQL: the connection was lost'))
        : ask(connection, sql, values);
    try {
      if (limitsPer === 'transaction') await query(SET_LOCAL_LIMITS);
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
}

/** Opens connections to one server. `session` are settings with which each session starts. */
type Connector = (options: {
  max: number;
  session?: Readonly<Record<string, number>>;
  prepare?: boolean;
}) => Pool;

/** @throws StoreUnavailable if a file that the URL names cannot be used */
function connectorTo(text: string): Connector {
  const url = readPostgresUrl(text);
  const { hosts, socket, login } = url;
  const ssl = tlsOf(url);
  // Lists, because the driver splits a string at colons. Its types do not know that it takes lists.
  const tcp = { host: hosts.map(({ host }) => host), port: hosts.map(({ port }) => port) } as unknown as {
    host: string;
    port: number;
  };
  const place = socket === null ? (hosts.length === 0 ? {} : tcp) : { path: socket };
  return ({ session, ...options }) =>
    postgres({
      ...options,
      ...place,
      ...login,
      ssl,
      connect_timeout: CONNECT_TIMEOUT_SECONDS,
      idle_timeout: IDLE_TIMEOUT_SECONDS,
      backoff: () => RECONNECT_SECONDS,
      // After a failover, the first of several hosts may be read-only.
      target_session_attrs: 'read-write',
      onnotice: () => undefined,
      // The driver asks for array types on every new connection, and if that is lost meanwhile, the rejection is unhandled
      // and ends the process.
      fetch_types: false,
      connection: { application_name: 'attractos', ...url.session, ...session },
      types: {
        bigint: { to: 20, from: [20], parse: Number, serialize: String },
      },
    });
}

/** Returns the driver's TLS options for an `sslmode`, as libpq defines it. */
function tlsOf(url: PostgresUrl): 'prefer' | false | ConnectionOptions {
  const { hosts, sslMode } = url;
  // libpq tries TLS first for one and last for the other. The driver can only try it first.
  if (sslMode === 'allow' || sslMode === 'prefer') return 'prefer';
  if (sslMode === 'disable') return false;
  return {
    rejectUnauthorized: sslMode !== 'require',
    secureContext: secureContextOf(url),
    checkServerIdentity: sslMode === 'verify-full' ? identityOf(hosts) : () => undefined,
  };
}

/** Reads the certificates. The driver would end the process if they were wrong. */
function secureContextOf({ files, trustsSystem }: PostgresUrl): SecureContext {
  const authority = files.rootCert === null ? null : readPem('sslrootcert', files.rootCert);
  if (authority !== null && !isCertificate(authority))
    throw new StoreUnavailable('PostgreSQL: the file of sslrootcert in DATABASE_URL has no PEM certificate');
  const system = trustsSystem ? [...getCACertificates('default'), ...getCACertificates('system')] : undefined;
  const [cert, key] = [
    files.cert === null ? undefined : readPem('sslcert', files.cert),
    files.key === null ? undefined : readPem('sslkey', files.key),
  ];
  try {
    return createSecureContext({ ca: authority ?? system, cert, key });
  } catch (error) {
    throw new StoreUnavailable(
      `PostgreSQL: the files of sslcert and sslkey in DATABASE_URL must be a PEM certificate and its key, without a password: ${messageOf(error)}`,
    );
  }
}

function isCertificate(pem: Buffer): boolean {
  try {
    return new X509Certificate(pem).serialNumber !== '';
  } catch {
    return false;
  }
}

function readPem(parameter: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new StoreUnavailable(
      `PostgreSQL: the file of ${parameter} in DATABASE_URL cannot be read: ${messageOf(error)}`,
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Returns a check of a certificate's names. If a host is an IP address, the driver passes no name, and TLS would check for
 * `localhost`. The certificate must then contain one of the URL's addresses.
 */
function identityOf(
  hosts: PostgresUrl['hosts'],
): (name: string, certificate: PeerCertificate) => Error | undefined {
  const names = hosts.map(({ host }) => host);
  const addresses = names.filter((name) => isIP(name) !== 0);
  return (name, certificate) => {
    const isAddress = addresses.length > 0 && !names.includes(name);
    const errors = (isAddress ? addresses : [name]).map((each) => checkServerIdentity(each, certificate));
    return errors.includes(undefined) ? undefined : errors[0];
  };
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

/** How Node.js says that the server ended the connection instead of a handshake. */
const NO_HANDSHAKE = 'before secure TLS connection was established';

/** Returns what to do about a failure of TLS, as the rest of a sentence. */
function tlsAdvice(code: string, message: string): string {
  if (isUntrustedCertificate(code))
    return '. If its CA is private, name the CA file as sslrootcert in DATABASE_URL';
  return message.includes(NO_HANDSHAKE)
    ? '. The sslmode in DATABASE_URL requires TLS, which the server may not offer'
    : '';
}

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
  if (code === null) return error;
  return new ConnectionLost(`PostgreSQL: ${error.message || code}${tlsAdvice(code, error.message)}`);
}
