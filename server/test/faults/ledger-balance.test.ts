import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_SITE } from '../../src/store/contract/store.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { json, startProgram } from '../support/program.ts';
import { MAKERS, mix, type Scene, type Sending } from './support/mixes.ts';
import { addOwner, countOf, expectSound, ledgerOf, rowCounts, shownLedger } from './support/owner.ts';
import {
  beaconOf,
  connections,
  expectProperAnswer,
  inParallel,
  OutcomeCounts,
  outcomesOf,
  post,
} from './support/pages.ts';

/** received = accepted + duplicate + Σ refused(reason): the ledger matches the responses exactly. */

const SEED = 20_260_514;
/** The outcome that can replace any other once the site has exceeded its rate limit. */
const RATE = 'rate-limited';

/** Starts a server with two sites, one of which has a retired key. */
async function stage(settings: Record<string, string> = {}) {
  const dataDir = await temporaryFolder();
  const { sites } = await addOwner(dataDir, 'example.com', 'shop.example');
  const [site, shop] = sites;
  if (site === undefined || shop === undefined) throw new Error('the sites are missing');
  const { key } = (await json(dataDir, ['site', 'rotate-key', '--site', shop.id])) as { key: string };
  await json(dataDir, ['site', 'retire-key', '--key', shop.key]);
  const program = startProgram(dataDir, { TRUST_PROXY: 'loopback', ...settings });
  const url = await program.address;
  const known = [beaconOf(site), beaconOf(site), beaconOf(site)].map((beacon) => ({ site, beacon }));
  const scene: Scene = { sites: [site, { ...shop, key }], retired: { key: shop.key, site: shop }, known };
  const answered = new Map([NO_SITE, ...sites.map(({ id }) => id)].map((id) => [id, new OutcomeCounts()]));
  const agent = connections(16);
  let clients = 0;
  /** Sends one request, and records the outcome of each of its beacons. */
  const send = async ({ body, headers, ledgers, expected }: Sending) => {
    // Each from another address, since owners are shown only some events without a key of each.
    clients += 1;
    const address = `10.${clients >> 16}.${(clients >> 8) & 255}.${clients & 255}`;
    const answer = await post(url, body, {
      headers: { ...headers, 'x-forwarded-for': address },
      ...{ agent, origin: headers.origin ?? 'null' },
    });
    expectProperAnswer(answer);
    const outcomes = outcomesOf(answer);
    expect(outcomes.map((outcome, i) => (outcome === RATE ? expected[i] : outcome))).toEqual(expected);
    for (const [i, outcome] of outcomes.entries()) {
      const ledger = ledgers[i] ?? null;
      if (ledger !== null) answered.get(ledger)?.add(outcome);
    }
  };
  for (const { beacon } of known)
    await send({
      body: JSON.stringify(beacon),
      headers: { origin: 'https://example.com' },
      ledgers: [site.id],
      expected: ['stored'],
    });
  const ids = [...answered.keys()];
  return {
    dataDir,
    program,
    url,
    scene,
    sites,
    send,
    ids,
    answered: (id: string) => answered.get(id)?.counts ?? {},
  };
}

describe('the ledger', () => {
  it('matches the responses for any mix of beacons', async () => {
    const { dataDir, program, scene, sites, send, ids, answered } = await stage({
      SITE_RATE: '0.001',
      SITE_BURST: '150',
    });
    await fc.assert(
      fc.asyncProperty(mix(scene, 120), async (sendings) => {
        await inParallel(16, sendings, send);
        for (const id of ids) {
          await until(
            () => ledgerOf(dataDir, id),
            (ledger) => JSON.stringify(sorted(ledger)) === JSON.stringify(sorted(answered(id))),
          );
        }
      }),
      { numRuns: 6, seed: SEED, endOnFailure: true },
    );
    for (const { id } of sites) {
      expect(await shownLedger(dataDir, id)).toEqual(answered(id));
      expect(countOf(dataDir, id)).toBe(answered(id).stored);
    }
    // Asserts that every outcome occurred, except those of a failing store.
    const outcomes = new Set(ids.flatMap((id) => Object.keys(answered(id))));
    expect([...outcomes].sort()).toEqual(
      [
        ...[
          'stored',
          'duplicate',
          'bot',
          'malformed',
          'too-large',
          'media-type',
          'missing-key',
          'unknown-key',
          'retired-key',
        ],
        ...['rate-limited', 'wrong-domain', 'local-host'],
      ].sort(),
    );
    await expectSound(dataDir);
    program.kill('SIGTERM');
    expect(await program.exit).toEqual({ code: 0, signal: null });
  });

  it('completes the ledger before the process ends after a signal', async () => {
    const { dataDir, program, scene, send, ids, answered } = await stage();
    const sendings = Object.values(MAKERS).flatMap((make) =>
      scene.sites.map((site, i) => make(scene, site, i)),
    );
    await inParallel(16, sendings, send);
    program.kill('SIGTERM');
    expect(await program.exit).toEqual({ code: 0, signal: null });
    for (const id of ids) expect(ledgerOf(dataDir, id)).toEqual(answered(id));
    await expectSound(dataDir);
  });

  it('contains every event acknowledged before a kill, and matches the rows', async () => {
    const { dataDir, program, scene, sites, send, answered } = await stage();
    const sendings = fc.sample(mix(scene, 2_000), { numRuns: 1, seed: SEED })[0] ?? [];
    const whenKilled = 500;
    let sent = 0;
    await inParallel(16, sendings, async (sending) => {
      if (++sent === whenKilled) program.kill('SIGKILL');
      await send(sending).catch((error: NodeJS.ErrnoException) => {
        // After the kill there is no response, so nothing is promised.
        if (error.code !== 'ECONNREFUSED' && error.code !== 'ECONNRESET') throw error;
      });
    });
    expect(await program.exit).toMatchObject({ signal: 'SIGKILL' });
    for (const { id } of sites) {
      const ledger = await shownLedger(dataDir, id);
      expect(ledger.stored, 'accepted lines = rows').toBe(countOf(dataDir, id));
      for (const outcome of ['stored', 'bot', 'duplicate'])
        expect(ledger[outcome] ?? 0).toBeGreaterThanOrEqual(answered(id)[outcome] ?? 0);
    }
    expect(rowCounts(dataDir).events).toBe(sites.reduce((sum, { id }) => sum + countOf(dataDir, id), 0));
    await expectSound(dataDir);
    // A restarted server continues from there.
    const again = startProgram(dataDir);
    const [site] = sites;
    if (site === undefined) throw new Error('the site is missing');
    const before = countOf(dataDir, site.id);
    expect(outcomesOf(await post(await again.address, beaconOf(site)))).toEqual(['stored']);
    expect(countOf(dataDir, site.id)).toBe(before + 1);
    await expectSound(dataDir);
  });
});

function sorted(counts: Record<string, number>): [string, number][] {
  return Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
}
