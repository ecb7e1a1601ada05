import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readPid, stopByPid } from './process.ts';

/**
 * Ends the engines of a run and removes their folder when standard input closes, because the run is over or was killed. Runs as
 * a separate process: `node end-with-run.ts FOLDER`
 */

/** Files below an engine's folder that contain its process id while it runs. */
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
