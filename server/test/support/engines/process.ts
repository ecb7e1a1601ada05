import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const STOP_DEADLINE_MS = 20_000;
const PAUSE_MS = 20;

/** Reads the process id on the first line of a file. */
export function readPid(file: string): number {
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (!Number.isSafeInteger(pid) || pid <= 1) throw new Error(`${file} holds no process id`);
  return pid;
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Signals a process to end, kills it after a while, and waits until it has exited. */
export async function stopByPid(pid: number, signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
  if (!isRunning(pid)) return;
  process.kill(pid, signal);
  const start = performance.now();
  let insisted = false;
  while (isRunning(pid)) {
    if (!insisted && performance.now() - start > STOP_DEADLINE_MS) {
      process.kill(pid, 'SIGKILL');
      insisted = true;
    }
    await sleep(PAUSE_MS);
  }
}

/** Runs a program to its end. @throws with its output if it fails */
export function run(
  program: string,
  args: readonly string[],
  options: { uid?: number; gid?: number; cwd?: string } = {},
): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', ...options });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed (${status}): ${stderr}${stdout}`);
  return stdout;
}

/** Returns whether a missing engine may be downloaded, which must be requested explicitly. */
export function mayDownload(): boolean {
  return Boolean(process.env.CI) || process.env.ENGINES === 'install';
}

/** Returns whether a missing engine may be installed here: downloads must be allowed, and the user must be root. */
export function mayInstall(): boolean {
  return process.getuid?.() === 0 && mayDownload();
}

/** Installs Debian packages. */
export function install(...packages: string[]): void {
  const apt = (...args: string[]) =>
    run('env', ['DEBIAN_FRONTEND=noninteractive', 'apt-get', '-o', 'DPkg::Lock::Timeout=300', ...args]);
  apt('update');
  apt('install', '-y', '--no-install-recommends', ...packages);
}

/**
 * Reports a missing engine. In CI its suites fail; elsewhere they are skipped with a message.
 *
 * @throws in CI
 */
export function missing(engine: string, advice: string): null {
  const sentence = `${engine} is not on this machine. ${advice}`;
  if (process.env.CI) throw new Error(sentence);
  process.stderr.write(`\nSKIPPED: the suites that need ${engine}. ${sentence}\n\n`);
  return null;
}
