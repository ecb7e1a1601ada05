import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { freePort } from '../free-port.ts';
import { install, mayInstall, missing, readPid, run, stopByPid } from './process.ts';
import { madeOnce } from './shared.ts';

/** PostgreSQL for tests: the machine's own binaries, started on a free port of the loopback interface. */

const DEBIAN_FOLDER = '/usr/lib/postgresql';

/** Finds the folder of the newest installed server, or returns null. */
function findBinaries(): string | null {
  const versions = existsSync(DEBIAN_FOLDER)
    ? readdirSync(DEBIAN_FOLDER).sort((a, b) => Number(b) - Number(a))
    : [];
  const folders = versions.map((version) => join(DEBIAN_FOLDER, version, 'bin'));
  try {
    folders.push(run('pg_config', ['--bindir']).trim());
  } catch {
    // The development files are not installed, but the server may be.
  }
  return folders.find((folder) => existsSync(join(folder, 'initdb'))) ?? null;
}

function obtain(): string | null {
  const found = findBinaries();
  if (found !== null) return found;
  if (mayInstall()) install('postgresql-15');
  return (
    findBinaries() ?? missing('PostgreSQL', 'Install postgresql-15, or run as root with ENGINES=install.')
  );
}

const binaries = obtain();

/** Whether suites that need PostgreSQL can run here. Otherwise they are skipped, except in CI, where they fail. */
export const hasPostgres = binaries !== null;

/** Returns the user to run the server as, because PostgreSQL refuses to run as root. */
export function owner(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  return { uid: Number(run('id', ['-u', 'postgres'])), gid: Number(run('id', ['-g', 'postgres'])) };
}

export interface PostgresServer {
  port: number;
  /** The data folder. */
  folder: string;
  start(): void;
  /** Stops the server. `immediate` stops it as in a crash, without closing connections. */
  stop(mode: 'fast' | 'immediate'): void;
  /** Suspends its processes, so that connections stay open but get no response. */
  pause(): void;
  resume(): void;
  /** Creates an empty database. @returns its address */
  createDatabase(): string;
  /** Runs SQL as the superuser. @returns the output, one line per row */
  sql(database: string, text: string): string;
}

/** Creates and starts a server in a folder that other users can enter. The caller stops it. */
export async function startPostgres(folder: string): Promise<PostgresServer> {
  const server = describeServer(folder, await freePort());
  mkdirSync(folder, { recursive: true });
  const { uid, gid } = owner();
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
  run(
    program('initdb'),
    [
      ...['-D', join(folder, 'data'), '-A', 'trust', '-U', 'postgres', '--no-sync', '-E', 'UTF8'],
      '--locale=C',
    ],
    { ...owner(), cwd: folder },
  );
  server.start();
  return server;
}

function program(name: string): string {
  return join(binaries ?? '', name);
}

function describeServer(folder: string, port: number): PostgresServer {
  const data = join(folder, 'data');
  // Tests do not cover a crash of the machine, so nothing waits for the disk.
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${folder} -c fsync=off -c max_connections=200`;
  const control = (...args: string[]) =>
    run(program('pg_ctl'), ['-D', data, '-w', ...args], { ...owner(), cwd: folder });
  const sql = (database: string, text: string) =>
    run(
      program('psql'),
      [
        ...['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', '-d', database],
        ...['-v', 'ON_ERROR_STOP=1', '-qAtX', '-c', text],
      ],
      owner(),
    ).trim();
  const pids = () => {
    const postmaster = readPid(join(data, 'postmaster.pid'));
    const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8');
    return [postmaster, ...children.trim().split(' ').map(Number)];
  };
  let paused: number[] = [];
  return {
    port,
    folder,
    start() {
      control('-o', options, '-l', join(folder, 'log'), 'start');
    },
    stop: (mode) => {
      control('-m', mode, 'stop');
    },
    pause() {
      paused = pids();
      for (const pid of paused) process.kill(pid, 'SIGSTOP');
    },
    resume() {
      for (const pid of paused) process.kill(pid, 'SIGCONT');
      paused = [];
    },
    createDatabase() {
      const name = `test_${randomBytes(6).toString('hex')}`;
      sql('postgres', `CREATE DATABASE ${name}`);
      return `postgres://postgres@127.0.0.1:${port}/${name}`;
    },
    sql,
  };
}

/**
 * Returns the server that all suites of a run share, each with its own databases. The first suite that needs it starts it, and
 * it stops after the run.
 */
export async function sharedPostgres(): Promise<PostgresServer> {
  const folder = join(inject('enginesFolder'), 'postgres');
  const port = await madeOnce(folder, async () => String((await startPostgres(folder)).port));
  return describeServer(folder, Number(port));
}

/** Starts a server for one test, which may crash it. It ends with the test. */
export async function ownPostgres(): Promise<PostgresServer> {
  const folder = join(inject('enginesFolder'), `own-${randomBytes(4).toString('hex')}`);
  const server = await startPostgres(folder);
  onTestFinished(async () => {
    const pidFile = join(folder, 'data', 'postmaster.pid');
    if (existsSync(pidFile)) await stopByPid(readPid(pidFile), 'SIGQUIT');
    rmSync(folder, { recursive: true, force: true });
  });
  return server;
}
