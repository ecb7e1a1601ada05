import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { root } from '../../support/paths.ts';

/**
 * A minimal version of systemd's `.socket` unit: a socket that listens all the time, held by a process that never accepts, and
 * programs started on it one after the other.
 */
export interface SocketHolder {
  url: string;
  /** Process ids of the programs started so far, oldest first. */
  pids: number[];
  /** Returns how many of them reported that they were listening. */
  listening(): number;
  /** Returns their other output. */
  output(): string;
  /** Settles when the last program is gone. */
  gone: Promise<unknown>;
}

/** JavaScript that listens, passes the socket on as the third descriptor, and exits before it accepts anything. */
const LISTEN_AND_LEAVE = `
const server = require('node:net').createServer().listen(0);
require('node:fs').writeSync(1, 'port ' + server.address().port + '\\n');
const stdio = ['ignore', 1, 1, server._handle.fd];
require('node:child_process').spawn('sh', ['-c', process.argv[1]], { stdio, detached: true });
process.exit();
`;

/**
 * Shell script that starts programs in sequence. Each one's process id is known before it starts, so that the socket can be
 * addressed to it.
 */
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
    // The process is gone already.
  }
}
