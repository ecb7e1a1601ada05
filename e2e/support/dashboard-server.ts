import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createServer, type Server as PageServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect } from '@playwright/test';
import { newDataDir } from './server.ts';

/** A server as its owner starts it, with its output, and pages of the owner's site. */

const COMMAND = fileURLToPath(new URL('../../server/bin/attractos.js', import.meta.url));
const START_TIMEOUT_MS = 120_000;

export interface DashboardServer {
  address: string;
  /** Returns everything printed so far. */
  output(): string;
  stop(): Promise<void>;
}

/** @param done matches the output of a server that is ready */
export async function startDashboardServer(
  command: 'serve' | 'demo',
  done: RegExp,
  settings: Readonly<Record<string, string>> = {},
): Promise<DashboardServer> {
  const dataDir = newDataDir();
  const child: ChildProcess = spawn(process.execPath, [COMMAND, command], {
    cwd: dataDir,
    env: { ...process.env, PORT: '0', HOST: '127.0.0.1', DATA_DIR: dataDir, LOG_LEVEL: 'warn', ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const endWithUs = () => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not started: ${output}`)), START_TIMEOUT_MS);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (!done.test(output)) return;
      clearTimeout(timer);
      resolve();
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it listened`)));
  });
  return {
    address: /running at (http:\/\/\S+)/.exec(output)?.[1] ?? '',
    output: () => output,
    async stop() {
      process.off('exit', endWithUs);
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Waits until the collector has read the site keys again, in a read that began after this call. */
export async function siteKeysRead(address: string): Promise<void> {
  // The first read to finish may have begun before the call. The second began after it.
  for (let readings = 0; readings < 2; readings += 1) {
    const since = Date.now();
    const lastReadAt = async () => {
      const asked = Date.now();
      const response = await fetch(`${address}/readyz`);
      const { site_keys_age_ms } = (await response.json()) as { site_keys_age_ms: number };
      return asked - site_keys_age_ms;
    };
    await expect.poll(lastReadAt).toBeGreaterThan(since);
  }
}

/** Serves, for every host and path, a page that contains the tag once there is one. */
export class Pages {
  tag = '';
  readonly #server: PageServer = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(
      `<!doctype html><title>A page</title><link rel="icon" href="data:,">${this.tag}<h1>A page</h1>`,
    );
  });

  async open(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
