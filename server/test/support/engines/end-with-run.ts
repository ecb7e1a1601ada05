import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readPid, stopByPid } from './process.ts';

/**
 * A process of its own that ends the engines of a run and removes their folder when its input ends: the run is over, or was
 * killed. `node end-with-run.ts FOLDER`
 */

/** Where an engine that runs keeps its process id, below its folder. */
const PID_FILES = ['pid', 'data/postmaster.pid'];

async function endEngines(folder: string): Promise<void> {
  const pidFiles = readdirSync(folder).flatMap((engine) =>
    PID_FILES.map((name) => join(folder, engine, name)),
  );
  await Promise.all(pidFiles.filter((file) => existsSync(file)).map((file) => stopByPid(readPid(file))));
  rmSync(folder, { recursive: true, force: true });
}

const [, , folder = ''] = process.argv;
process.stdin.resume().on('close', () => endEngines(folder));
