import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { readPid, stopByPid } from './process.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where engines that all suites of a run share are kept. Each is started by the first suite that needs it. */
    enginesFolder: string;
  }
}

/** Where an engine that runs keeps its process id, below its folder. */
const PID_FILES = ['pid', 'data/postmaster.pid'];

/** Once for all tests: a place for engines, and their end. */
export default function setup(project: TestProject): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'attractos-engines-'));
  // Engines that refuse to run as root run as a user of their own, who must get to his folder.
  chmodSync(folder, 0o711);
  project.provide('enginesFolder', folder);
  return async () => {
    for (const engine of readdirSync(folder)) {
      for (const name of PID_FILES) {
        const pidFile = join(folder, engine, name);
        if (existsSync(pidFile)) await stopByPid(readPid(pidFile));
      }
    }
    rmSync(folder, { recursive: true, force: true });
  };
}
