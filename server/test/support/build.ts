import { spawnSync } from 'node:child_process';
import { root } from './paths.ts';

/** Once before all tests: builds what is missing or older than its sources, so that no child process has to. */
export default function setup(): void {
  const script = "import('./server/bin/ensure-built.js').then(({ ensureBuilt }) => ensureBuilt())";
  const { status } = spawnSync(process.execPath, ['-e', script], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('the program could not be built');
}
