import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreUnavailable } from '../../contract/store.ts';
import type { DuckDb } from '../../drivers/duckdb.ts';
import { SPILL } from './segment-files.ts';

/**
 * Opens a DuckDB for work beside the questions of a server. Its spill folder is its own, since a server and several commands may
 * work on the same data folder at once, and DuckDB deletes all of its temporary files in the folder when it closes.
 *
 * @throws StoreUnavailable
 */
export async function openBeside(
  folder: string,
  limits: { memoryMib: number; threads: number },
): Promise<{ duck: DuckDb; close: () => Promise<void> }> {
  const spillFolder = await newSpillFolder(join(folder, SPILL));
  const remove = () => rm(spillFolder, { recursive: true, force: true });
  try {
    // The engine is loaded when it is first needed, which most commands never do.
    const { DuckDb } = await import('../../drivers/duckdb.ts');
    const duck = await DuckDb.open({ ...limits, spillFolder });
    return {
      duck,
      async close() {
        duck.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function newSpillFolder(shared: string): Promise<string> {
  try {
    await mkdir(shared, { recursive: true, mode: 0o700 });
    return await mkdtemp(join(shared, 'beside-'));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new StoreUnavailable(`the spill folder cannot be created: ${message}`, { cause: error });
  }
}
