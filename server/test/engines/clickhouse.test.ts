import { describe, expect, it, onTestFinished } from 'vitest';
import { HOUR_MS, utcDay } from '../../src/domain/clock.ts';
import { StoreUnavailable } from '../../src/store/contract/store.ts';
import { describeActivity } from '../reports-contract.ts';
import { describeStore } from '../store-contract.ts';
import { NOON_MS } from '../support/clock.ts';
import { hasClickHouse, sharedClickHouse } from '../support/engines/clickhouse.ts';
import { hasPostgres } from '../support/engines/postgres.ts';
import { event, SITE } from '../support/entries.ts';
import { temporaryFolder } from '../support/paths.ts';
import { failCommits, openShipped, shippedOn } from '../support/shipped.ts';

describe.skipIf(!hasClickHouse || !hasPostgres)('the scale-out shape', () => {
  describeStore({
    name: 'ClickHouse 18.16 and PostgreSQL',
    open: openShipped,
    failCommits,
    queueEntries: 10_000,
    ledgerHosts: 100,
    propertyRuns: 3,
    hasReports: false,
  });
  describeActivity({
    name: 'ClickHouse 18.16 and PostgreSQL',
    open: openShipped,
    // Events are in order of receipt, so the clock never steps back.
    worlds: [{ seed: 5, fromMs: Date.UTC(2026, 11, 31), days: 2, perDay: 120, visitors: 9, clockSteps: 0 }],
    spans: 40,
    byReceipt: true,
    outlivesRetention: false,
  });

  it('adds the columns that the table of an earlier release lacks', async () => {
    const cluster = await sharedClickHouse();
    const urls = await cluster.createDatabase();
    const open = shippedOn(async () => urls.join(','));
    const dataDir = await temporaryFolder();
    const before = await open(dataDir);
    await before.events.append(event({ utmTerm: 'shoes', interactive: false, browser: 'Firefox' }));
    expect((await before.events.page(SITE, { limit: 2 })).events).toMatchObject([{ utmTerm: 'shoes' }]);
    await before.close();
    const entries = `${new URL(urls[0] ?? '').pathname.slice(1)}.attractos_entries`;
    for (const column of ['utm_term', 'passive'])
      await cluster.sql(0, `ALTER TABLE ${entries} DROP COLUMN ${column}`);
    const store = await open(dataDir);
    onTestFinished(() => store.close());
    const later = { receivedAtMs: NOON_MS + HOUR_MS, utmTerm: 'boots', interactive: false };
    await store.events.append(event(later));
    const { events } = await store.events.page(SITE, { limit: 9 });
    expect(events).toMatchObject([later, { utmTerm: null, interactive: true, browser: 'Firefox' }]);
  });

  it('refuses reports that only newer servers can answer, and seals nothing', async () => {
    const store = await openShipped(await temporaryFolder());
    onTestFinished(() => store.close());
    await store.events.append(event());
    const scope = { siteId: SITE, fromMs: NOON_MS, toMs: NOON_MS + 1, filters: [] };
    const sentence =
      /^ClickHouse: reports need version 24\.8 or newer, and \S+ has 18\.16\.1; events are stored and counted all the same$/;
    for (const report of [
      () => store.reports.totals(scope),
      () => store.reports.series(scope, [NOON_MS, NOON_MS + 1]),
      () => store.reports.breakdown(scope, 'page', { limit: 10 }),
    ]) {
      await expect(report()).rejects.toThrow(StoreUnavailable);
      await expect(report()).rejects.toThrow(sentence);
    }
    expect(await store.reports.sealDaysBefore(utcDay(NOON_MS) + 1)).toBe(0);
    expect((await store.reports.listActivity(scope, { type: null, limit: 10 })).items).toHaveLength(1);
    expect((await store.events.countBySite([SITE], { firstDay: 0, lastDay: 100_000 })).get(SITE)).toBe(1);
  });
});
