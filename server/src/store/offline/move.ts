import type { Databases } from '../contract/databases.ts';
import { type DataFiles, filesIn, isThere } from '../data-dir.ts';
import { Database } from '../drivers/postgres.ts';
import { fillRegistry } from '../registry/postgres/fill.ts';
import { openPostgresRegistry } from '../registry/postgres/registry.ts';
import { RegistryDump } from '../registry/sqlite/dump.ts';
import { CountsFill } from '../scale-out/counts/fill.ts';
import { type Moved, moveEvents } from '../scale-out/move.ts';
import { warehouseOf } from '../scale-out/open-warehouse.ts';
import { toMovedRow } from '../scale-out/warehouse/checksum.ts';
import { MoveError } from '../shared/move-schema.ts';
import { EventDump } from './event-dump.ts';

/**
 * Copies everything from a data folder into the databases. A server may be running. Until the databases are in use, the move
 * can be repeated, and then copies only changes.
 *
 * @param onProgress called with the progress, from 0 to 1
 * @throws MoveError if the databases are in use or differ from what was sent; StoreUnavailable, NewerSchema
 */
export async function moveStore({
  dataDir,
  to,
  onProgress,
}: {
  dataDir: string;
  to: Databases;
  onProgress: (share: number) => void;
}): Promise<Moved & { registryRows: number }> {
  const files = filesIn(dataDir);
  if (!isThere(files.events))
    throw new MoveError(`There is no data in ${dataDir}. Set DATA_DIR to the folder to move.`);
  const db = new Database(to.postgres);
  const rows = await warehouseOf(to, db);
  const from = new EventDump(files.events);
  try {
    const registryRows = await moveRegistry(files, db, (share) => onProgress(share * REGISTRY_SHARE));
    const moved = await moveEvents({
      from,
      rows,
      counts: new CountsFill(db),
      toRow: toMovedRow,
      onProgress: (done, all) => onProgress(REGISTRY_SHARE + ((1 - REGISTRY_SHARE) * done) / all),
    });
    return { ...moved, registryRows };
  } finally {
    await from.close();
    await rows.close();
    await db.close();
  }
}

/** Moves the registry as of one instant. The read is as short as possible, since destroyed salts stay in the log meanwhile. */
async function moveRegistry(
  files: DataFiles,
  db: Database,
  onProgress: (share: number) => void,
): Promise<number> {
  await openPostgresRegistry(db);
  const registry = new RegistryDump(files.registry);
  try {
    const all = Math.max(1, registry.count());
    return await fillRegistry(
      db,
      (table) => registry.rows(table),
      (done) => onProgress(done / all),
    );
  } finally {
    registry.close();
  }
}

/** The registry's share of the total progress. */
const REGISTRY_SHARE = 0.05;
