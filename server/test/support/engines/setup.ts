import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where engines that all suites of a run share are kept. Each is started by the first suite that needs it. */
    enginesFolder: string;
  }
}

const END_WITH_RUN = fileURLToPath(new URL('./end-with-run.ts', import.meta.url));

/** Once for all tests: a place for engines, and their end, of which a run that is killed is no exception. */
export default function setup(project: TestProject): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'attractos-engines-'));
  // Engines that refuse to run as root run as a user of their own, who must get to his folder.
  chmodSync(folder, 0o711);
  project.provide('enginesFolder', folder);
  // In a group of its own, so that what ends the run by its group leaves this one.
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
