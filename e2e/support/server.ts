import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The built server as a child process, and the operator's commands on the same data folder. */

const COMMAND = fileURLToPath(new URL('../../server/bin/attractos.js', import.meta.url));
const READY = /AttractOS is running at (http:\/\/\S+)/;

/** Additional paths of the script and the collector. */
export const RENAMED = { script: '/assets/app.js', collect: '/assets/log' };

const execute = promisify(execFile);

/** Creates a folder for a server's data, outside the checkout. */
export function newDataDir(): string {
  return mkdtempSync(join(tmpdir(), 'attractos-e2e-'));
}

/** Runs an operator's command. @returns the JSON object that it printed */
export async function command<Answer>(dataDir: string, ...args: string[]): Promise<Answer> {
  // In the data folder, so that no `.env` is read.
  const { stdout } = await execute(process.execPath, [COMMAND, ...args, '--json'], {
    cwd: dataDir,
    env: { ...process.env, DATA_DIR: dataDir },
  });
  return JSON.parse(stdout) as Answer; // the command line documents the shapes
}

/** A running server. It stops with the test process at the latest. */
export class Server {
  readonly dataDir: string;
  /** `http://127.0.0.1:PORT`, with a different port after each start. */
  address = '';
  #child: ChildProcess | null = null;
  readonly #endWithUs = () => this.#child?.kill('SIGKILL');

  constructor(dataDir: string) {
    this.dataDir = dataDir;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [COMMAND, 'serve'], {
      cwd: this.dataDir,
      env: {
        ...process.env,
        PORT: '0',
        HOST: '127.0.0.1',
        DATA_DIR: this.dataDir,
        LOG_LEVEL: 'warn',
        SCRIPT_PATH: RENAMED.script,
        COLLECT_PATH: RENAMED.collect,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    process.once('exit', this.#endWithUs);
    this.address = await new Promise((resolve, reject) => {
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        const address = READY.exec(said)?.[1];
        if (address !== undefined) resolve(address);
      });
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`The server ended with ${code} before it listened.`)));
    });
  }

  /** Stops the process with a signal and waits until it has exited. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    process.off('exit', this.#endWithUs);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  /** Stops the process and removes its data. */
  async discard(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
