import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { freePort } from '../free-port.ts';
import { until } from '../poll.ts';
import { owner } from './postgres.ts';
import { install, mayInstall, missing, stopByPid } from './process.ts';

/** PgBouncer for tests, as packaged by Debian: in front of a PostgreSQL server of the tests. */

const PROGRAM = '/usr/sbin/pgbouncer';

function obtain(): boolean {
  if (!existsSync(PROGRAM) && mayInstall()) install('pgbouncer');
  if (existsSync(PROGRAM)) return true;
  missing('PgBouncer', 'Install pgbouncer, or run as root with ENGINES=install.');
  return false;
}

/** Whether suites that need PgBouncer can run here. Otherwise they are skipped, except in CI, where they fail. */
export const hasPgBouncer = obtain();

export interface PgBouncerOptions {
  mode: 'session' | 'transaction';
  /** More lines of the configuration. */
  lines?: readonly string[];
}

/** Starts a PgBouncer for one test. @returns a function that leads an address of the server through it */
export async function startPgBouncer(
  serverPort: number,
  { mode, lines = [] }: PgBouncerOptions,
): Promise<(url: string) => string> {
  const folder = join(inject('enginesFolder'), `pgbouncer-${randomBytes(4).toString('hex')}`);
  const port = await freePort();
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'pgbouncer.ini'),
    [
      '[databases]',
      `* = host=127.0.0.1 port=${serverPort} user=postgres`,
      '[pgbouncer]',
      ...['listen_addr = 127.0.0.1', `listen_port = ${port}`, 'unix_socket_dir ='],
      ...['auth_type = any', `pool_mode = ${mode}`, 'default_pool_size = 40', ...lines],
      '',
    ].join('\n'),
  );
  // It refuses to run as root.
  const { uid, gid } = owner();
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
  const log = join(folder, 'log');
  const output = openSync(log, 'a');
  const child = spawn(PROGRAM, [join(folder, 'pgbouncer.ini')], {
    ...owner(),
    cwd: folder,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  // The end of a run stops what has such a file.
  writeFileSync(join(folder, 'pid'), String(child.pid));
  onTestFinished(async () => {
    await stopByPid(child.pid ?? 0, 'SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  });
  await until(
    () => answers(port),
    (yes) => yes || child.exitCode !== null,
  );
  if (child.exitCode !== null) throw new Error(`PgBouncer ended: ${readFileSync(log, 'utf8')}`);
  return (url) => Object.assign(new URL(url), { port: String(port) }).href;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => resolve(false));
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
