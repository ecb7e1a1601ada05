import { createHash } from 'node:crypto';
import type { Database, Queries, Row } from '../../drivers/postgres.ts';
import { migrate } from '../../drivers/postgres-migrate.ts';
import { MOVE_MIGRATIONS, MoveError } from '../../shared/move-schema.ts';
import { lineOf, plainValue, REGISTRY_TABLES, type RegistryTable } from '../tables.ts';
import { KEYS_LOCK } from './registry.ts';

/** Rows that are sent or read back at a time. */
const ROWS_AT_ONCE = 1_000;
/** The timeout of the transaction that fills the registry. */
const FILL_DEADLINE_MS = 60 * 60_000;

/**
 * Makes the registry equal to another one in one transaction, and compares all rows before the commit. It can be repeated
 * until the registry is in use.
 *
 * @param rowsOf returns the rows of a table, ordered by its key
 * @returns the number of rows that the registry now holds
 * @throws MoveError if the registry holds rows from elsewhere, or differs afterwards
 */
export async function fillRegistry(
  db: Database,
  rowsOf: (table: RegistryTable) => Iterable<Row>,
  onProgress: (rows: number) => void,
): Promise<number> {
  await migrate(db, 'move', MOVE_MIGRATIONS);
  return db.transaction(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1)', KEYS_LOCK);
    await refuseWhereInUse(tx);
    for (const { name } of REGISTRY_TABLES.toReversed()) await tx.query(`DELETE FROM ${name}`);
    const sent = createHash('sha256');
    let rows = 0;
    for (const table of REGISTRY_TABLES) {
      for (const batch of batchesOf(rowsOf(table))) {
        await insert(tx, table, batch);
        for (const row of batch) sent.update(`${table.name}${lineOf(table, row)}\n`);
        rows += batch.length;
        onProgress(rows);
      }
      await continueSequence(tx, table);
    }
    const checksum = await checksumOf(tx);
    if (checksum !== sent.digest('hex'))
      throw new MoveError('PostgreSQL returned data that differs from what was sent. Nothing was changed.');
    await tx.query(
      `INSERT INTO moved_registry (checksum) VALUES ($1) ON CONFLICT (only_row) DO UPDATE SET checksum = excluded.checksum`,
      checksum,
    );
    return rows;
  }, FILL_DEADLINE_MS);
}

async function refuseWhereInUse(tx: Queries): Promise<void> {
  const { rows } = await tx.query('SELECT checksum FROM moved_registry');
  const known = rows[0]?.checksum ?? createHash('sha256').digest('hex');
  if ((await checksumOf(tx)) === known) return;
  throw new MoveError(
    rows.length === 0
      ? 'The registry in PostgreSQL already holds data. Move into an empty database.'
      : 'The registry in PostgreSQL has changed since the last move, so it is in use. Nothing was changed.',
  );
}

/** Computes the digest of all rows in order. */
async function checksumOf(tx: Queries): Promise<string> {
  const checksum = createHash('sha256');
  for (const table of REGISTRY_TABLES) {
    await tx.query(
      `DECLARE moving NO SCROLL CURSOR FOR SELECT ${table.columns.join(', ')} FROM ${table.name} ORDER BY ${table.key.join(', ')}`,
    );
    for (let last = false; !last; ) {
      const { rows } = await tx.query(`FETCH ${ROWS_AT_ONCE} FROM moving`);
      for (const row of rows) checksum.update(`${table.name}${lineOf(table, row)}\n`);
      last = rows.length < ROWS_AT_ONCE;
    }
    await tx.query('CLOSE moving');
  }
  return checksum.digest('hex');
}

function* batchesOf(rows: Iterable<Row>): Generator<Row[]> {
  let batch: Row[] = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length < ROWS_AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function insert(tx: Queries, { name, columns }: RegistryTable, rows: readonly Row[]): Promise<void> {
  // Bytes are sent in hexadecimal: https://www.postgresql.org/docs/current/datatype-binary.html
  const write = (value: unknown) =>
    value instanceof Uint8Array ? `\\x${plainValue(value)}` : plainValue(value);
  const records = rows.map((row) =>
    Object.fromEntries(columns.map((column) => [column, write(row[column])])),
  );
  const list = columns.join(', ');
  await tx.query(
    `INSERT INTO ${name} (${list}) SELECT ${list} FROM json_populate_recordset(NULL::${name}, $1::text::json)`,
    JSON.stringify(records),
  );
}

/** Sets a table's sequence so that the next added row comes after all existing rows. */
async function continueSequence(tx: Queries, { name, sequence }: RegistryTable): Promise<void> {
  if (sequence === undefined) return;
  await tx.query(
    `SELECT setval(pg_get_serial_sequence($1, $2), coalesce(max(${sequence}), 0) + 1, false) FROM ${name}`,
    name,
    sequence,
  );
}
