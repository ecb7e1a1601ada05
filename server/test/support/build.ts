import { spawnSync } from 'node:child_process';
import { root } from './paths.ts';

/** Runs once before all tests: builds what is missing or out of date, so that no child process has to. */
export default function setup(): void {
  const script = "import('./server/bin/ensure-built.js').then(({ ensureBuilt }) => ensureBuilt())";
  const { status } = spawnSync(process.execPath, ['-e', script], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('the program could not be built');
}
