import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { freePort } from '../free-port.ts';
import { until } from '../poll.ts';
import { npmPackage } from './npm-package.ts';
import { isRunning } from './process.ts';

/**
 * A current ClickHouse for tests. Debian does not package one, but chDB on npm contains the engine as an
 * in-process library, which `chdb-server.ts` serves over HTTP. It takes half a gigabyte, so it is not a dependency and has its
 * own folder.
 */

const VERSION = '3.4.0';
const START_DEADLINE_MS = 120_000;

const chdb = npmPackage('chdb', VERSION);

/** Whether suites that need chDB can run here. Otherwise they are skipped, except in CI, where they fail. */
export const hasChdb = chdb !== null;

export interface ChdbServer {
  address: string;
  /** Creates an empty database. @returns its address */
  createDatabase(): Promise<string>;
  /** Runs a statement without sending any settings. @returns the text of the response */
  sql(text: string): Promise<string>;
}

/** Starts a server for a test file. The server ends with the run. */
export async function startChdb(): Promise<ChdbServer> {
  if (chdb === null) throw new Error('chDB is not installed');
  const folder = mkdtempSync(join(inject('enginesFolder'), 'chdb-'));
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const program = join(import.meta.dirname, 'chdb-server.ts');
  // Not our own output: the runner would wait for its end, which comes with the run.
  const log = openSync(join(folder, 'log'), 'w');
  const child = spawn(process.execPath, [program, chdb, String(port), join(folder, 'data')], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: folder,
  });
  closeSync(log);
  child.unref();
  const { pid } = child;
  if (pid === undefined) throw new Error('chDB could not be started');
  writeFileSync(join(folder, 'pid'), String(pid));
  await until(
    () => {
      if (!isRunning(pid))
        throw new Error(`chDB ended before it answered: ${readFileSync(join(folder, 'log'), 'utf8')}`);
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
