import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { HOUR_MS, SECOND_MS, utcDay } from '../src/domain/clock.ts';
import type { Outage } from '../src/domain/outage.ts';
import { SHORTENED } from '../src/domain/outcomes.ts';
import type { TextLimits } from '../src/store/contract/store.ts';
import { ShippedEvents } from '../src/store/scale-out/shipped-events.ts';
import { ALL_DAY, type Counts, type SpoolEntry, type Warehouse } from '../src/store/scale-out/shipping.ts';
import { SqliteSpool } from '../src/store/scale-out/spool/spool.ts';
import { FreeDisk } from '../src/store/shared/free-disk.ts';
import { Loop } from '../src/store/shared/loop.ts';
import { NOON_MS, TestClock } from './support/clock.ts';
import { DatabasesInMemory, toRow } from './support/databases-in-memory.ts';
import { event, SITE } from './support/entries.ts';
import { temporaryFolder } from './support/paths.ts';
import { until } from './support/poll.ts';
import { World } from './support/world.ts';

/** A scale-out collector whose databases are unavailable: a real spool on a real disk, with a controlled clock. */

const STEP_MS = 30 * SECOND_MS;
const LONGEST_WAIT_MS = 30 * SECOND_MS;

function openSpool(file: string, maxBytes = 1 << 30): Promise<SqliteSpool> {
  return SqliteSpool.open(file, {
    maxBytes,
    onBroken(error) {
      throw error;
    },
  });
}

async function openCollector(
  folder: string,
  databases: DatabasesInMemory,
  {
    clock = new TestClock(),
    maxBytes = 1 << 30,
    textLimits = { texts: 1_000, bytes: 1 << 30 },
  }: { clock?: TestClock; maxBytes?: number; textLimits?: TextLimits } = {},
): Promise<ShippedEvents> {
  const spool = await openSpool(join(folder, 'spool.db'), maxBytes);
  return new ShippedEvents({
    spool,
    // Shipping uses nothing else of the two databases.
    warehouse: databases.warehouse as Warehouse,
    counts: databases.counts as Counts,
    ...{ toRow, clock, textLimits },
    disk: await FreeDisk.watch(folder, 0),
    onClosed: async () => undefined,
  });
}

describe('a fake clock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: NOON_MS, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Advances the clock until a condition holds, while the spool's thread works in real time. */
  async function passUntil(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await vi.advanceTimersByTimeAsync(STEP_MS);
      await new Promise(setImmediate);
    }
  }

  it('retries after 250 ms, then with growing delays of at most 30 seconds', async () => {
    const tries: number[] = [];
    const outages: (string | null)[] = [];
    let works = false;
    const loop = new Loop({
      idleMs: HOUR_MS,
      onOutage: (error) => outages.push(error),
      async work() {
        tries.push(Date.now() - NOON_MS);
        if (!works) throw new Error('away');
        return false;
      },
    });
    loop.start();
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    const waits = tries.slice(1).map((at, i) => at - (tries[i] ?? 0));
    expect(waits.slice(0, 8)).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, LONGEST_WAIT_MS]);
    expect(new Set(waits.slice(8))).toEqual(new Set([LONGEST_WAIT_MS]));
    expect(loop.lastError).toBe('away');

    works = true;
    await vi.advanceTimersByTimeAsync(LONGEST_WAIT_MS);
    expect(loop.lastError).toBeNull();
    // After that, the next failure is a first one again.
    works = false;
    const before = tries.length;
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    const later = tries.slice(before);
    // One report when an outage begins, and one when it ends.
    expect(outages).toEqual(['away', null, 'away']);
    expect((later[1] ?? 0) - (later[0] ?? 0)).toBe(250);
    await loop.stop();
    const atEnd = tries.length;
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(tries).toHaveLength(atEnd);
  });

  it('acknowledges events for an hour without databases, across a restart, and counts each once', async () => {
    const folder = await temporaryFolder();
    const clock = new TestClock();
    const databases = new DatabasesInMemory();
    databases.away = true;
    let collector = await openCollector(folder, databases, { clock });
    const outcomes = { stored: 0, duplicate: 0 };
    const send = async (ids: readonly string[]) => {
      const answers = ids.map((id) => collector.append(event({ id, receivedAtMs: clock.now() })));
      for (const answer of await Promise.all(answers)) outcomes[answer] += 1;
    };
    for (let step = 0; step * STEP_MS < HOUR_MS; step++) {
      // The third event was already sent in the previous step.
      await send([`${step}-a`, `${step}-b`, `${step - 1}-a`]);
      clock.advance(STEP_MS);
      await vi.advanceTimersByTimeAsync(STEP_MS);
      if (step === 60) {
        await collector.close();
        collector = await openCollector(folder, databases, { clock });
      }
    }
    expect(outcomes).toEqual({ stored: 241, duplicate: 119 });
    await passUntil(() => databases.requests > 2);
    expect(databases.rows.size).toBe(0);
    expect(collector.stats().spool).toMatchObject({ entries: 241, lagSeconds: HOUR_MS / SECOND_MS });
    expect(await collector.health()).toEqual({
      ok: true,
      note: 'the databases are unavailable: the fake is away',
    });

    // The databases are back, but unreliable: partial rows, rows whose response is lost, and the same for the counts.
    databases.faults.push('half kept', 'answer lost', 'half kept', 'answer lost', 'answer lost');
    databases.away = false;
    await passUntil(() => databases.faults.length === 0 && collector.stats().spool?.entries === 0);
    const settled = { is: false };
    void collector.caughtUp().then(() => {
      settled.is = true;
    });
    await passUntil(() => settled.is);
    expect(databases.rows.size).toBe(241);
    expect(databases.counted('stored')).toBe(241);
    expect(databases.counted('duplicate')).toBe(119);
    expect(databases.excess).toBe(0);
    expect(await collector.health()).toEqual({ ok: true });
    await collector.close();
  });
});

describe('the limits of text', () => {
  it('hold on each collector, also after it was restarted, and the ledger tells', async () => {
    const folder = await temporaryFolder();
    const databases = new DatabasesInMemory();
    const textLimits = { texts: 1_000, bytes: 10_000 };
    // Of equal length, so that none fits where another did not.
    let made = 0;
    const long = () => event({ props: { long: `${++made}`.padStart(18, '0').repeat(100) } });
    const first = await openCollector(folder, databases, { textLimits });
    for (let n = 0; n < 20; n++) await first.append(long());
    await first.close();
    const second = await openCollector(folder, databases, { textLimits });
    onTestFinished(() => second.close());
    await second.caughtUp();
    const before = databases.counted(SHORTENED);
    expect(before).toBeGreaterThan(10);
    await second.append(long());
    await second.caughtUp();
    expect(databases.counted(SHORTENED)).toBe(before + 1);
    expect(databases.counted('stored')).toBe(21);
  });
});

describe('the claims of a batch', () => {
  const entry = (more: Partial<SpoolEntry>): SpoolEntry => ({
    ...{ key: null, siteId: SITE, siteKey: null, host: 'example.com', receivedAtMs: NOON_MS },
    ...{ outcome: 'stored', isShortened: false, row: '{}', ...more },
  });

  it('tell when the rows of each day were received, also of leaves, and of a spool of an older version', async () => {
    const file = join(await temporaryFolder(), 'spool.db');
    const spool = await openSpool(file);
    onTestFinished(() => spool.close());
    const repeated = Buffer.alloc(16, 1);
    const commit = (...entries: SpoolEntry[]) =>
      spool.commit({ entries, refusals: [], refusedKeys: [], textUse: [] });
    await commit(
      entry({ receivedAtMs: NOON_MS + 5 }),
      entry({ receivedAtMs: NOON_MS + 2, outcome: null }),
      entry({ receivedAtMs: NOON_MS + 3, key: repeated }),
      entry({ siteId: 'site_another', receivedAtMs: NOON_MS, outcome: null }),
    );
    // A duplicate adds no row.
    await commit(entry({ receivedAtMs: NOON_MS + 9, key: repeated }), entry({ receivedAtMs: NOON_MS + 7 }));
    const day = utcDay(NOON_MS);
    const first = await spool.nextBatch();
    expect(first?.claimed.days).toEqual([
      { siteId: SITE, day, firstAtMs: NOON_MS + 2, lastAtMs: NOON_MS + 7 },
      { siteId: 'site_another', day, firstAtMs: NOON_MS, lastAtMs: NOON_MS },
    ]);
    await spool.release(first?.no ?? 0);

    await commit(entry({}), entry({ siteId: 'site_another', outcome: 'bot' }));
    const db = new DatabaseSync(file, { timeout: 5_000 });
    db.exec("UPDATE chunks SET claims = json_remove(claims, '$.days')");
    db.close();
    expect((await spool.nextBatch())?.claimed.days).toEqual([
      { siteId: SITE, day, ...ALL_DAY },
      { siteId: 'site_another', day, ...ALL_DAY },
    ]);
  });
});

describe('a day that cannot be counted', () => {
  it('is named and put off while all others are reconciled, and is reconciled once it can be', async () => {
    const databases = new DatabasesInMemory();
    databases.uncountable.add('site_7');
    const collector = await openCollector(await temporaryFolder(), databases);
    onTestFinished(() => collector.close());
    const outages: Outage[] = [];
    collector.onOutage((outage) => outages.push(outage));
    const sites = Array.from({ length: 25 }, (_, i) => `site_${i}`);
    const others = sites.filter((siteId) => siteId !== 'site_7');
    const work = 'reconciliation of site_7 on 2026-05-14';
    const error = 'the fake cannot count this';

    await Promise.all(sites.map((siteId) => collector.append(event({ siteId }))));
    await until(
      () => others.filter((siteId) => !databases.isReconciled(siteId)),
      (left) => left.length === 0,
    );
    await until(
      () => databases.putOffs,
      (times) => times > 2,
    );
    expect(databases.isReconciled('site_7')).toBe(false);
    const reason = `${work} is failing: ${error}`;
    expect(await collector.health()).toEqual({ ok: true, note: reason });
    // The server can accept events all the same.
    const world = await World.open();
    onTestFinished(() => world.close());
    const server = await world.serve({ events: collector });
    const ready = await server.ask({ path: '/readyz' });
    expect(ready.status).toBe(200);
    expect(ready.json()).toMatchObject({
      checks: expect.arrayContaining([{ name: 'databases', ok: false, reason, required: false }]),
    });
    // Those who listen later hear of it, too.
    const late: Outage[] = [];
    collector.onOutage((outage) => late.push(outage));
    expect(late).toEqual([{ work, error }]);

    databases.uncountable.clear();
    await collector.caughtUp();
    expect(databases.isReconciled('site_7')).toBe(true);
    await until(
      () => collector.health(),
      (health) => health.ok && health.note === undefined,
    );
    expect(outages).toEqual([
      { work, error },
      { work, error: null },
    ]);
  });
});

describe('a full spool', () => {
  it('answers 503 busy, reports it, and accepts events again when the databases are back', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const { site } = await world.addOwner();
    const databases = new DatabasesInMemory();
    databases.away = true;
    const collector = await openCollector(await temporaryFolder(), databases, { maxBytes: 2_000 });
    onTestFinished(() => collector.close());
    const server = await world.serve({ events: collector });
    const send = () => server.send({ key: site.key, url: 'https://example.com/' });
    const ready = async () => {
      const answer = await server.ask({ path: '/readyz' });
      return { ...(answer.json() as { reason?: string }), status: answer.status };
    };

    let acknowledged = 0;
    let last = await send();
    while (last.status === 202) {
      acknowledged += 1;
      last = await send();
    }
    expect(acknowledged).toBeGreaterThan(1);
    expect(last.status).toBe(503);
    expect(last.headers['retry-after']).toMatch(/^\d+$/);
    expect(last.headers['x-attractos-outcome']).toBe('refused; reason=busy');
    expect(await ready()).toMatchObject({
      status: 503,
      reason: expect.stringMatching(/^the spool is full: \d+ entries, \d+ bytes wait for the databases/),
    });
    // Reading the state did not fix it.
    expect((await send()).status).toBe(503);
    expect((await ready()).status).toBe(503);

    databases.away = false;
    await until(ready, ({ status }) => status === 200);
    expect((await send()).status).toBe(202);
    await collector.caughtUp();
    expect(databases.rows.size).toBe(acknowledged + 1);
    expect(databases.counted('stored')).toBe(acknowledged + 1);
    expect(databases.counted('busy')).toBe(2);
  });
});
