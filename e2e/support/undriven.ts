import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programPath } from './browsers.ts';
import { CHROMIUM_ARGUMENTS } from './playwright-engine.ts';

/**
 * Opens a Chromium without automation, because an automated one never prerenders. Tests see only its network requests.
 *
 * @param address of a page that does what the test needs
 */
export async function openUndriven(proxyPort: number, address: string): Promise<{ close(): Promise<void> }> {
  const profile = mkdtempSync(join(tmpdir(), 'attractos-chromium-'));
  const child = spawn(
    programPath('chromium'),
    [
      '--headless',
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      `--user-data-dir=${profile}`,
      `--proxy-server=http://127.0.0.1:${proxyPort}`,
      '--user-agent=Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36',
      '--no-first-run',
      ...CHROMIUM_ARGUMENTS,
      address,
    ],
    { stdio: 'ignore' },
  );
  const endWithUs = () => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  return {
    async close() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      process.off('exit', endWithUs);
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
