import { REGISTRY_TABLES, type RegistryTable } from '../registry-tables.ts';
import { type Database, openForReading, translated } from './driver.ts';

/** The registry as of one instant, beside whoever writes it: everything is read in one transaction. */
export class RegistryDump {
  readonly #db: Database;

  constructor(file: string) {
    this.#db = openForReading(file);
    translated(() => this.#db.exec('BEGIN'));
  }

  /** Rows of a table, ordered by its key. */
  *rows(table: RegistryTable): Generator<Record<string, unknown>> {
    // The order in which rows were added is that of their numbers.
    const columns = table.columns.map((column) =>
      column === table.sequence ? `rowid AS ${column}` : column,
    );
    yield* this.#db
      .prepare(`SELECT ${columns.join(', ')} FROM ${table.name} ORDER BY ${table.key.join(', ')}`)
      .iterate();
  }

  /** Rows of all tables. */
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
