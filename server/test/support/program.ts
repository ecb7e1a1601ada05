import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { onTestFailed, onTestFinished } from 'vitest';
import { root } from './paths.ts';

const PROGRAM = join(root, 'server/bin/attractos.js');
/** Where Node keeps what it has compiled, since tests start programs hundreds of times. */
const COMPILED = join(root, 'node_modules/.cache/compiled');
/** How much of a program's output is shown with a failed test. */
const SHOWN_CHARACTERS = 2_000;
const ADDRESS = /running at (http:\/\/\S+)/;

/** Environment variables of a process; undefined ones are left out. */
export type Settings = Readonly<Record<string, string | undefined>>;

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** The built program, running as a separate process. */
export interface Program {
  pid: number;
  /** Resolves to the address once the program reports that it is listening; rejects if it exits first. */
  address: Promise<string>;
  /** Settles when the process has exited and its output has been read. */
  exit: Promise<Exit>;
  stdout(): string;
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
}

/** How a process is run. */
export interface Running {
  /** The limit on open files; by default the limit of the tests. */
  openFiles?: number;
  /** The Node that runs it; by default that of the tests. */
  node?: string;
  /** The file of the command; by default that of the checkout. */
  program?: string;
}

/** Starts `attractos serve` on a free port, without the tests' own environment. It ends with the test at the latest. */
export function startProgram(dataDir: string, settings: Settings = {}, running: Running = {}): Program {
  const child = start(['serve'], dataDir, { PORT: '0', ...settings }, running);
  const output = collect(child);
  const exit = exitOf(child);
  const address = new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', () => {
      const found = ADDRESS.exec(output.stdout)?.[1];
      if (found !== undefined) resolve(found);
    });
    exit.then(({ code, signal }) =>
      reject(new Error(`the program ended (${signal ?? code}) before it listened: ${output.stderr}`)),
    );
  });
  address.catch(() => undefined); // the error goes to the caller that awaits the address
  const kill = (signal: NodeJS.Signals) => {
    child.kill(signal);
  };
  let state = '';
  onTestFinished(async () => {
    const isRunning = child.exitCode === null && child.signalCode === null;
    if (isRunning) kill('SIGKILL');
    await exit;
    state = isRunning ? 'was running' : `had ended (${child.signalCode ?? child.exitCode})`;
  });
  // Requests fail alike whether a program refused them or died, so its own words come with the failure.
  onTestFailed(() => {
    process.stderr.write(
      `The program ${state}, and wrote:\n${tail(output.stdout)}\n${tail(output.stderr)}\n`,
    );
  });
  return {
    pid: child.pid ?? 0,
    address,
    exit,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    kill,
  };
}

/** Returns the end of a text. */
function tail(text: string): string {
  return text.slice(-SHOWN_CHARACTERS);
}

export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs an operator command to its end. */
export async function command(
  dataDir: string,
  args: readonly string[],
  settings: Settings = {},
  running: Running = {},
): Promise<CommandResult> {
  const child = start(args, dataDir, settings, running);
  const output = collect(child);
  const { code } = await exitOf(child);
  return { code, ...output };
}

/** Runs an operator command, and kills it once a condition holds. @returns whether it was killed before its end */
export async function killedCommand(
  dataDir: string,
  args: readonly string[],
  isSo: () => boolean,
): Promise<boolean> {
  const child = start(args, dataDir, {});
  collect(child);
  const exit = exitOf(child);
  let ended = false;
  exit.finally(() => {
    ended = true;
  });
  while (!ended && !isSo()) await new Promise((resolve) => setImmediate(resolve));
  child.kill('SIGKILL');
  return (await exit).signal === 'SIGKILL';
}

/** Runs a command with `--json`. Throws if it fails or prints anything but one JSON object. */
export async function json(dataDir: string, args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await command(dataDir, [...args, '--json']);
  if (code !== 0 || stderr !== '') throw new Error(`${args.join(' ')} failed (${code}): ${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

function start(
  args: readonly string[],
  dataDir: string,
  settings: Settings,
  { openFiles, node = process.execPath, program: file = PROGRAM }: Running = {},
): ChildProcess {
  const line = [node, file, ...args];
  const limited = ['/bin/sh', '-c', 'ulimit -n "$0" && exec "$@"', String(openFiles), ...line];
  const [program = '', ...rest] = openFiles === undefined ? line : limited;
  return spawn(program, rest, {
    // Not the checkout, so that a developer's .env there does not affect the tests.
    cwd: dataDir,
    env: { PATH: process.env.PATH, DATA_DIR: dataDir, NODE_COMPILE_CACHE: COMPILED, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function collect(child: ChildProcess): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  return output;
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
}
