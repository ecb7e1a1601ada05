import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { freePort } from '../free-port.ts';
import { root } from '../paths.ts';
import { until } from '../poll.ts';
import { isRunning, mayDownload, missing, run } from './process.ts';

/**
 * Today's ClickHouse for tests: no package of Debian has it, but chDB from npm has its engine, to be used within a process.
 * `chdb-server.ts` puts it behind HTTP. Half a gigabyte, so it is no dependency: it has a folder of its own.
 */

const VERSION = '3.4.0';
const INSTALLED = join(root, 'node_modules', '.cache', `chdb-${VERSION}`);
const START_DEADLINE_MS = 120_000;

function obtain(): boolean {
  if (!existsSync(INSTALLED) && mayDownload()) download();
  if (existsSync(INSTALLED)) return true;
  missing('chDB', 'Run with ENGINES=install, which takes it from npm.');
  return false;
}

/** Under another name until it is whole. */
function download(): void {
  const unfinished = `${INSTALLED}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  try {
    // It lies below this project, which npm would otherwise take for the place to install to.
    writeFileSync(join(unfinished, 'package.json'), '{ "private": true }');
    run('npm', ['install', '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', `chdb@${VERSION}`], {
      cwd: unfinished,
    });
    if (!existsSync(INSTALLED)) renameSync(unfinished, INSTALLED);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** Whether suites that need chDB can run here; where they cannot, they are skipped, except in CI. */
export const hasChdb = obtain();

export interface ChdbServer {
  address: string;
  /** A new, empty database. @returns its address */
  createDatabase(): Promise<string>;
  /** Asks something as a client does that sends no settings. @returns the text of the answer */
  sql(text: string): Promise<string>;
}

/** A server for the one file of tests that needs it; it ends with the run. */
export async function startChdb(): Promise<ChdbServer> {
  const folder = join(inject('enginesFolder'), 'chdb');
  mkdirSync(folder);
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const program = join(import.meta.dirname, 'chdb-server.ts');
  const child = spawn(process.execPath, [program, INSTALLED, String(port), join(folder, 'data')], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    cwd: folder,
  });
  child.unref();
  const { pid } = child;
  if (pid === undefined) throw new Error('chDB could not be started');
  writeFileSync(join(folder, 'pid'), String(pid));
  await until(
    () => {
      if (!isRunning(pid)) throw new Error('chDB ended before it answered');
      return fetch(`${address}/ping`).then(
        ({ ok }) => ok,
        () => false,
      );
    },
    (up) => up,
    START_DEADLINE_MS,
  );
  const sql = async (text: string) => {
    const answer = await fetch(address, { method: 'POST', body: text });
    const body = await answer.text();
    if (!answer.ok) throw new Error(body);
    return body.trim();
  };
  return {
    address,
    sql,
    async createDatabase() {
      const database = `test_${randomBytes(6).toString('hex')}`;
      await sql(`CREATE DATABASE ${database}`);
      return `${address}/${database}`;
    },
  };
}
