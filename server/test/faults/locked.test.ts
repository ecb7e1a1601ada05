import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ask } from '../support/http.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { json, startProgram } from '../support/program.ts';
import { addOwner, countOf, expectSound, holdWriteLock, ledgerOf, storedPaths } from './support/owner.ts';
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

/** Another process holds a lock, as database copy tools do: events wait or get 503, and none is lost or counted twice. */

const LOCKED_MS = 2_000;

async function stage() {
  const dataDir = await temporaryFolder();
  const { sites, apiKey } = await addOwner(dataDir, 'example.com');
  const [site] = sites;
  if (site === undefined) throw new Error('the site is missing');
  const program = startProgram(dataDir);
  const url = await program.address;
  expect(outcomeOf(await post(url, beaconOf(site)))).toBe('stored');
  const agent = connections(200);
  const outcomes = new OutcomeCounts();
  const acknowledged: string[] = [];
  const send = async (beacon: Record<string, unknown>) => {
    const answer = await post(url, beacon, { agent });
    expectProperAnswer(answer);
    const outcome = outcomeOf(answer);
    outcomes.add(outcome);
    if (outcome === 'stored') acknowledged.push(pathOf(beacon));
    return outcome;
  };
  return { dataDir, site, apiKey, program, url, agent, outcomes, acknowledged, send };
}

/** Sends events for as long as a lock is held. */
async function sendWhileLocked(lock: { release(): void }, send: () => Promise<unknown>): Promise<void> {
  const sending: Promise<unknown>[] = [];
  const start = performance.now();
  // Not a measurement: the fault lasts this long in any case.
  while (performance.now() - start < LOCKED_MS) {
    sending.push(send());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  lock.release();
  await Promise.all(sending);
}

describe('a database locked by another process', () => {
  it('events: beacons wait and are stored once', async () => {
    const { dataDir, site, url, agent, outcomes, acknowledged, send } = await stage();
    const beacons: Record<string, unknown>[] = [];
    await sendWhileLocked(holdWriteLock(join(dataDir, 'events.db')), () => {
      const beacon = beaconOf(site);
      beacons.push(beacon);
      return send(beacon);
    });
    expect(
      Object.keys(outcomes.counts).filter((outcome) => !['stored', 'unavailable', 'busy'].includes(outcome)),
    ).toEqual([]);
    const stored = storedPaths(dataDir, site.id);
    expect(acknowledged.filter((path) => !stored.includes(path))).toEqual([]);
    expect(stored).toHaveLength(outcomes.of('stored') + 1);
    // Pages that were refused send again, and so do some that were not.
    await inParallel(8, beacons, async (beacon) => {
      expect(outcomeOf(await post(url, beacon, { agent }))).toBe(
        acknowledged.includes(pathOf(beacon)) ? 'duplicate' : 'stored',
      );
    });
    expect(countOf(dataDir, site.id)).toBe(beacons.length + 1);
    await until(
      () => ledgerOf(dataDir, site.id),
      (ledger) =>
        (ledger.unavailable ?? 0) + (ledger.busy ?? 0) === outcomes.of('unavailable') + outcomes.of('busy'),
    );
    await expectSound(dataDir);
  });

  it('events, beyond the timeout: beacons get 503, and later ones are stored', {
    timeout: 60_000,
  }, async () => {
    const { dataDir, site, url, acknowledged, send, outcomes } = await stage();
    const lock = holdWriteLock(join(dataDir, 'events.db'));
    const beacon = beaconOf(site);
    expect(await send(beacon)).toBe('unavailable');
    expect((await ask(url, { path: '/healthz' })).status, 'alive all the while').toBe(200);
    lock.release();
    await until(
      () => send(beacon),
      (outcome) => outcome === 'stored',
    );
    expect(await send(beacon)).toBe('duplicate');
    expect(acknowledged).toEqual([pathOf(beacon)]);
    expect(countOf(dataDir, site.id)).toBe(2);
    await until(
      () => ledgerOf(dataDir, site.id),
      (ledger) => ledger.unavailable === outcomes.of('unavailable'),
    );
    await expectSound(dataDir);
  });

  it('registry: events and API reads continue, and a command waits', async () => {
    const { dataDir, site, apiKey, url, acknowledged, send } = await stage();
    const lock = holdWriteLock(join(dataDir, 'registry.db'));
    const command = json(dataDir, ['site', 'rotate-key', '--site', site.id]);
    let asked = 0;
    await sendWhileLocked(lock, async () => {
      expect(await send(beaconOf(site))).toBe('stored');
      const { status } = await ask(url, {
        path: '/api/v1/sites',
        headers: { authorization: `Bearer ${apiKey}` },
      });
      if (status === 200) asked++;
    });
    expect(asked).toBeGreaterThan(0);
    const { key } = await command;
    await until(
      async () => outcomeOf(await post(url, beaconOf({ key: String(key), domain: site.domain }))),
      (outcome) => outcome === 'stored',
    );
    const stored = storedPaths(dataDir, site.id);
    expect(acknowledged.filter((path) => !stored.includes(path))).toEqual([]);
    expect(countOf(dataDir, site.id)).toBe(stored.length);
    await expectSound(dataDir);
  });

  it('registry, when the first salt of the day is needed: events wait or get 503', async () => {
    const dataDir = await temporaryFolder();
    const { sites } = await addOwner(dataDir, 'example.com');
    const [site] = sites;
    if (site === undefined) throw new Error('the site is missing');
    // The server has read the keys, but no salt exists yet: its first job and its first visitor both request it now.
    const lock = holdWriteLock(join(dataDir, 'registry.db'));
    const release = setTimeout(() => lock.release(), LOCKED_MS);
    const program = startProgram(dataDir);
    const url = await program.address;
    const outcomes = new OutcomeCounts();
    const beacons = Array.from({ length: 20 }, () => beaconOf(site));
    await inParallel(20, beacons, async (beacon) => outcomes.add(outcomeOf(await post(url, beacon))));
    clearTimeout(release);
    lock.release();
    expect(outcomes.of('stored') + outcomes.of('unavailable')).toBe(beacons.length);
    for (const beacon of beacons) await post(url, beacon);
    expect(storedPaths(dataDir, site.id)).toEqual(beacons.map(pathOf).sort());
    await expectSound(dataDir);
  });
});
