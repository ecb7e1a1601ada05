import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { freePort } from '../free-port.ts';
import { install, mayInstall, missing, readPid, run, stopByPid } from './process.ts';
import { madeOnce } from './shared.ts';

/** PostgreSQL for tests: the binaries of the machine, started on a free port of the loopback. */

const DEBIAN_FOLDER = '/usr/lib/postgresql';

/** Folder of the newest installed server, null where there is none. */
function findBinaries(): string | null {
  const versions = existsSync(DEBIAN_FOLDER)
    ? readdirSync(DEBIAN_FOLDER).sort((a, b) => Number(b) - Number(a))
    : [];
  const folders = versions.map((version) => join(DEBIAN_FOLDER, version, 'bin'));
  try {
    folders.push(run('pg_config', ['--bindir']).trim());
  } catch {
    // The development files are not installed; the server may be all the same.
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

/** Whether suites that need PostgreSQL can run here; where they cannot, they are skipped, except in CI. */
export const hasPostgres = binaries !== null;

/** It refuses to run as root. */
function owner(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  return { uid: Number(run('id', ['-u', 'postgres'])), gid: Number(run('id', ['-g', 'postgres'])) };
}

export interface PostgresServer {
  port: number;
  /** Its files. */
  folder: string;
  start(): void;
  /** `immediate`: as after a crash, without a word to anybody. */
  stop(mode: 'fast' | 'immediate'): void;
  /** Stops its processes, by id, in the middle of whatever they do, so that connections stay and nobody answers. */
  pause(): void;
  resume(): void;
  /** A new, empty database. @returns its address */
  createDatabase(): string;
  /** Runs SQL as the superuser and returns what it answers, a line per row. */
  sql(database: string, text: string): string;
}

/** Makes and starts a server in a folder that others may enter. Whoever starts one stops it. */
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
  // What a crash of the machine would lose is not tested here, so nothing waits for the disk.
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
 * The server that all suites of a run share, each with databases of its own; started by whoever asks first and stopped after
 * the run.
 */
export async function sharedPostgres(): Promise<PostgresServer> {
  const folder = join(inject('enginesFolder'), 'postgres');
  const port = await madeOnce(folder, async () => String((await startPostgres(folder)).port));
  return describeServer(folder, Number(port));
}

/** A server for one test, which may crash it. Ended with the test. */
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
