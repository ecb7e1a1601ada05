import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The folder of the engines that all suites of a run share. The first suite that needs an engine starts it. */
    enginesFolder: string;
  }
}

const END_WITH_RUN = fileURLToPath(new URL('./end-with-run.ts', import.meta.url));

/** Runs once for all tests: creates a folder for engines, and stops them at the end, even if the run is killed. */
export default function setup(project: TestProject): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'attractos-engines-'));
  // Engines that refuse to run as root run as a separate user, who needs access to their folder.
  chmodSync(folder, 0o711);
  project.provide('enginesFolder', folder);
  // In its own process group, so that it survives when the run's group is killed.
  const end = spawn(process.execPath, [END_WITH_RUN, folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = once(end, 'exit');
  return async () => {
    end.stdin.end();
    const [code] = await ended;
    if (code !== 0) throw new Error('engines of the tests did not end');
  };
}
