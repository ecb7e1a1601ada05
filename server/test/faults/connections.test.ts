import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { connectionsWithin } from '../../src/http/connections.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { World } from '../support/world.ts';
import { startMeasured } from './support/measured-program.ts';
import { addSite, expectSound, storedPaths } from './support/owner.ts';
import { beaconOf, connections, outcomeOf, pathOf, post } from './support/pages.ts';
import { openSocket } from './support/sockets.ts';

/** With more connections than slots or file descriptors, the accepted ones continue, and freed slots are reused. */

const DROPPED = /"msg":"connections dropped[^"]*"/g;

async function stage(settings: Record<string, string>, limits: { openFiles?: number } = {}) {
  const dataDir = await temporaryFolder();
  const site = await addSite(dataDir);
  const { program, metric, jobsEnded } = await startMeasured(dataDir, settings, limits);
  const url = await program.address;
  const stored: string[] = [];
  const send = async (agent?: ReturnType<typeof connections>) => {
    const beacon = beaconOf(site);
    const answer = await post(url, beacon, agent === undefined ? {} : { agent });
    expect(outcomeOf(answer)).toBe('stored');
    stored.push(pathOf(beacon));
    return answer;
  };
  const shown = (name: string) => metric(`attractos_connections${name}`);
  /** Asserts that exactly the acknowledged events are stored. */
  const expectWhole = async () => {
    expect(storedPaths(dataDir, site.id)).toEqual([...stored].sort());
    await expectSound(dataDir);
  };
  return { url, program, send, shown, jobsEnded, expectWhole };
}

/** Opens connections that send nothing, and counts how many of them the server has closed. */
async function silent(url: string, count: number) {
  const sockets = await Promise.all(Array.from({ length: count }, () => openSocket(url)));
  const closed = new Set<Socket>();
  for (const socket of sockets) {
    socket.resume();
    socket.on('close', () => closed.add(socket));
    if (socket.closed) closed.add(socket);
  }
  return {
    closed,
    async hangUp() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

describe('connections over the limit', () => {
  it('drops and counts connections over the limit, while the others work and free places are reused', async () => {
    const max = 20;
    const { url, program, send, shown, expectWhole } = await stage({ MAX_CONNECTIONS: String(max) });
    const agent = connections(1);
    await send(agent);
    expect([await shown(''), await shown('_max'), await shown('_dropped_total')]).toEqual([1, max, 0]);

    const crowd = await silent(url, 3 * max);
    await until(
      () => shown('_dropped_total'),
      (dropped) => dropped === 2 * max + 1,
    );
    expect(await shown('')).toBe(max);
    for (let i = 0; i < 20; i++) await send(agent);
    expect(await shown('_dropped_total'), 'over the connection it had').toBe(2 * max + 1);
    await expect(send()).rejects.toThrow(/ECONNRESET|socket hang up|EPIPE/);
    expect(await shown('_dropped_total')).toBe(2 * max + 2);
    expect(program.stdout().match(DROPPED), 'lines of the log').toHaveLength(1);
    expect(crowd.closed.size).toBe(2 * max + 1);

    await crowd.hangUp();
    await until(
      () => shown(''),
      (open) => open === 1,
    );
    for (let i = 0; i < 20; i++) await send();
    expect(await shown('_dropped_total')).toBe(2 * max + 2);
    await expectWhole();
  });

  it('closes silent connections, which frees their places', async () => {
    const { url, send, shown, expectWhole } = await stage({ MAX_CONNECTIONS: '5' });
    const crowd = await silent(url, 5);
    await expect(send()).rejects.toThrow(/ECONNRESET|socket hang up|EPIPE/);
    await until(
      () => crowd.closed.size,
      (closed) => closed === 5,
    );
    await until(
      () => shown(''),
      (open) => open === 0,
    );
    await send();
    await expectWhole();
  });

  it('closes idle connections early when places are scarce', async () => {
    const { send, shown, expectWhole } = await stage({ MAX_CONNECTIONS: '8' });
    const idle = Array.from({ length: 6 }, () => connections(1));
    for (const agent of idle) expect((await send(agent)).headers['keep-alive']).toBe('timeout=75');
    for (const agent of [connections(1), connections(1)])
      expect((await send(agent)).headers['keep-alive']).toBe('timeout=5');
    expect(await shown('')).toBe(8);
    await until(
      () => shown(''),
      (open) => open === 6,
    );
    expect((await send(connections(1))).headers['keep-alive']).toBe('timeout=5');
    await expectWhole();
  });
});

describe('a process with a low open-file limit', () => {
  it.each([
    { wanted: 10_000, openFiles: null, fit: 10_000 },
    { wanted: 10_000, openFiles: 1_048_576, fit: 10_000 },
    { wanted: 10_000, openFiles: 10_256, fit: 10_000 },
    { wanted: 10_000, openFiles: 10_255, fit: 9_999 },
    { wanted: 10_000, openFiles: 1_024, fit: 768 },
    { wanted: 10_000, openFiles: 512, fit: 256 },
    { wanted: 10_000, openFiles: 255, fit: 127 },
    { wanted: 100, openFiles: 512, fit: 100 },
  ])('accepts $fit of $wanted connections with $openFiles files', ({ wanted, openFiles, fit }) => {
    expect(connectionsWithin(wanted, openFiles)).toBe(fit);
  });

  it('lowers MAX_CONNECTIONS, logs it, and works', async () => {
    const { url, program, send, shown, expectWhole } = await stage({}, { openFiles: 400 });
    expect(await shown('_max')).toBe(200);
    expect(program.stdout()).toContain('"max":200,"wanted":10000,"openFiles":400');
    const crowd = await silent(url, 500);
    await until(
      () => shown('_dropped_total'),
      (dropped) => dropped === 300,
    );
    await crowd.hangUp();
    await until(
      () => shown(''),
      (open) => open === 0,
    );
    await send();
    await expectWhole();
  });

  it('survives a failed accept', async () => {
    const world = await World.open();
    try {
      const { site } = await world.addOwner();
      const { app, send } = await world.serve();
      // Some versions of libuv report the error; others close the connection themselves.
      app.server.emit(
        'error',
        Object.assign(new Error('accept EMFILE'), { code: 'EMFILE', syscall: 'accept' }),
      );
      expect((await send({ key: site.key, id: 'a', url: 'https://example.com/' })).status).toBe(202);
    } finally {
      await world.close();
    }
  });
});

const canLimit =
  process.platform === 'linux' && spawnSync('prlimit', ['--version'], { stdio: 'ignore' }).status === 0;
if (!canLimit) process.stderr.write('NOT TESTED: running out of descriptors needs Linux and prlimit.\n');

describe.runIf(canLimit)('a process without free file descriptors', () => {
  /** Limits the open files of a running process; the hard limit stays the same. */
  const limitFiles = (pid: number, count: number | null) => {
    const soft =
      count ??
      spawnSync('prlimit', ['--pid', String(pid), '--nofile', '-o', 'HARD', '--noheadings'])
        .stdout.toString()
        .trim();
    const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--nofile=${soft}:`]);
    if (status !== 0) throw new Error(`prlimit failed: ${stderr}`);
  };
  const used = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

  it('keeps serving open connections, and all connections once descriptors are free', async () => {
    const { url, program, send, jobsEnded, expectWhole } = await stage({});
    const agent = connections(1);
    await send(agent);
    await jobsEnded();
    limitFiles(program.pid, used(program.pid) + 12);
    const crowd = await silent(url, 100);
    await until(
      () => crowd.closed.size,
      (closed) => closed >= 80,
    );
    for (let i = 0; i < 20; i++) await send(agent);
    await crowd.hangUp();
    await until(
      () =>
        send().then(
          () => true,
          () => false,
        ),
      (served) => served,
    );
    await expectWhole();
  });

  it('leaves connections waiting that it cannot close, and accepts them later', async () => {
    const { program, send, jobsEnded, expectWhole } = await stage({});
    const agent = connections(1);
    await send(agent);
    await jobsEnded();
    // Only the standard streams: libuv closes connections with the help of a descriptor that it holds in reserve, whichever it is.
    limitFiles(program.pid, 3);
    const waiting = send();
    for (let i = 0; i < 20; i++) await send(agent);
    limitFiles(program.pid, null);
    await waiting;
    await send();
    await expectWhole();
  });
});
