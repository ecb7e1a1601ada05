import { describe, expect, it, onTestFinished } from 'vitest';
import { DAY_MS, utcDay } from '../src/domain/clock.ts';
import { EVENT_DIMENSIONS } from '../src/domain/dimensions.ts';
import type { Filter, Store } from '../src/store/contract/store.ts';
import { openStore } from '../src/store/open.ts';
import { bot, event } from './support/entries.ts';
import { trafficOf } from './support/generated.ts';
import { temporaryFolder } from './support/paths.ts';

/**
 * The rollups behind breakdowns, which are computed once a day is over. They always match the rows, whatever arrives late and
 * wherever the computation is interrupted.
 */

const DAYS = 3;
const FROM_MS = Date.UTC(2026, 4, 1);
const TO_MS = FROM_MS + DAYS * DAY_MS;
const SITE = event().siteId;

/** A filter that every page passes, which forces the answer to come from the rows. */
const EVERYTHING: Filter = { by: 'page', values: ['/nowhere'], negated: true };

async function openIn(dataDir: string): Promise<Store> {
  return openStore({
    dataDir,
    onBroken: (error) => {
      throw error;
    },
  });
}

/** Fills a store with days of so many changes that answering from their rows would be slower. */
async function filled(seed: number): Promise<{ store: Store; dataDir: string }> {
  const dataDir = await temporaryFolder();
  const store = await openIn(dataDir);
  onTestFinished(() => store.close());
  const entries = trafficOf({
    seed,
    fromMs: FROM_MS,
    days: DAYS,
    perDay: 1_300,
    visitors: 40,
    clockSteps: 0.1,
  });
  for (let i = 0; i < entries.length; i += 200)
    await Promise.all(entries.slice(i, i + 200).map((entry) => store.events.append(entry)));
  return { store, dataDir };
}

async function expectRollUpsToBeTheRows(store: Store): Promise<void> {
  const audit = await store.events.audit();
  expect(audit).toEqual({ counters: [], ledger: [], rollups: [], integrity: [] });
  const scope = { siteId: SITE, fromMs: FROM_MS, toMs: TO_MS };
  for (const by of EVENT_DIMENSIONS) {
    const summed = await store.reports.breakdown({ ...scope, filters: [] }, by, { limit: 1_000 });
    const counted = await store.reports.breakdown({ ...scope, filters: [EVERYTHING] }, by, { limit: 1_000 });
    expect([by, summed]).toEqual([by, counted]);
    expect(summed.rows.length).toBeGreaterThan(0);
  }
}

const late = (number: number) =>
  event({
    id: `late-${number}`,
    receivedAtMs: FROM_MS + number * 7_919_000,
    visitor: BigInt(number % 5),
    path: `/late-${number % 3}`,
    name: number % 4 === 0 ? 'signup' : 'pageview',
  });

describe('rollups of past days', () => {
  it('equal their rows', async () => {
    const { store } = await filled(11);
    expect(await store.reports.sealDaysBefore(utcDay(TO_MS))).toBe(DAYS);
    await expectRollUpsToBeTheRows(store);
    expect(await store.reports.sealDaysBefore(utcDay(TO_MS))).toBe(0);
  });

  it('computes a rollup again when an event arrives late', async () => {
    const { store } = await filled(12);
    await store.reports.sealDaysBefore(utcDay(TO_MS));
    await store.events.append(late(1));
    await store.events.append(bot({ receivedAtMs: FROM_MS + DAY_MS }));
    await expectRollUpsToBeTheRows(store);
    expect(await store.reports.sealDaysBefore(utcDay(TO_MS))).toBe(2);
    await expectRollUpsToBeTheRows(store);
  });

  it('include events that arrive during the computation', async () => {
    const { store } = await filled(13);
    for (let round = 0; round < 3; round++) {
      const arriving = Array.from({ length: 10 }, (_, i) => store.events.append(late(round * 10 + i)));
      const summing = store.reports.sealDaysBefore(utcDay(TO_MS));
      await Promise.all([...arriving, store.events.append(late(1_000 + round)), summing]);
      await store.events.append(late(2_000 + round));
      await expectRollUpsToBeTheRows(store);
    }
    await store.reports.sealDaysBefore(utcDay(TO_MS));
    await expectRollUpsToBeTheRows(store);
  });

  it('leaves no rollup half-done if the store closes', async () => {
    const { store, dataDir } = await filled(14);
    const summing = store.reports.sealDaysBefore(utcDay(TO_MS)).catch((error: unknown) => error);
    await store.close();
    await summing;
    const reopened = await openIn(dataDir);
    onTestFinished(() => reopened.close());
    await expectRollUpsToBeTheRows(reopened);
    await reopened.reports.sealDaysBefore(utcDay(TO_MS));
    await expectRollUpsToBeTheRows(reopened);
  });

  it('postpones rollups on shutdown, and deletes no row before its day is done', async () => {
    const { store } = await filled(15);
    const ending = new AbortController();
    const summing = store.reports.sealDaysBefore(utcDay(TO_MS), ending.signal);
    ending.abort();
    expect(await summing).toBeLessThan(DAYS);
    expect(await store.events.expire([{ siteId: SITE, beforeMs: TO_MS }], ending.signal)).toBe(0);
    expect(await store.events.remove(SITE, ending.signal)).toBe(0);
    await expectRollUpsToBeTheRows(store);
    expect(await store.reports.sealDaysBefore(utcDay(TO_MS))).toBeGreaterThan(0);
    await expectRollUpsToBeTheRows(store);
  });
});
