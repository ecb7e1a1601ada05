import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDb } from '../../drivers/duckdb.ts';
import { SPILL } from './segment-files.ts';

/**
 * Opens a DuckDB for work beside the questions of a server. Its spill folder is its own, since a server and several commands may
 * work on the same data folder at once, and DuckDB deletes the folder in the end.
 */
export async function openBeside(
  folder: string,
  limits: { memoryMib: number; threads: number },
): Promise<{ duck: DuckDb; close: () => Promise<void> }> {
  const shared = join(folder, SPILL);
  await mkdir(shared, { recursive: true, mode: 0o700 });
  const spillFolder = await mkdtemp(join(shared, 'beside-'));
  const duck = await DuckDb.open({ ...limits, spillFolder });
  return {
    duck,
    async close() {
      duck.close();
      await rm(spillFolder, { recursive: true, force: true });
    },
  };
}
