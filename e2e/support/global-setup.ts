import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FullConfig } from '@playwright/test';
import { ensureBrowsers } from './browsers.ts';
import type { Choice } from './fixtures.ts';
import { ensureRequests } from './python.ts';

/** Runs once before all tests: finds or installs the browsers, and builds what is out of date. */
export default function setUp({ projects }: FullConfig<object, Choice>): void {
  const say = (line: string) => {
    process.stdout.write(`set-up: ${line}\n`);
  };
  ensureBrowsers(
    projects.map(({ use }) => use.engineName ?? 'chromium'),
    say,
  );
  ensureRequests(say);
  const command = fileURLToPath(new URL('../../server/bin/attractos.js', import.meta.url));
  const { status } = spawnSync(process.execPath, [command, '--help'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0)
    throw new Error('Building the server and the tracker failed; what went wrong stands above.');
}
