import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ask } from '../support/http.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { startProgram } from '../support/program.ts';
import { addSite, countOf, expectSound, storedPaths } from './support/owner.ts';
import { beaconOf, connections, inParallel, outcomeOf, pathOf, post } from './support/pages.ts';
import { holdSocket } from './support/socket-holder.ts';

/** Restarts under load, in which no beacon is lost. */

/** Errors of a connection that was idle when its server ended. Browsers and proxies then repeat the request automatically. */
const DIED = ['ECONNRESET', 'EPIPE'];

describe('a restart under load', () => {
  it.runIf(existsSync('/bin/sh') && process.platform === 'linux')(
    'on an inherited socket: refuses no connection, and counts every beacon once',
    async () => {
      const dataDir = await temporaryFolder();
      const site = await addSite(dataDir);
      const holder = await holdSocket(dataDir, 3);
      await until(holder.listening, (count) => count === 1);
      const agent = connections(16);
      const beacons = Array.from({ length: 600 }, () => beaconOf(site));
      let repeated = 0;
      const send = async (beacon: Record<string, unknown>): Promise<void> => {
        try {
          const answer = await post(holder.url, beacon, { agent });
          expect(answer.status, answer.text).toBe(202);
          expect(['stored', 'duplicate']).toContain(outcomeOf(answer));
        } catch (error) {
          if (!DIED.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
          repeated += 1;
          await send(beacon);
        }
      };
      await inParallel(16, beacons, async (beacon, i) => {
        if (i === 150 || i === 400) process.kill(holder.pids.at(-1) ?? 0, 'SIGTERM');
        await send(beacon);
      });
      await until(holder.listening, (count) => count === 3);
      expect(repeated).toBeLessThan(beacons.length / 2);
      expect(storedPaths(dataDir, site.id)).toEqual(beacons.map(pathOf).sort());
      expect(countOf(dataDir, site.id)).toBe(beacons.length);
      process.kill(holder.pids.at(-1) ?? 0, 'SIGTERM');
      await holder.gone;
      await expectSound(dataDir);
    },
  );

  it('fails /readyz, keeps counting and closes connections during SHUTDOWN_DELAY', async () => {
    const dataDir = await temporaryFolder();
    const site = await addSite(dataDir);
    const program = startProgram(dataDir, { SHUTDOWN_DELAY: '2' });
    const url = await program.address;
    const agent = connections(1);
    const sent = [beaconOf(site), beaconOf(site)];
    const first = await post(url, sent[0], { agent });
    expect(first.headers.connection).toBe('keep-alive');
    program.kill('SIGTERM');
    const ready = await until(
      () => ask(url, { path: '/readyz' }),
      ({ status }) => status === 503,
    );
    expect(ready.json()).toMatchObject({ status: 'not ready', reason: 'the process is shutting down' });
    const second = await post(url, sent[1], { agent });
    expect(outcomeOf(second)).toBe('stored');
    expect(second.headers.connection).toBe('close');
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(storedPaths(dataDir, site.id)).toEqual(sent.map(pathOf).sort());
  });

  it('ignores a socket that is meant for another process', async () => {
    const program = startProgram(await temporaryFolder(), { LISTEN_FDS: '1', LISTEN_PID: '1' });
    expect((await ask(await program.address, { path: '/readyz' })).status).toBe(200);
  });
});
