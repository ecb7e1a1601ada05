import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DAY_MS, utcDay } from '../../src/domain/clock.ts';
import { StoreUnavailable } from '../../src/store/contract/store.ts';
import { openStore } from '../../src/store/open.ts';
import { ALL_DAY } from '../../src/store/scale-out/shipping.ts';
import { toRow } from '../../src/store/scale-out/warehouse/row.ts';
import { NOON_MS } from '../support/clock.ts';
import { hasClickHouse, sharedClickHouse } from '../support/engines/clickhouse.ts';
import { hasPostgres, sharedPostgres } from '../support/engines/postgres.ts';
import { event, SITE } from '../support/entries.ts';
import { linkTo } from '../support/link.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { current } from '../support/shipped.ts';
import { openWarehouse } from '../support/warehouse.ts';

/** Shipping to the real databases, for cases that depend on one moment and not on load. */

const ROWS = 5_000;
/**
 * Bytes after which a request body is cut: near its start, in the middle and near its end. Compressed, a body is about 250 kB,
 * after a head of less than 2 kB.
 */
const CUTS = [2_000, 30_000, 100_000] as const;
const DAY = utcDay(NOON_MS);
const LIMIT_MS = 300_000;
const KEEPER_DEADLINE_MS = 60_000;

describe.skipIf(!hasClickHouse)('an insert that is cut off', () => {
  it.each(CUTS)(
    'stores nothing if it is cut off after %i bytes, and each row once when repeated',
    async (bytes) => {
      const cluster = await sharedClickHouse();
      const urls = await cluster.createDatabase();
      const direct = urls[0] ?? '';
      const link = await linkTo(cluster.replicas[0]?.httpPort ?? 0);
      const through = Object.assign(new URL(direct), { port: String(link.port) }).href;
      const warehouse = openWarehouse([through]);
      onTestFinished(async () => {
        await warehouse.close();
        link.close();
      });
      const rows = Array.from({ length: ROWS }, (_, ordinal) =>
        toRow(event({ path: `/${randomUUID()}` }), { eventId: randomUUID(), ordinal }),
      );
      const batch = { id: `cut.${bytes}`, rows: `${rows.join('\n')}\n` };
      const table = `${new URL(direct).pathname.slice(1)}.attractos_entries`;
      const kept = async () => Number(await cluster.sql(0, `SELECT count() FROM ${table}`));
      // Creates the table and reads the settings, so that the cut hits the body. A keeper that has just started reports that it
      // is healthy slightly too early.
      await until(
        () => warehouse.countAll().catch(() => null),
        (answer) => answer !== null,
        KEEPER_DEADLINE_MS,
      );

      // New connections from here on, so that all of their bytes count.
      link.cut();
      await expect(warehouse.countAll(), 'the client knows them gone').rejects.toThrow(StoreUnavailable);
      link.mend();
      link.cutAfter(bytes);
      await expect(warehouse.insert(batch)).rejects.toThrow(StoreUnavailable);
      await expect(warehouse.countAll(), 'the cut was made').rejects.toThrow(StoreUnavailable);
      expect(await kept()).toBe(0);
      link.mend();
      for (let time = 0; time < 2; time++) {
        await warehouse.insert(batch);
        expect(await kept(), 'not even twice before it is merged').toBe(ROWS);
      }
      const [actual] = await warehouse.count(
        [{ siteId: SITE, day: DAY, claimed: ROWS, failures: 0, ...ALL_DAY }],
        async () => undefined,
      );
      expect(actual).toMatchObject({ outcome: 'stored', rows: ROWS });
    },
    LIMIT_MS,
  );
});

describe.skipIf(!hasClickHouse || !hasPostgres)('two collectors on either side of midnight', () => {
  it(
    'count an event that reached both once, on its first day',
    async () => {
      const [cluster, postgres] = await Promise.all([sharedClickHouse(), sharedPostgres()]);
      const databases = {
        postgres: postgres.createDatabase(),
        clickhouse: (await cluster.createDatabase()).join(','),
      };
      const open = async () => {
        const store = await openStore({
          dataDir: await temporaryFolder(),
          databases,
          onBroken(error) {
            throw error;
          },
        });
        onTestFinished(() => store.close());
        return current(store);
      };
      const [evening, morning] = [await open(), await open()];
      const midnight = (DAY + 1) * DAY_MS;
      const ids = Array.from({ length: 50 }, (_, i) => `event-${i}`);
      const send = (store: typeof evening, receivedAtMs: number, which: readonly string[]) =>
        Promise.all(which.map((id) => store.events.append(event({ id, receivedAtMs }))));

      // The later events first, so that the marked ones have been counted already.
      await send(morning, midnight + 1, ids);
      const days = { firstDay: DAY, lastDay: DAY + 1 };
      expect((await morning.events.countBySite([SITE], days)).get(SITE)).toBe(50);
      await send(evening, midnight - 1, ids.slice(10));

      // Each collector waits for the events it acknowledged, and until all days are settled.
      for (const store of [evening, morning]) {
        expect((await store.events.countBySite([SITE], days)).get(SITE)).toBe(50);
        const lines = (await store.events.ledger(SITE, days)).map(({ day, outcome, count }) => [
          day - DAY,
          outcome,
          count,
        ]);
        expect(lines.sort()).toEqual([
          [0, 'stored', 40],
          [1, 'duplicate', 40],
          [1, 'stored', 10],
        ]);
        expect(await store.events.audit()).toEqual({ counters: [], ledger: [], rollups: [], integrity: [] });
      }
    },
    LIMIT_MS,
  );
});
