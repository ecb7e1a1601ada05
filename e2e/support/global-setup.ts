import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensureBrowsers } from './browsers.ts';
import { ensureRequests } from './python.ts';

/** Before any test: browsers are found or fetched, and what is built is up to date, once and not in every worker. */
export default function setUp(): void {
  const say = (line: string) => {
    process.stdout.write(`set-up: ${line}\n`);
  };
  ensureBrowsers(['chromium', 'firefox', 'webkit'], say);
  ensureRequests(say);
  const command = fileURLToPath(new URL('../../server/bin/attractos.js', import.meta.url));
  const { status } = spawnSync(process.execPath, [command, '--help'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0)
    throw new Error('Building the server and the tracker failed; what went wrong stands above.');
}
