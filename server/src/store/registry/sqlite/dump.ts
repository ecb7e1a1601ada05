import { type Database, openForReading, translated } from '../../drivers/sqlite.ts';
import { REGISTRY_TABLES, type RegistryTable } from '../tables.ts';

/** Reads the registry as of one instant, in one transaction. Other processes may write meanwhile. */
export class RegistryDump {
  readonly #db: Database;

  constructor(file: string) {
    this.#db = openForReading(file);
    translated(() => this.#db.exec('BEGIN'));
  }

  /** Yields the rows of a table, ordered by its key. */
  *rows(table: RegistryTable): Generator<Record<string, unknown>> {
    // Row numbers follow the order in which rows were added.
    const columns = table.columns.map((column) =>
      column === table.sequence ? `rowid AS ${column}` : column,
    );
    yield* this.#db
      .prepare(`SELECT ${columns.join(', ')} FROM ${table.name} ORDER BY ${table.key.join(', ')}`)
      .iterate();
  }

  /** Counts the rows of all tables. */
  count(): number {
    return translated(() =>
      REGISTRY_TABLES.reduce(
        (sum, { name }) => sum + Number(this.#db.prepare(`SELECT count(*) AS n FROM ${name}`).get()?.n),
        0,
      ),
    );
  }

  close(): void {
    this.#db.close();
  }
}
