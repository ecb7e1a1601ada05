import { addAbortSignal, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import {
  type ClickHouseClient,
  type ClickHouseSettings,
  createClient,
  type ExecParams,
} from '@clickhouse/client';
import { StoreUnavailable } from '../contract/store.ts';
import { isUntrustedCertificate } from '../shared/untrusted-certificate.ts';

/** The only file that imports the ClickHouse client. */

/** The timeout of a query. The server cancels it a little earlier. */
const QUESTION_TIMEOUT_MS = 60_000;
/** The timeout of inserts, and of counts that run while a lock is held. */
const QUICK_TIMEOUT_MS = 8_000;
const SERVER_GIVES_UP_BEFORE_MS = 1_000;
/** How long idle connections are kept: less than the 3 seconds after which servers close them by default. */
const IDLE_SOCKET_MS = 2_000;
const CONNECTIONS = 10;
/** The maximum length of a statement, which is large because lists of sites and days are literals. */
const QUERY_BYTES_MAX = 16 * 1024 * 1024;

/** Settings sent to servers that know them. Their defaults differ between versions, and so would the results. */
const WANTED_SETTINGS = {
  async_insert: '0',
  output_format_json_quote_64bit_integers: '1',
  date_time_input_format: 'basic',
  max_query_size: String(QUERY_BYTES_MAX),
  input_format_skip_unknown_fields: '0',
  // FINAL allocates one buffer per column of each part it merges; the default of 1 MiB would add up to gigabytes.
  max_read_buffer_size: '65536',
  insert_distributed_sync: '1',
} as const;
/** Settings of queries, sent to servers that know them: the server cancels a query when the client closes its connection. */
const QUERY_SETTINGS = {
  cancel_http_readonly_queries_on_client_close: '1',
  // Servers cancel only read-only queries. The value 2 still allows other settings.
  readonly: '2',
} as const;
const TOKEN_SETTING = 'insert_deduplication_token';

export type Row = Record<string, unknown>;

export interface QueryOptions {
  /** Whether to use the short timeout, because a lock is held. */
  quick?: boolean;
  /** Cancels the query, which then rejects with the signal's reason. Newer servers stop running it. */
  signal?: AbortSignal | undefined;
}

/** The connections to a server, and what is known about it. */
interface Connection {
  readonly client: ClickHouseClient;
  /** The settings that the server knows, queried once. */
  known: Promise<ReadonlySet<string>> | null;
  /** Aborts running requests on close. Otherwise a truncated response would keep its request waiting until its timeout. */
  readonly closing: AbortController;
}

/** A ClickHouse server: the only one, or one of several replicas. */
export class Server {
  readonly name: string;
  readonly database: string;
  readonly #url: string;
  readonly #connection: Connection;
  readonly #until: AbortSignal | undefined;

  /**
   * @param url `http://user:password@host:8123/database`
   * @param connection of the same server, if there is one already
   * @param until cancels all queries
   */
  constructor(url: string, connection?: Connection, until?: AbortSignal) {
    const { host, pathname } = new URL(url);
    this.name = host;
    this.database = decodeURIComponent(pathname.slice(1)) || 'default';
    this.#url = url;
    this.#connection = connection ?? connect(url, this.database);
    this.#until = until;
  }

  /** Returns the same server, whose queries are canceled when the signal aborts. */
  until(signal: AbortSignal): Server {
    return new Server(this.#url, this.#connection, signal);
  }

  /** Runs a statement that returns no rows. */
  async run(sql: string): Promise<void> {
    const settings = await this.#settings(QUESTION_TIMEOUT_MS);
    await this.#exec({ query: sql, clickhouse_settings: settings });
  }

  /** Runs a query and returns its rows, with 64-bit integers as strings. @param sql without FORMAT */
  async rows(sql: string, options: QueryOptions = {}): Promise<Row[]> {
    const rows: Row[] = [];
    await this.stream(sql, (row) => rows.push(row), options);
    return rows;
  }

  /** Like `rows`, but yields the rows one at a time as they arrive. */
  async stream(
    sql: string,
    onRow: (row: Row) => void,
    { quick = false, signal = this.#until }: QueryOptions = {},
  ): Promise<void> {
    signal?.throwIfAborted();
    const timeoutMs = quick ? QUICK_TIMEOUT_MS : QUESTION_TIMEOUT_MS;
    const settings = { ...(await this.#settings(timeoutMs)), ...(await this.#knownOf(QUERY_SETTINGS)) };
    const within = this.#within(timeoutMs, signal);
    try {
      await translated(async () => {
        // The client does not look whether the signal has aborted before.
        within.throwIfAborted();
        const answer = await this.#connection.client.query({
          query: sql,
          format: 'JSONEachRow',
          clickhouse_settings: settings,
          abort_signal: within,
        });
        // The client applies the signal only until the response's head has arrived.
        for await (const rows of addAbortSignal(within, answer.stream<Row>()))
          for (const row of rows) onRow(row.json());
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  }

  /**
   * Inserts lines of `JSONEachRow` unchanged, so that the same batch is always the same bytes.
   *
   * @param token identifies a repeated insert on servers that support it; older servers compare the content
   */
  async insert(table: string, rows: string, token: string): Promise<void> {
    const settings = await this.#settings(QUICK_TIMEOUT_MS);
    await this.#exec({
      query: `INSERT INTO ${table} FORMAT JSONEachRow`,
      values: Readable.from([Buffer.from(rows)], { objectMode: false }),
      clickhouse_settings: { ...settings, ...(await this.#knownOf({ [TOKEN_SETTING]: token })) },
    });
  }

  async close(): Promise<void> {
    this.#connection.closing.abort();
    await this.#connection.client.close();
  }

  /** Sends a statement that returns no rows, and reads the response to its end. */
  #exec(statement: Pick<ExecParams, 'query' | 'clickhouse_settings'> & { values?: Readable }): Promise<void> {
    const within = this.#within(QUESTION_TIMEOUT_MS);
    return translated(async () => {
      const { stream } = await this.#connection.client.exec({
        ...statement,
        abort_signal: within,
        decompress_response_stream: false,
      });
      await finished(addAbortSignal(within, stream).resume());
    });
  }

  #within(timeoutMs: number, signal?: AbortSignal): AbortSignal {
    return AbortSignal.any([
      AbortSignal.timeout(timeoutMs),
      this.#connection.closing.signal,
      ...(signal === undefined ? [] : [signal]),
    ]);
  }

  async #settings(timeoutMs: number): Promise<ClickHouseSettings> {
    return {
      ...(await this.#knownOf(WANTED_SETTINGS)),
      max_execution_time: (timeoutMs - SERVER_GIVES_UP_BEFORE_MS) / 1000,
    };
  }

  /** Returns those of the settings that the server knows. */
  async #knownOf(settings: Readonly<Record<string, string>>): Promise<Record<string, string>> {
    const known = await this.#knownSettings();
    return Object.fromEntries(Object.entries(settings).filter(([name]) => known.has(name)));
  }

  #knownSettings(): Promise<ReadonlySet<string>> {
    this.#connection.known ??= this.#askSettings().catch((error: unknown) => {
      this.#connection.known = null;
      throw error;
    });
    return this.#connection.known;
  }

  async #askSettings(): Promise<ReadonlySet<string>> {
    const names = [...Object.keys({ ...WANTED_SETTINGS, ...QUERY_SETTINGS }), TOKEN_SETTING]
      .map((name) => `'${name}'`)
      .join(', ');
    const within = this.#within(QUICK_TIMEOUT_MS);
    return translated(async () => {
      const answer = await this.#connection.client.query({
        query: `SELECT name FROM system.settings WHERE name IN (${names})`,
        format: 'JSONEachRow',
        abort_signal: within,
      });
      const known = new Set<string>();
      for await (const rows of addAbortSignal(within, answer.stream<{ name: string }>()))
        for (const row of rows) known.add(row.json().name);
      return known;
    });
  }
}

function connect(url: string, database: string): Connection {
  const client = createClient({
    url: withoutPath(url),
    database,
    application: 'attractos',
    max_open_connections: CONNECTIONS,
    request_timeout: QUESTION_TIMEOUT_MS,
    keep_alive: { enabled: true, idle_socket_ttl: IDLE_SOCKET_MS },
    // Servers before 2023 accept a truncated body as complete if it ends after a row, but only if it is not compressed.
    compression: { request: true, response: true },
    log: { level: 127 },
  });
  return { client, known: null, closing: new AbortController() };
}

function withoutPath(url: string): string {
  const parsed = new URL(url);
  parsed.pathname = '/';
  return parsed.href;
}

/**
 * Finds the error code in a message, because old servers give it only there:
 * https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
 */
const CODE = /Code: (\d+)/;

/** Translates errors of the client and server into the store's. Only the beginning of the text is kept: it may quote rows. */
async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const code = (error as { code?: unknown }).code ?? CODE.exec(message)?.[1];
    const cause = code === undefined ? message.slice(0, 200) : `error ${code}`;
    const advice = isUntrustedCertificate(String(code))
      ? '. If the CA of its certificate is private, set NODE_EXTRA_CA_CERTS to the CA file'
      : '';
    throw new StoreUnavailable(`ClickHouse: ${cause}${advice}`, { cause: error });
  }
}
