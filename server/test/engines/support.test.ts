import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { madeOnce } from '../support/engines/shared.ts';
import { root, temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';

it('creates shared resources once, and reports a failure to all suites', async () => {
  const folder = await temporaryFolder();
  let made = 0;
  const make = async () => `port ${++made}`;
  const answers = ['a', 'a', 'a'].map((name) => madeOnce(join(folder, name), make));
  expect(await Promise.all(answers)).toEqual(['port 1', 'port 1', 'port 1']);
  const fail = () => Promise.reject(new Error('initdb: no space left'));
  const failures = [fail, make, make].map((each) => madeOnce(join(folder, 'b'), each));
  for (const { status, ...rest } of await Promise.allSettled(failures))
    expect({ status, ...rest }).toMatchObject({
      status: 'rejected',
      reason: { message: 'initdb: no space left' },
    });
  expect(made).toBe(1);
});

it('stops engines when the run ends in any way', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'attractos-engines-'));
  const engine = spawn('sleep', ['60'], { stdio: 'ignore' });
  const engineEnded = once(engine, 'exit');
  onTestFinished(() => {
    engine.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  mkdirSync(join(folder, 'engine'));
  writeFileSync(join(folder, 'engine', 'pid'), String(engine.pid));
  const script = join(root, 'server/test/support/engines/end-with-run.ts');
  // A run that does nothing, and is killed once the other process has started.
  const run = spawn(
    process.execPath,
    [
      '-e',
      `const { spawn } = require('node:child_process');
       spawn(process.execPath, ${JSON.stringify([script, folder])}, { detached: true, stdio: ['pipe', 'ignore', 'inherit'] })
         .on('spawn', () => console.log('spawned'));
       setInterval(() => undefined, 1000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(run.stdout, 'data');
  run.kill('SIGKILL');
  await engineEnded;
  await until(
    () => existsSync(folder),
    (isThere) => !isThere,
  );
  expect(engine.signalCode).toBe('SIGINT');
});
