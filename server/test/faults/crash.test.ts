import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { billingMonth } from '../../src/domain/plans.ts';
import type { StoredEvent } from '../../src/store/contract/store.ts';
import { EventReader } from '../../src/store/embedded/reader.ts';
import { ask, askRaw } from '../support/http.ts';
import { Load } from '../support/load.ts';
import { temporaryFolder } from '../support/paths.ts';
import { command, json, startProgram } from '../support/program.ts';
import { Random } from '../support/random.ts';
import { storedEvents } from '../support/stored-events.ts';

/**
 * The built program as a separate process on real files, ended in every way that processes end. No tolerance in either
 * direction: nothing acknowledged is lost, and nothing is counted twice.
 */

const ROUNDS = 12;
/** In one of this many rounds, the process is killed while it starts. */
const KILLED_STARTING_EVERY = 4;
const STARTING_MS = 400;
const WORKING_MS = 300;
const REPEATS_PER_ROUND = 50;
/** In one of this many rounds, the engine checks its files completely, which takes longer than the rest of a round. */
const AUDITED_EVERY = 6;
/** Time limit of the test, which takes about 20 seconds on an idle machine. */
const TIME_LIMIT_MS = 300_000;
const UNLIMITED = { SITE_RATE: '1000000', SITE_BURST: '1000000', LOG_LEVEL: 'error' };

interface Owner {
  dataDir: string;
  siteId: string;
  siteKey: string;
  apiKey: string;
}

/** Creates an account, a site and an API key in an empty folder, from the command line. */
async function makeOwner(): Promise<Owner> {
  const dataDir = await temporaryFolder();
  await json(dataDir, ['account', 'add', '--email', 'ada@example.com']);
  const site = await json(dataDir, [
    'site',
    'add',
    '--account',
    'ada@example.com',
    '--domain',
    'example.com',
  ]);
  const key = await json(dataDir, ['key', 'add', '--account', 'ada@example.com', '--name', 'test']);
  return { dataDir, siteId: String(site.id), siteKey: String(site.key), apiKey: String(key.key) };
}

/** Reads the site's stored events and any inconsistencies from the files while the server runs. */
async function stored(
  { dataDir, siteId }: Owner,
  { audited }: { audited: boolean },
): Promise<{ events: StoredEvent[]; complaints: unknown[] }> {
  const reader = new EventReader(join(dataDir, 'events.db'));
  try {
    const complaints = audited ? Object.values(await reader.audit()).flat() : [];
    return { events: storedEvents(dataDir, siteId), complaints };
  } finally {
    reader.close();
  }
}

function repeatsIn(paths: readonly string[]): string[] {
  return paths.filter((path, i) => paths.indexOf(path) !== i);
}

/** Asserts that all acknowledged events are stored, that there are no duplicates, and that counters equal rows. */
async function expectPromiseKept(owner: Owner, load: Load, { audited = true } = {}): Promise<StoredEvent[]> {
  const { events, complaints } = await stored(owner, { audited });
  const paths = new Set(events.map(({ path }) => path));
  expect([...load.acknowledged].filter((id) => !paths.has(Load.pathOf(id)))).toEqual([]);
  if (paths.size !== events.length) expect(repeatsIn(events.map(({ path }) => path))).toEqual([]);
  expect(complaints).toEqual([]);
  expect(load.wrong).toEqual([]);
  return events;
}

async function eventsThisMonth(url: string, { apiKey }: Owner): Promise<unknown> {
  const answer = await ask(url, { path: '/api/v1/sites', headers: { authorization: `Bearer ${apiKey}` } });
  const { sites } = answer.json() as { sites: { events_this_month: unknown }[] };
  return sites[0]?.events_this_month;
}

function ofThisMonth(events: readonly StoredEvent[]): number {
  const { firstDay, lastDay } = billingMonth(systemClock.now(), 1);
  const day = ({ receivedAtMs }: StoredEvent) => Math.floor(receivedAtMs / 86_400_000);
  return events.filter((event) => day(event) >= firstDay && day(event) <= lastDay).length;
}

describe('kill -9 at random moments under load', () => {
  it(
    `loses no acknowledged event and counts none twice, ${ROUNDS} times on one folder`,
    async () => {
      const random = Random.fromEnvironment();
      console.log(`crash test: SEED=${random.seed}`);
      const owner = await makeOwner();
      const load = new Load(owner.siteKey);
      let killedUnderLoad = 0;

      for (let round = 0; round < ROUNDS; round++) {
        const program = startProgram(owner.dataDir, UNLIMITED);
        if (round % KILLED_STARTING_EVERY === KILLED_STARTING_EVERY - 1) {
          await pause(random.below(STARTING_MS));
          program.kill('SIGKILL');
          await program.exit;
          continue;
        }
        const url = await program.address;
        await expectPromiseKept(owner, load, { audited: round % AUDITED_EVERY === 0 });
        const acknowledged = [...load.acknowledged];
        const repeats = Array.from(
          { length: Math.min(REPEATS_PER_ROUND, acknowledged.length) },
          () => acknowledged[random.below(acknowledged.length)] ?? '',
        );
        await load.again(url, [...load.unanswered, ...repeats]);
        expect(load.unanswered.size).toBe(0);

        const before = load.acknowledged.size;
        const running = load.start(url);
        await pause(random.below(WORKING_MS));
        program.kill('SIGKILL');
        expect(await program.exit).toEqual({ code: null, signal: 'SIGKILL' });
        await running.stop();
        if (load.acknowledged.size > before && load.unanswered.size > 0) killedUnderLoad++;
      }
      // The kills came at the right time: most of them interrupted requests.
      expect(killedUnderLoad).toBeGreaterThan(ROUNDS / 4);

      const program = startProgram(owner.dataDir, UNLIMITED);
      const url = await program.address;
      await load.again(url, [...load.unanswered, ...load.acknowledged]);
      expect(load.unanswered.size).toBe(0);
      const events = await expectPromiseKept(owner, load);
      expect(events).toHaveLength(load.acknowledged.size);
      expect(await eventsThisMonth(url, owner)).toBe(ofThisMonth(events));
      program.kill('SIGTERM');
      expect(await program.exit).toEqual({ code: 0, signal: null });
      expect(await expectPromiseKept(owner, load)).toHaveLength(load.acknowledged.size);
      console.log(`crash test: ${events.length} events, ${killedUnderLoad} kills under load`);
    },
    TIME_LIMIT_MS,
  );
});

describe('SIGTERM under load', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s: finishes accepted requests, loses no acknowledged event, exits 0',
    async (signal) => {
      const owner = await makeOwner();
      const load = new Load(owner.siteKey);
      const program = startProgram(owner.dataDir, UNLIMITED);
      const url = await program.address;
      const running = load.start(url);
      await expect.poll(() => load.acknowledged.size).toBeGreaterThan(200);
      program.kill(signal);
      expect(await program.exit).toEqual({ code: 0, signal: null });
      await running.stop();
      expect(program.stderr()).toBe('');
      await expectPromiseKept(owner, load);

      const next = startProgram(owner.dataDir, UNLIMITED);
      await load.again(await next.address, [...load.unanswered]);
      expect(await expectPromiseKept(owner, load)).toHaveLength(load.acknowledged.size);
    },
  );
});

describe('SIGTERM with silent connections', () => {
  it.each([
    { name: 'opened ahead of need', bytes: '' },
    { name: 'stuck in the headers', bytes: 'POST /e HTTP/1.1\r\nHost: x\r\n' },
    {
      name: 'stuck in the body',
      bytes: 'POST /e HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 50\r\n\r\n{',
    },
  ])('$name: exits 0', async ({ bytes }) => {
    const program = startProgram(await temporaryFolder());
    const hungUp = askRaw(await program.address, bytes);
    // This response proves that the earlier connection was accepted.
    await ask(await program.address, { path: '/healthz' });
    program.kill('SIGTERM');
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(program.stderr()).toBe('');
    await hungUp.catch(() => undefined);
  });
});

describe('a second server on the same folder', () => {
  it('exits 1 and says what to do, without disturbing the first server', async () => {
    const owner = await makeOwner();
    const load = new Load(owner.siteKey);
    const first = startProgram(owner.dataDir, UNLIMITED);
    const url = await first.address;
    const second = startProgram(owner.dataDir, UNLIMITED);
    expect(await second.exit).toEqual({ code: 1, signal: null });
    expect(second.stdout()).toBe('');
    expect(second.stderr()).toMatch(/^attractos: Another server is running on the data folder .+\n$/);
    expect(second.stderr()).toContain(owner.dataDir);
    expect(second.stderr()).not.toMatch(/\n\s+at /);
    await load.again(url, ['still-there']);
    load.unanswered.add('still-there');
    await load.again(url, ['still-there']);
    expect(await eventsThisMonth(url, owner)).toBe(1);

    first.kill('SIGKILL');
    await first.exit;
    const third = startProgram(owner.dataDir, UNLIMITED);
    expect(await eventsThisMonth(await third.address, owner)).toBe(1);
  });

  it('commands can read the folder after kill -9', async () => {
    const owner = await makeOwner();
    const load = new Load(owner.siteKey);
    const program = startProgram(owner.dataDir, UNLIMITED);
    await load.again(await program.address, ['one', 'two']);
    program.kill('SIGKILL');
    await program.exit;
    const { code, stdout, stderr } = await command(owner.dataDir, [
      'site',
      'list',
      '--account',
      'ada@example.com',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('example.com: 2 events this month');
  });
});
