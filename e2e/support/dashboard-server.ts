import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createServer, type Server as PageServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { newDataDir } from './server.ts';

/** A server as its owner starts it, with what it printed; and pages of the owner's site beside it. */

const COMMAND = fileURLToPath(new URL('../../server/bin/attractos.js', import.meta.url));
const START_TIMEOUT_MS = 120_000;

export interface Installation {
  address: string;
  /** Everything printed so far. */
  said(): string;
  stop(): Promise<void>;
}

/** @param done what it says once it is ready */
export async function startInstallation(command: 'serve' | 'demo', done: RegExp): Promise<Installation> {
  const dataDir = newDataDir();
  const child: ChildProcess = spawn(process.execPath, [COMMAND, command], {
    cwd: dataDir,
    env: { ...process.env, PORT: '0', HOST: '127.0.0.1', DATA_DIR: dataDir, LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const endWithUs = () => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  let said = '';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not started: ${said}`)), START_TIMEOUT_MS);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (!done.test(said)) return;
      clearTimeout(timer);
      resolve();
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it listened`)));
  });
  return {
    address: /running at (http:\/\/\S+)/.exec(said)?.[1] ?? '',
    said: () => said,
    async stop() {
      process.off('exit', endWithUs);
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Answers every host and path with a page that carries the tag, once there is one. */
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
