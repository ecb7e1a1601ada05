import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { devNull } from 'node:os';
import {
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBInstance,
  DuckDBMapValue,
  type DuckDBValue,
  JSDuckDBValueConverter,
  MAP,
  VARCHAR,
} from '@duckdb/node-api';
import { type ReportLimits, StoreUnavailable } from '../contract/store.ts';

/** The only file that imports DuckDB. */

/** The bounds within which DuckDB works. */
export interface DuckDbLimits extends ReportLimits {
  /** The folder for what does not fit in memory. It is created if it does not exist. */
  spillFolder: string;
}

/** The free file descriptors with which DuckDB is started. It takes fewer. */
const FREE_DESCRIPTORS = 16;

/** The most that may be in the spill folder. */
const SPILL_MIB = 16 * 1024;

/** Functions under the names that they have in ClickHouse, so that reports are asked of both in the same words. */
const MACROS = `
  CREATE MACRO lowerUTF8(value) AS lower(value);
  CREATE MACRO mapKeys(value) AS map_keys(value);
  CREATE MACRO arrayJoin(list) AS unnest(list);
  CREATE MACRO match(value, pattern) AS regexp_matches(value, pattern);`;

/** How the message of an error begins when memory and spilling do not suffice. */
const OUT_OF_MEMORY = /^DuckDB: Out of Memory/;

export type Value = string | number | boolean | null;
export type Row = Record<string, unknown>;

/** The type of a column that rows are appended to. A `map` is a record of strings. */
export type ColumnType = 'integer' | 'number32' | 'number' | 'text' | 'flag' | 'map';
export type Cell = Value | bigint | Readonly<Record<string, string>>;

/** The interval between interrupts of a statement until it ends. One that comes while it is being prepared has no effect. */
const INTERRUPT_EVERY_MS = 10;

/** Checks that there are free file descriptors: without one, DuckDB ends the process as it starts. */
function requireDescriptors(): void {
  const opened: number[] = [];
  try {
    for (let i = 0; i < FREE_DESCRIPTORS; i++) opened.push(openSync(devNull, 'r'));
  } catch (error) {
    throw new Error('too few free file descriptors', { cause: error });
  } finally {
    for (const file of opened) closeSync(file);
  }
}

/** A connection to a DuckDB database in memory, which can also read and write Parquet files. One statement at a time. */
export class DuckDb {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #threads: number;
  /** All connections to the database share it. */
  readonly #stopping: AbortController;
  readonly #others: DuckDb[] = [];

  private constructor(
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    { threads, stopping }: { threads: number; stopping: AbortController },
  ) {
    this.#instance = instance;
    this.#connection = connection;
    this.#threads = threads;
    this.#stopping = stopping;
  }

  static async open({ memoryMib, threads, spillFolder }: DuckDbLimits): Promise<DuckDb> {
    return translated(async () => {
      // DuckDB would create only the last folder of the path, and let everyone read it.
      await mkdir(spillFolder, { recursive: true, mode: 0o700 });
      requireDescriptors();
      const instance = await DuckDBInstance.create(':memory:', {
        memory_limit: `${memoryMib}MiB`,
        threads: String(threads),
        temp_directory: spillFolder,
        max_temp_directory_size: `${SPILL_MIB}MiB`,
        // An extension would be fetched from the network.
        autoinstall_known_extensions: 'false',
        autoload_known_extensions: 'false',
        // Statements order their rows where it matters; not having to keep the order of others saves memory.
        preserve_insertion_order: 'false',
      });
      const duck = new DuckDb(instance, await instance.connect(), {
        threads,
        stopping: new AbortController(),
      });
      await duck.run(MACROS);
      return duck;
    });
  }

  /** Opens another connection to the same database. It closes with this one. */
  async connect(): Promise<DuckDb> {
    const connection = await translated(() => this.#instance.connect());
    const other = new DuckDb(this.#instance, connection, {
      threads: this.#threads,
      stopping: this.#stopping,
    });
    this.#others.push(other);
    return other;
  }

  /** Runs statements that return no rows. */
  async run(sql: string, values: readonly Value[] = []): Promise<void> {
    await this.#running(() => this.#connection.run(sql, values.map(bound)));
  }

  /**
   * Runs a query. Integers are returned as numbers where a number is exact.
   *
   * @param signal interrupts the query, which then rejects with the signal's reason
   */
  async rows(sql: string, values: readonly Value[] = [], signal?: AbortSignal): Promise<Row[]> {
    const read = () => this.#running(() => this.#connection.runAndReadAll(sql, values.map(bound)), signal);
    const reader = await read().catch((error: unknown) => {
      const isOutOfMemory = error instanceof StoreUnavailable && OUT_OF_MEMORY.test(error.message);
      if (!isOutOfMemory || this.#threads === 1) throw error;
      return this.#onOneThread(read);
    });
    return reader.getRowObjectsJS().map(toRow);
  }

  /** Like `rows`, but yields the rows as they are computed. Nothing else may run on the connection meanwhile. */
  async *stream(sql: string): AsyncGenerator<Row> {
    const result = await this.#running(() => this.#connection.stream(sql));
    const names = result.columnNames();
    for (;;) {
      const chunk = await this.#running(() => result.fetchChunk());
      if (chunk === null || chunk.rowCount === 0) return;
      for (const values of chunk.convertRows(JSDuckDBValueConverter))
        yield toRow(Object.fromEntries(names.map((name, i) => [name, values[i]])));
    }
  }

  /** Opens an appender to a table, whose columns have the given types in the same order. */
  async appender(table: string, types: readonly ColumnType[]): Promise<RowAppender> {
    const appender = await translated(() => this.#connection.createAppender(table));
    return new RowAppender(appender, types, this.#stopping.signal);
  }

  /** Makes statements and appenders of all connections fail from now on, also those that are under way. */
  stop(): void {
    this.#stopping.abort(new StoreUnavailable('DuckDB: the database is closing'));
  }

  /** Closes all connections and the database. Nothing may be running. */
  close(): void {
    for (const each of [this, ...this.#others]) each.#connection.closeSync();
    this.#instance.closeSync();
  }

  /** Runs a query with less memory: each thread needs some that cannot be spilled. Queries of other connections have one thread too. */
  async #onOneThread<T>(query: () => Promise<T>): Promise<T> {
    await this.run('SET threads = 1');
    try {
      return await query();
    } finally {
      await this.run(`SET threads = ${this.#threads}`);
    }
  }

  /** Runs a statement, or a step of it, until it ends or is interrupted. */
  async #running<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const signals = [this.#stopping.signal, ...(signal === undefined ? [] : [signal])];
    let again: NodeJS.Timeout | undefined;
    const interrupt = () => {
      this.#connection.interrupt();
      again ??= setInterval(interrupt, INTERRUPT_EVERY_MS);
    };
    for (const each of signals) {
      each.throwIfAborted();
      each.addEventListener('abort', interrupt);
    }
    try {
      return await translated(work);
    } catch (error) {
      for (const each of signals) each.throwIfAborted();
      throw error;
    } finally {
      clearInterval(again);
      for (const each of signals) each.removeEventListener('abort', interrupt);
    }
  }
}

type AppendCell = (appender: DuckDBAppender, cell: Exclude<Cell, null>) => void;

const APPEND: Readonly<Record<ColumnType, AppendCell>> = {
  integer: (appender, cell) => appender.appendBigInt(typeof cell === 'bigint' ? cell : BigInt(Number(cell))),
  number32: (appender, cell) => appender.appendInteger(Number(cell)),
  number: (appender, cell) => appender.appendDouble(Number(cell)),
  text: (appender, cell) => appender.appendVarchar(String(cell)),
  flag: (appender, cell) => appender.appendBoolean(Boolean(cell)),
  // The type of an empty map cannot be inferred.
  map: (appender, cell) =>
    appender.appendMap(mapOf(cell as Readonly<Record<string, string>>), MAP(VARCHAR, VARCHAR)),
};

/** Appends rows to a table. They are there after `close`. */
export class RowAppender {
  readonly #appender: DuckDBAppender;
  readonly #appendCells: readonly AppendCell[];
  readonly #stopping: AbortSignal;

  constructor(appender: DuckDBAppender, types: readonly ColumnType[], stopping: AbortSignal) {
    this.#appender = appender;
    this.#appendCells = types.map((type) => APPEND[type]);
    this.#stopping = stopping;
  }

  append(row: readonly Cell[]): void {
    this.#stopping.throwIfAborted();
    const appender = this.#appender;
    for (let i = 0; i < this.#appendCells.length; i++) {
      const cell = row[i];
      if (cell === null || cell === undefined) appender.appendNull();
      else this.#appendCells[i]?.(appender, cell);
    }
    appender.endRow();
  }

  close(): void {
    try {
      this.#appender.closeSync();
    } catch (error) {
      throw asStoreError(error);
    }
  }
}

function toRow(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? asNumber(value) : value]),
  );
}

function asNumber(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function bound(value: Value): DuckDBValue {
  return typeof value === 'number' ? BigInt(value) : value;
}

function mapOf(record: Readonly<Record<string, string>>): DuckDBMapValue {
  return new DuckDBMapValue(Object.entries(record).map(([key, value]) => ({ key, value })));
}

/** Translates errors of the engine. Only the beginning of the text is kept: it may quote rows. */
async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asStoreError(error);
  }
}

function asStoreError(error: unknown): StoreUnavailable {
  const message = error instanceof Error ? error.message : String(error);
  return new StoreUnavailable(`DuckDB: ${message.slice(0, 200)}`, { cause: error });
}
