import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuTimes, onCore, pinMainThread } from './os.ts';

const ADDRESS = /running at http:\/\/\S+:(\d+)/;
const START_DEADLINE_MS = 180_000;
const STOP_DEADLINE_MS = 20_000;

/** A server in a separate process: ours, or one to compare it with. */
export interface Program {
  name: string;
  pid: number;
  port: number;
  /** Time from the start of the process until it reports that it listens, in milliseconds. */
  startedInMs: number;
  /** CPU time of all threads from the start until the process listens, in milliseconds. */
  startedCpuMs: number;
  stop(): Promise<void>;
}

/** Where a process runs: entirely on one core, only its HTTP thread on one core, or on any cores. */
export type Placement = 'one core' | 'main thread on one core' | 'anywhere';

export const SERVER_CORE = 1;
export const LOAD_CORE = 0;

/** Settings of our server: behind a proxy, as in production, and with rate limits that no benchmark reaches. */
const SETTINGS = {
  HOST: '127.0.0.1',
  PORT: '0',
  TRUST_PROXY: 'loopback',
  SITE_RATE: '1000000',
  SITE_BURST: '1000000',
  LOG_LEVEL: 'error',
};

/** Starts the built server of a checkout. */
export function startOurs(
  checkout: string,
  dataDir: string,
  {
    placement,
    name = 'ours',
    settings = {},
  }: { placement: Placement; name?: string; settings?: Record<string, string> },
): Promise<Program> {
  return start(name, [process.execPath, join(checkout, 'server/bin/attractos.js'), 'serve'], {
    placement,
    cwd: dataDir,
    env: { PATH: process.env.PATH, DATA_DIR: dataDir, ...SETTINGS, ...settings },
  });
}

/** Starts a server to compare with. */
export function startBaseline(
  baseline: 'fastify' | 'http',
  { placement }: { placement: Placement },
): Promise<Program> {
  const file = fileURLToPath(new URL(`../baselines/${baseline}.ts`, import.meta.url));
  const name = baseline === 'fastify' ? 'bare Fastify' : 'raw node:http';
  return start(name, [process.execPath, file], { placement, env: { PATH: process.env.PATH } });
}

async function start(
  name: string,
  command: readonly string[],
  { placement, cwd, env }: { placement: Placement; cwd?: string; env: NodeJS.ProcessEnv },
): Promise<Program> {
  const startMs = performance.now();
  const [file = '', ...args] = onCore(placement === 'one core' ? SERVER_CORE : null, command);
  const child = spawn(file, args, {
    env,
    ...(cwd === undefined ? {} : { cwd }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await listening(name, child);
  const pid = child.pid ?? 0;
  const startedInMs = performance.now() - startMs;
  const startedCpuMs = cpuTimes(pid).process;
  if (placement === 'main thread on one core') pinMainThread(pid, SERVER_CORE);
  return { name, pid, port, startedInMs, startedCpuMs, stop: () => stop(child) };
}

function listening(name: string, child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${name} did not start`));
    }, START_DEADLINE_MS);
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const port = ADDRESS.exec(said)?.[1];
      if (port === undefined) return;
      clearTimeout(deadline);
      resolve(Number(port));
    });
    child.once('exit', (code) => {
      clearTimeout(deadline);
      reject(new Error(`${name} ended (${code}) before it listened`));
    });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  await gone;
  clearTimeout(deadline);
}
