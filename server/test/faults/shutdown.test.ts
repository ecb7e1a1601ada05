import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/paths.ts';
import { startProgram } from '../support/program.ts';
import { addSite, countOf, expectSound, ledgerOf, shownLedger, storedPaths } from './support/owner.ts';
import {
  beaconOf,
  connections,
  expectProperAnswer,
  inParallel,
  OutcomeCounts,
  outcomeOf,
  pathOf,
  post,
} from './support/pages.ts';
import { openSocket } from './support/sockets.ts';

/** On shutdown, accepted requests get their response, acknowledged events are stored, and the process ends by its deadline. */

const GONE = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'];

async function stage(settings: Record<string, string> = {}) {
  const dataDir = await temporaryFolder();
  const site = await addSite(dataDir);
  const program = startProgram(dataDir, settings);
  const url = await program.address;
  return { dataDir, site, program, url };
}

describe('a signal', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s under load: drains, exits 0, and keeps every acknowledged event',
    async (signal) => {
      const { dataDir, site, program, url } = await stage();
      const agent = connections(32);
      const outcomes = new OutcomeCounts();
      const acknowledged: string[] = [];
      let cut = 0;
      await inParallel(32, Array.from({ length: 800 }), async (_, i) => {
        if (i === 300) program.kill(signal);
        const beacon = beaconOf(site);
        try {
          const answer = await post(url, beacon, { agent });
          expectProperAnswer(answer);
          outcomes.add(outcomeOf(answer));
          if (answer.status === 202) acknowledged.push(pathOf(beacon));
        } catch (error) {
          if (!GONE.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
          cut++;
        }
      });
      expect(await program.exit).toEqual({ code: 0, signal: null });
      expect(outcomes.of('stored')).toBeGreaterThanOrEqual(200);
      expect(cut, 'the signal came in the middle').toBeGreaterThan(0);
      expect(storedPaths(dataDir, site.id)).toEqual(acknowledged.sort());
      expect(await shownLedger(dataDir, site.id)).toEqual(outcomes.counts);
      await expectSound(dataDir);
    },
  );

  it('writes refusals that wait for a commit to the ledger', async () => {
    const { dataDir, site, program, url } = await stage();
    for (let i = 0; i < 50; i++)
      expect(outcomeOf(await post(url, beaconOf(site), { origin: 'https://copy.example' }))).toBe(
        'wrong-domain',
      );
    program.kill('SIGTERM');
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(ledgerOf(dataDir, site.id)).toEqual({ 'wrong-domain': 50 });
  });

  it.each<{ name: string; hold: (url: string) => Promise<void> }>([
    { name: 'that say nothing', hold: async (url) => void (await openSocket(url)) },
    {
      name: 'that have asked and were answered',
      hold: async (url) => {
        const socket = await openSocket(url);
        socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
        await new Promise((resolve) => socket.once('data', resolve));
      },
    },
    {
      name: 'that never finish their headers',
      hold: async (url) => {
        const socket = await openSocket(url);
        socket.write('POST /e HTTP/1.1\r\nHost: x\r\nX-Slow: ');
      },
    },
    {
      name: 'that never finish their body',
      hold: async (url) => {
        const socket = await openSocket(url);
        socket.write(
          'POST /e HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 5000\r\n\r\n{"key":',
        );
      },
    },
    {
      name: 'that never read their answers',
      hold: async (url) => {
        const socket = await openSocket(url);
        socket.pause();
        for (let i = 0; i < 50; i++) socket.write('GET /a.js HTTP/1.1\r\nHost: x\r\n\r\n');
      },
    },
  ])('exits 0 within the deadline with open connections $name', async ({ hold }) => {
    const { dataDir, site, program, url } = await stage();
    expect(outcomeOf(await post(url, beaconOf(site)))).toBe('stored');
    await Promise.all(Array.from({ length: 20 }, () => hold(url)));
    program.kill('SIGTERM');
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(countOf(dataDir, site.id)).toBe(1);
    await expectSound(dataDir);
  });

  it('ends a server that is starting, and the next start works', async () => {
    const dataDir = await temporaryFolder();
    const site = await addSite(dataDir);
    for (let i = 0; i < 3; i++) {
      const program = startProgram(dataDir);
      const ended = program.exit;
      // The program may or may not have started to listen. It must end either way.
      await Promise.race([
        program.address.catch(() => undefined),
        new Promise((resolve) => setTimeout(resolve, 100 * i)),
      ]);
      program.kill('SIGTERM');
      expect([
        { code: 0, signal: null },
        { code: null, signal: 'SIGTERM' },
      ]).toContainEqual(await ended);
    }
    const url = await startProgram(dataDir).address;
    expect(outcomeOf(await post(url, beaconOf(site)))).toBe('stored');
    expect(countOf(dataDir, site.id)).toBe(1);
    await expectSound(dataDir);
  });
});
