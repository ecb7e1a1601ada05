import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BATCH_MAX_BEACONS } from '../../../tracker/wire/limits.ts';
import type { Events } from '../../src/store/contract/store.ts';
import { type Answer, ask } from '../support/http.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { startProgram } from '../support/program.ts';
import { World } from '../support/world.ts';
import { addOwner, expectSound, holdWriteLock, ledgerOf, shownLedger, storedPaths } from './support/owner.ts';
import {
  beaconOf,
  connections,
  expectProperAnswer,
  OutcomeCounts,
  outcomesOf,
  pathOf,
  post,
} from './support/pages.ts';

/** When more arrives than can be stored, API requests are refused first and beacons last, and each refusal is counted. */

/** Upper limit on batches. It is far more than the queue holds; the test normally ends long before. */
const BATCHES_MAX = 2_000;

describe('a full queue', () => {
  it('answers 503 busy, counts each refusal, and loses no accepted event', async () => {
    const dataDir = await temporaryFolder();
    const { sites, apiKey } = await addOwner(dataDir, 'example.com');
    const [site] = sites;
    if (site === undefined) throw new Error('the site is missing');
    const program = startProgram(dataDir, { SITE_RATE: '1000000', SITE_BURST: '1000000' });
    const url = await program.address;
    const agent = connections(2_000);
    expect(outcomesOf(await post(url, beaconOf(site), { agent }))).toEqual(['stored']);

    const lock = holdWriteLock(join(dataDir, 'events.db'));
    const answers: Promise<{ answer: Answer; paths: string[] }>[] = [];
    let refusedBusy = false;
    let questions = 0;
    for (let sent = 0; sent < BATCHES_MAX && !refusedBusy; sent++) {
      const batch = Array.from({ length: BATCH_MAX_BEACONS }, () => beaconOf(site));
      const sending = post(url, batch, { agent }).then((answer) => {
        refusedBusy ||= answer.status === 503 && outcomesOf(answer).includes('busy');
        return { answer, paths: batch.map(pathOf) };
      });
      answers.push(sending);
      // Several requests run at once; then the server's state is checked.
      if (sent % 50 === 49) {
        const { queue_fill } = (await ask(url, { path: '/readyz' })).json() as { queue_fill: number };
        if (queue_fill > 0.5 && queue_fill < 1) {
          const asked = await ask(url, {
            path: '/api/v1/sites',
            headers: { authorization: `Bearer ${apiKey}` },
          });
          expect(asked.status, 'the API gives way before beacons do').toBe(503);
          questions++;
        }
      }
    }
    expect(refusedBusy, 'the queue was filled').toBe(true);
    expect(questions, 'and the API was asked before it was full').toBeGreaterThan(0);
    lock.release();

    const outcomes = new OutcomeCounts();
    const acknowledged: string[] = [];
    for (const { answer, paths } of await Promise.all(answers)) {
      expectProperAnswer(answer);
      if (answer.status === 503) expect(answer.headers['retry-after']).toMatch(/^\d+$/);
      for (const [i, outcome] of outcomesOf(answer).entries()) {
        outcomes.add(outcome);
        if (outcome === 'stored') acknowledged.push(paths[i] ?? '');
      }
    }
    expect(outcomes.of('busy')).toBeGreaterThan(0);
    expect(outcomes.of('stored')).toBeGreaterThan(0);
    expect(
      Object.keys(outcomes.counts).filter((outcome) => !['stored', 'busy', 'unavailable'].includes(outcome)),
    ).toEqual([]);

    outcomes.add('stored'); // the very first event
    await until(
      () => ledgerOf(dataDir, site.id),
      (ledger) => Object.values(ledger).reduce((sum, count) => sum + count, 0) >= outcomes.total,
    );
    expect(await shownLedger(dataDir, site.id)).toEqual(outcomes.counts);
    const stored = storedPaths(dataDir, site.id);
    expect(stored).toHaveLength(outcomes.of('stored'));
    const rows = new Set(stored);
    expect(acknowledged.filter((path) => !rows.has(path))).toEqual([]);
    await expectSound(dataDir);
    await until(
      () => ask(url, { path: '/api/v1/sites', headers: { authorization: `Bearer ${apiKey}` } }),
      ({ status }) => status === 200,
    );
  });
});

describe('a full queue when the process is killed', () => {
  it('has acknowledged none of its events, and the ledger matches the rows', async () => {
    const dataDir = await temporaryFolder();
    const { sites } = await addOwner(dataDir, 'example.com');
    const [site] = sites;
    if (site === undefined) throw new Error('the site is missing');
    const settings = { SITE_RATE: '1000000', SITE_BURST: '1000000' };
    const program = startProgram(dataDir, settings);
    const url = await program.address;
    const agent = connections(2_000);
    const before = beaconOf(site);
    expect(outcomesOf(await post(url, before, { agent }))).toEqual(['stored']);

    holdWriteLock(join(dataDir, 'events.db'));
    const batches: Record<string, unknown>[][] = [];
    const answers: Promise<Answer | null>[] = [];
    let refusedBusy = false;
    for (; batches.length < BATCHES_MAX && !refusedBusy; ) {
      const batch = Array.from({ length: BATCH_MAX_BEACONS }, () => beaconOf(site));
      batches.push(batch);
      const sending = post(url, batch, { agent }).then((answer) => {
        refusedBusy ||= outcomesOf(answer).includes('busy');
        return answer;
      });
      answers.push(sending.catch(() => null));
      if (batches.length % 50 === 0) await ask(url, { path: '/healthz' });
    }
    expect(refusedBusy, 'the queue was filled').toBe(true);
    program.kill('SIGKILL');
    await program.exit;
    const said = new Set(
      (await Promise.all(answers)).flatMap((answer) => (answer ? outcomesOf(answer) : [])),
    );
    expect([...said].filter((outcome) => !['busy', 'unavailable'].includes(outcome))).toEqual([]);
    expect(storedPaths(dataDir, site.id)).toEqual([pathOf(before)]);
    expect(await shownLedger(dataDir, site.id)).toEqual({ stored: 1 });
    await expectSound(dataDir);
  });
});

describe('an overloaded store', () => {
  /** Starts a server with a store that reports the given fill level of its queue. */
  async function serveWithFill(fill: number) {
    const world = await World.open();
    onTestFinished(() => world.close());
    const { site, apiKey } = await world.addOwner();
    const real = world.store.events;
    const events: Events = new Proxy(real, {
      get: (target, name) => {
        if (name === 'fill') return () => fill;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    return { site, apiKey, server: await world.serve({ events }) };
  }

  it.each([
    { fill: 0.4, api: 200, beacon: 202 },
    { fill: 0.6, api: 503, beacon: 202 },
    { fill: 0.99, api: 503, beacon: 202 },
  ])(
    'answers API requests with $api and beacons with $beacon at fill $fill',
    async ({ fill, api, beacon }) => {
      const { site, apiKey, server } = await serveWithFill(fill);
      // Polled, because a server on a busy machine may refuse API requests for a moment.
      const asked = await until(
        () => server.sites(apiKey),
        ({ status }) => status === api,
      );
      if (api === 503) {
        expect(asked.json()).toMatchObject({ code: 'UNAVAILABLE' });
        expect(asked.headers['retry-after']).toMatch(/^\d+$/);
        expect(asked.headers).toHaveProperty('x-ratelimit-limit');
      }
      expect((await server.send(beaconOf(site))).status).toBe(beacon);
    },
  );
});
