import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { root } from '../../support/paths.ts';

/**
 * What systemd does with a `.socket` unit, in a few lines: a socket that listens the whole time, held by a process that never
 * accepts, and programs started on it one after the other.
 */
export interface SocketHolder {
  url: string;
  /** Process ids of the programs started so far, oldest first. */
  pids: number[];
  /** How many of them said that they were listening. */
  listening(): number;
  /** What else they said. */
  output(): string;
  /** Settles when the last one is gone. */
  gone: Promise<unknown>;
}

/** Listens, hands the socket to a shell as its third descriptor, and is gone before it could accept anything. */
const LISTEN_AND_LEAVE = `
const server = require('node:net').createServer().listen(0);
require('node:fs').writeSync(1, 'port ' + server.address().port + '\\n');
const stdio = ['ignore', 1, 1, server._handle.fd];
require('node:child_process').spawn('sh', ['-c', process.argv[1]], { stdio, detached: true });
process.exit();
`;

/** Each program's process id is known before it starts, and named as the one the socket is for. */
const ONE_AFTER_THE_OTHER = `
echo "holder $$"
for n in $(seq "$RUNS"); do
  sh -c 'echo "pid $$"; LISTEN_FDS=1 LISTEN_PID=$$ exec "$NODE" "$PROGRAM" serve'
done
`;

export async function holdSocket(dataDir: string, runs: number): Promise<SocketHolder> {
  const child = spawn(process.execPath, ['-e', LISTEN_AND_LEAVE, ONE_AFTER_THE_OTHER], {
    cwd: dataDir,
    env: {
      ...{ PATH: process.env.PATH, DATA_DIR: dataDir, RUNS: String(runs) },
      ...{ NODE: process.execPath, PROGRAM: join(root, 'server/bin/attractos.js') },
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise((resolve) => child.stdout.on('close', resolve));
  const pids: number[] = [];
  const lines: string[] = [];
  let holder = 0;
  const port = await new Promise<number>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      const [word, number] = line.split(' ');
      if (word === 'port') resolve(Number(number));
      else if (word === 'pid') pids.push(Number(number));
      else if (word === 'holder') holder = Number(number);
      else lines.push(line);
    });
  });
  onTestFinished(async () => {
    for (const pid of [holder, pids.at(-1) ?? 0]) end(pid);
    await gone;
  });
  return {
    url: `http://127.0.0.1:${port}`,
    pids,
    listening: () => lines.filter((line) => line.includes('running at')).length,
    output: () => lines.join('\n'),
    gone,
  };
}

function end(pid: number): void {
  try {
    if (pid !== 0) process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}
