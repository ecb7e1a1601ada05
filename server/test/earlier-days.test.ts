import { describe, expect, it, onTestFinished } from 'vitest';
import { DAY_MS, utcDay } from '../src/domain/clock.ts';
import { EVENT_DIMENSIONS } from '../src/domain/dimensions.ts';
import type { Entry, Filter, Store } from '../src/store/contract/store.ts';
import { asWrittenEarlier, openEmbedded } from './support/days.ts';
import { SITE } from './support/entries.ts';
import { trafficOf } from './support/generated.ts';
import { temporaryFolder } from './support/paths.ts';
import { Recount } from './support/recount.ts';

/** Days whose files an earlier release wrote, beside days of this one. */

const DAYS = 3;
const FROM_MS = Date.UTC(2026, 4, 1);
const TO_MS = FROM_MS + DAYS * DAY_MS;
const NEWEST_MS = TO_MS - DAY_MS;
const SPAN = { siteId: SITE, fromMs: FROM_MS, toMs: TO_MS };
const SOUND = { counters: [], ledger: [], rollups: [], integrity: [] };

const ENTRIES = trafficOf({
  ...{ seed: 12, fromMs: FROM_MS, days: DAYS, perDay: 60, visitors: 9, clockSteps: 0 },
});

/** An entry as files of an earlier release have it: without what came since. */
function asKept(entry: Entry): Entry {
  if (entry.kind !== 'event' || entry.receivedAtMs >= NEWEST_MS) return entry;
  return {
    ...{ ...entry, utmSource: null, utmMedium: null, utmContent: null, utmTerm: null, region: null },
    ...{ city: null, browserVersion: null, osVersion: null, language: null, screen: null },
  };
}

/** An entry as dimensions show it. The referrer of an event was known, but not that of a visit. */
function asShown(entry: Entry): Entry {
  const kept = asKept(entry);
  return kept.kind === 'event' && kept.receivedAtMs < NEWEST_MS ? { ...kept, referrer: null } : kept;
}

const recount = new Recount(ENTRIES.map(asShown));

async function append(store: Store, entries: readonly Entry[]): Promise<void> {
  for (const entry of entries) await store.events.append(entry);
}

/** Opens a store of two days that an earlier release sealed, and one that is open. */
async function openEarlier(): Promise<Store> {
  const dataDir = await temporaryFolder();
  const before = await openEmbedded(dataDir);
  await append(
    before,
    ENTRIES.filter(({ receivedAtMs }) => receivedAtMs < NEWEST_MS),
  );
  expect(await before.reports.sealDaysBefore(utcDay(NEWEST_MS))).toBe(DAYS - 1);
  await before.close();
  await asWrittenEarlier(dataDir);
  const store = await openEmbedded(dataDir);
  onTestFinished(() => store.close());
  await append(
    store,
    ENTRIES.filter(({ receivedAtMs }) => receivedAtMs >= NEWEST_MS),
  );
  return store;
}

async function expectCounted(
  store: Store,
  by: (typeof EVENT_DIMENSIONS)[number],
  filters: readonly Filter[],
) {
  for (const span of [SPAN, { ...SPAN, toMs: NEWEST_MS }, { ...SPAN, fromMs: FROM_MS + DAY_MS }]) {
    const { rows } = await store.reports.breakdown({ ...span, filters }, by, { limit: 1_000 });
    expect(rows, by).toEqual(recount.breakdown(span.fromMs, span.toMs, filters, by));
  }
}

async function expectAllCounted(store: Store): Promise<void> {
  for (const by of EVENT_DIMENSIONS) await expectCounted(store, by, []);
}

describe('days that an earlier release sealed', () => {
  it('show later dimensions as unknown, and add up with later days', async () => {
    const store = await openEarlier();
    const isPhone: Filter = { by: 'device', values: ['phone'], negated: false };
    const isUnknown: Filter = { by: 'city', values: [null], negated: false };
    await expectAllCounted(store);
    for (const filters of [[isPhone], [isUnknown]]) await expectCounted(store, 'language', filters);
    expect(await store.events.audit()).toEqual(SOUND);
    const old = { ...SPAN, toMs: NEWEST_MS, filters: [] };
    const { rows } = await store.reports.breakdown(old, 'language', { limit: 10 });
    const { botVisits, ...people } = await store.reports.totals(old);
    expect(botVisits).toBeGreaterThan(0);
    expect(rows).toEqual([{ value: null, ...people, botVisits: 0 }]);
  });

  it('give the same answers and events when they are archived and written again', async () => {
    const store = await openEarlier();
    const expectSomeCounted = async () => {
      for (const by of ['page', 'language', 'referrer', 'utm_campaign'] as const)
        await expectCounted(store, by, []);
    };
    await store.reports.sealDaysBefore(utcDay(TO_MS));
    expect(await store.reports.archiveDaysBefore?.(utcDay(NEWEST_MS))).toBe(utcDay(NEWEST_MS));
    await expectSomeCounted();
    const { events } = await store.events.page(SITE, { limit: 1_000 });
    const stored = ENTRIES.filter((entry) => entry.kind === 'event').map(asKept);
    expect(events.length).toBe(stored.length);
    for (const { receivedAtMs, referrer, interactive, utmSource } of events) {
      const same = stored.filter((entry) => entry.receivedAtMs === receivedAtMs);
      const isEarlier = receivedAtMs < NEWEST_MS;
      expect(same.some((entry) => entry.kind === 'event' && entry.referrer === referrer)).toBe(true);
      if (isEarlier) expect({ interactive, utmSource }).toEqual({ interactive: true, utmSource: null });
    }
    // Retention deletes the first half of the first day, so that its file is written again. Rollups keep all of it.
    const beforeMs = FROM_MS + DAY_MS / 2;
    await store.events.expire([{ siteId: SITE, beforeMs }]);
    await store.reports.sealDaysBefore(utcDay(TO_MS));
    await expectSomeCounted();
    expect(await store.events.audit()).toEqual(SOUND);
  });
});
