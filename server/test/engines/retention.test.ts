import { describe, expect, it, onTestFinished } from 'vitest';
import { DAY_MS, utcDay } from '../../src/domain/clock.ts';
import { openStore } from '../../src/store/open.ts';
import { NOON_MS } from '../support/clock.ts';
import { hasClickHouse, sharedClickHouse } from '../support/engines/clickhouse.ts';
import { hasPostgres, sharedPostgres } from '../support/engines/postgres.ts';
import { event } from '../support/entries.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { current } from '../support/shipped.ts';

const LIMIT_MS = 150_000;
const DAY_START_MS = utcDay(NOON_MS) * DAY_MS;

describe.skipIf(!hasClickHouse || !hasPostgres)('retention in ClickHouse', () => {
  it(
    'deletes whole days of many sites in one mutation, and starts none if nothing is due',
    async () => {
      const [cluster, postgres] = await Promise.all([sharedClickHouse(), sharedPostgres()]);
      const clickhouse = await cluster.createDatabase();
      const database = new URL(clickhouse[0] ?? '').pathname.slice(1);
      const store = await openStore({
        dataDir: await temporaryFolder(),
        databases: { postgres: postgres.createDatabase(), clickhouse: clickhouse.join(',') },
        onBroken(error) {
          throw error;
        },
      });
      onTestFinished(() => store.close());
      const { events } = current(store);
      const sites = Array.from({ length: 20 }, (_, i) => `site_${i}`);
      const sent = [
        DAY_START_MS - 3 * DAY_MS,
        DAY_START_MS - 1,
        DAY_START_MS,
        DAY_START_MS + 3_600_000,
        NOON_MS + 1,
      ];
      for (const siteId of sites)
        await Promise.all(sent.map((receivedAtMs) => events.append(event({ siteId, receivedAtMs }))));
      const stored = async () =>
        (await Promise.all(sites.map((id) => events.page(id, { limit: 10 })))).map(
          (page) => page.events.length,
        );
      expect(await stored()).toEqual(sites.map(() => 5));
      const mutations = () =>
        cluster.sql(
          0,
          `SELECT count() FROM system.mutations WHERE database = '${database}' AND table = 'attractos_entries'`,
        );

      // The first ten sites keep one day less.
      const limits = (beforeMs: number) =>
        sites.map((siteId, i) => ({ siteId, beforeMs: i < 10 ? beforeMs : beforeMs - DAY_MS }));
      expect(await events.expire(limits(NOON_MS))).toBe(30);
      expect(await stored()).toEqual(sites.map((_, i) => (i < 10 ? 3 : 4)));
      await until(mutations, (count) => count === '1');
      // Later on the same day, nothing more is due.
      expect(await events.expire(limits(NOON_MS + DAY_MS / 3))).toBe(0);
      expect(await mutations()).toBe('1');
      expect(await events.expire(limits(NOON_MS + DAY_MS))).toBe(40);
      expect(await stored()).toEqual(sites.map((_, i) => (i < 10 ? 0 : 3)));
      await until(mutations, (count) => count === '2');
      // The counts stay.
      const range = { firstDay: 0, lastDay: utcDay(NOON_MS) + 1 };
      expect(await events.countBySite(sites, range)).toEqual(new Map(sites.map((siteId) => [siteId, 5])));
      expect((await events.audit()).counters).toEqual([]);
    },
    LIMIT_MS,
  );
});
