import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { utcDay } from '../../src/domain/clock.ts';
import { StoreUnavailable } from '../../src/store/contract/store.ts';
import { Database } from '../../src/store/drivers/postgres.ts';
import { PostgresCounts } from '../../src/store/scale-out/counts/counts.ts';
import { Reconciler } from '../../src/store/scale-out/reconciler.ts';
import {
  type ActualCount,
  ALL_DAY,
  type DirtyDay,
  type SiteDay,
  type Span,
  type Warehouse,
} from '../../src/store/scale-out/shipping.ts';
import { asLine, valuesOf } from '../../src/store/scale-out/warehouse/row.ts';
import { NOON_MS } from '../support/clock.ts';
import { hasClickHouse, sharedClickHouse } from '../support/engines/clickhouse.ts';
import { hasPostgres, type PostgresServer, sharedPostgres } from '../support/engines/postgres.ts';
import { event, SITE } from '../support/entries.ts';
import { until } from '../support/poll.ts';
import { openWarehouse } from '../support/warehouse.ts';

/** Reconciliation on the real databases, with days that fail or are large. */

const DAY = utcDay(NOON_MS);
const LIMIT_MS = 150_000;
/** More days than are looked at in one step. */
const MANY = 1_200;

let batches = 0;
const siteNo = (no: number) => `site_${String(no).padStart(5, '0')}`;

/** Returns the claims of a batch with as many events for each site and day. */
function claimsFor(
  days: readonly SiteDay[],
  span: Span = { firstAtMs: NOON_MS, lastAtMs: NOON_MS },
  count = 1,
) {
  const line = { outcome: 'stored', host: 'example.com', count, ...span };
  return {
    id: `batch.${++batches}`,
    claimed: {
      ledger: days.map(({ siteId, day }) => ({ siteId, day, ...line })),
      keys: [],
      days: days.map(({ siteId, day }) => ({ siteId, day, ...span })),
    },
  };
}

const rowsOf = (days: readonly SiteDay[], rows: number): ActualCount[] =>
  days.map(({ siteId, day }) => ({
    ...{ siteId, day, outcome: 'stored', host: 'example.com', siteKey: '', rows },
  }));

describe.skipIf(!hasPostgres)('dirty days in PostgreSQL', () => {
  let postgres: PostgresServer;
  beforeAll(async () => {
    postgres = await sharedPostgres();
  }, LIMIT_MS);

  async function open() {
    const url = postgres.createDatabase();
    const db = new Database(url);
    onTestFinished(() => db.close());
    const sql = (text: string) => postgres.sql(new URL(url).pathname.slice(1), text);
    return { db, counts: new PostgresCounts(db), sql };
  }

  it('are returned in steps, each once per sweep, however many marks a day has', async () => {
    const { counts } = await open();
    const all = Array.from({ length: MANY }, (_, no) => ({ siteId: siteNo(no), day: DAY }));
    await counts.merge(claimsFor(all));
    for (let time = 0; time < 20; time++) await counts.merge(claimsFor(all.slice(0, 1)));
    const sweep = async () => {
      const seen: string[] = [];
      let after: SiteDay | null = null;
      do {
        const step = await counts.dueDaysAfter(after);
        seen.push(...step.days.map(({ siteId }) => siteId));
        after = step.end;
      } while (after !== null);
      return seen;
    };
    expect(await sweep()).toEqual(all.map(({ siteId }) => siteId));
    expect(await sweep()).toEqual(all.map(({ siteId }) => siteId));
    expect((await counts.dueDaysAfter(null)).days[0]).toEqual({
      siteId: siteNo(0),
      day: DAY,
      claimed: 21,
      failures: 0,
    });
  });

  it('tell which rows are new; a day of an older program is new as a whole', async () => {
    const { counts, sql } = await open();
    const day = { siteId: SITE, day: DAY };
    const spans: Span[] = [];
    const reconcile = async () =>
      counts.reconcile((await counts.dueDaysAfter(null)).days, async (days) => {
        spans.push(...days.map(({ firstAtMs, lastAtMs }) => ({ firstAtMs, lastAtMs })));
        return rowsOf(days, 1);
      });
    await counts.merge(claimsFor([day], { firstAtMs: 50, lastAtMs: 60 }));
    await counts.merge(claimsFor([day], { firstAtMs: 20, lastAtMs: 30 }));
    await counts.markDirty([day, day]);
    await reconcile();
    await counts.markDirty([day]);
    await reconcile();
    sql(`INSERT INTO event_touches (site_id, day) VALUES ('${SITE}', ${DAY})`);
    await reconcile();
    expect(spans).toEqual([
      { firstAtMs: 20, lastAtMs: 60 },
      { firstAtMs: Number.MAX_SAFE_INTEGER, lastAtMs: 0 },
      ALL_DAY,
    ]);
    expect(await counts.dirtyDays()).toBe(0);
  });

  it('that fail wait longer each time, keep one mark, and are forgotten when they succeed', async () => {
    const { counts, sql } = await open();
    const day = { siteId: SITE, day: DAY };
    const waits: number[] = [];
    for (let time = 0; time < 9; time++) {
      await counts.merge(claimsFor([day], { firstAtMs: 100 - time, lastAtMs: 100 + time }));
      if (time === 0) await counts.dueDaysAfter(null);
      await counts.putOff({ ...day, error: `failure ${time}` });
      expect((await counts.dueDaysAfter(null)).days).toEqual([]);
      waits.push(
        Number(sql('SELECT round(extract(epoch FROM due_at - clock_timestamp())) FROM event_settlements')),
      );
    }
    expect(waits).toEqual([15, 30, 60, 120, 240, 480, 900, 900, 900]);
    expect(await counts.failingDays()).toEqual([{ ...day, error: 'failure 8' }]);
    expect(sql('SELECT first_at, last_at FROM event_touches')).toBe('92|108');

    sql('UPDATE event_settlements SET due_at = now()');
    const { days } = await counts.dueDaysAfter(null);
    expect(days).toEqual([{ ...day, claimed: 9, failures: 9 }]);
    await expect(
      counts.reconcile(days, async () => {
        throw new StoreUnavailable('once more');
      }),
    ).rejects.toThrow('once more');
    expect(await counts.failingDays()).toHaveLength(1);
    await counts.reconcile(days, async (dirty) => rowsOf(dirty, 1));
    expect(await counts.failingDays()).toEqual([]);
    expect(await counts.countBySite([SITE], { firstDay: DAY, lastDay: DAY })).toEqual(new Map([[SITE, 1]]));
  });

  it('are reconciled by one process at a time, and a batch that arrives meanwhile is not lost', async () => {
    const { db, counts } = await open();
    const other = new PostgresCounts(db);
    const day = { siteId: SITE, day: DAY };
    await counts.merge(claimsFor([day]));
    const { days } = await counts.dueDaysAfter(null);
    let countedByOther = 0;
    await counts.reconcile(days, async (dirty) => {
      await other.reconcile(days, async (same) => {
        countedByOther += same.length;
        return [];
      });
      await other.merge(claimsFor([day]));
      return rowsOf(dirty, 1);
    });
    expect(countedByOther).toBe(0);
    expect(await counts.dirtyDays()).toBe(1);
    await counts.reconcile((await counts.dueDaysAfter(null)).days, async (dirty) => rowsOf(dirty, 1));
    const range = { firstDay: DAY, lastDay: DAY };
    expect(await counts.countBySite([SITE], range)).toEqual(new Map([[SITE, 1]]));
    expect(await counts.ledger(SITE, range)).toMatchObject([
      { outcome: 'duplicate', count: 1 },
      { outcome: 'stored', count: 1 },
    ]);
  });

  it(
    'that cannot be counted do not keep others from being reconciled, even thousands of them',
    async () => {
      const { counts } = await open();
      const bad = Array.from({ length: MANY }, (_, no) => ({ siteId: siteNo(no), day: DAY }));
      const good = { siteId: siteNo(MANY), day: DAY };
      await counts.merge(claimsFor([...bad, good]));
      await counts.merge(claimsFor([good]));
      let isMended = false;
      const warehouse: Pick<Warehouse, 'expectAllRows' | 'count'> = {
        expectAllRows: async () => undefined,
        count: async (days) => {
          if (!isMended && days.some(({ siteId }) => siteId < good.siteId))
            throw new StoreUnavailable('cannot be counted');
          return rowsOf(days, 1);
        },
      };
      const failing = new Set<string>();
      const reconciler = new Reconciler({
        warehouse: warehouse as Warehouse, // it uses nothing else
        counts,
        onOutage: ({ work, error }) => (error === null ? failing.delete(work) : failing.add(work)),
      });
      reconciler.start();
      onTestFinished(() => reconciler.stop());
      const range = { firstDay: DAY, lastDay: DAY };
      await until(
        () => counts.countBySite([good.siteId], range),
        (counted) => counted.get(good.siteId) === 1,
        LIMIT_MS,
      );
      expect(failing.size).toBeGreaterThan(0);
      expect([...failing].every((work) => /^reconciliation of site_\d+ on 2026-05-14$/.test(work))).toBe(
        true,
      );
      isMended = true;
    },
    LIMIT_MS,
  );

  it('do not wait for a large day', async () => {
    const { counts } = await open();
    const [large, small] = [
      { siteId: siteNo(1), day: DAY },
      { siteId: siteNo(2), day: DAY },
    ];
    await counts.merge(claimsFor([large], ALL_DAY, 10_000_000));
    await counts.merge(claimsFor([small]));
    await counts.merge(claimsFor([small]));
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const warehouse: Pick<Warehouse, 'expectAllRows' | 'count'> = {
      expectAllRows: async () => undefined,
      async count(days) {
        if (days.some(({ siteId }) => siteId === large.siteId)) await finished;
        return rowsOf(days, 1);
      },
    };
    const onOutage = (outage: object) => expect(outage).toBeNull();
    const reconciler = new Reconciler({ warehouse: warehouse as Warehouse, counts, onOutage }); // nothing else of it
    reconciler.start();
    onTestFinished(() => reconciler.stop());
    const counted = async () =>
      counts.countBySite([large.siteId, small.siteId], { firstDay: DAY, lastDay: DAY });
    await until(counted, (each) => each.get(small.siteId) === 1);
    expect((await counted()).get(large.siteId)).toBe(10_000_000);
    finish();
    await until(counted, (each) => each.get(large.siteId) === 1);
  });
});

describe.skipIf(!hasClickHouse)('the rows of a large day', () => {
  const ids = Array.from({ length: 400 }, (): string => randomUUID());
  const at = (day: number, no: number) => day * 86_400_000 + no;

  async function open() {
    const urls = await (await sharedClickHouse()).createDatabase();
    const warehouse = openWarehouse(urls);
    onTestFinished(() => warehouse.close());
    const insert = (day: number, which: readonly string[]) =>
      warehouse.insert({
        id: randomUUID(),
        rows: which
          .map((eventId) =>
            asLine(valuesOf(event({ receivedAtMs: at(day, ids.indexOf(eventId)) }), { eventId, ordinal: 1 })),
          )
          .join('\n'),
      });
    const count = async (
      day: number,
      { claimed, failures = 0, ...span }: Pick<DirtyDay, 'claimed'> & { failures?: number } & Span,
    ) => {
      const changed: SiteDay[] = [];
      // A replica that is behind for a moment is not asked.
      await until(
        () =>
          warehouse.expectAllRows().then(
            () => true,
            () => false,
          ),
        (hasAllRows) => hasAllRows,
      );
      const counts = await warehouse.count(
        [{ siteId: SITE, day, claimed, failures, ...span }],
        async (days) => {
          changed.push(...days);
        },
      );
      return { rows: counts.reduce((sum, { rows }) => sum + rows, 0), queries: counts.length, changed };
    };
    return { insert, count };
  }

  it('are counted in ranges of ids, each row in one of them', async () => {
    const { insert, count } = await open();
    await insert(DAY, ids);
    await insert(DAY, ids.slice(100));
    expect(await count(DAY, { claimed: 1, ...ALL_DAY })).toEqual({ rows: 400, queries: 1, changed: [] });
    const inRanges = await count(DAY, { claimed: 100_000_000, ...ALL_DAY });
    expect(inRanges).toMatchObject({ rows: 400, changed: [] });
    expect(inRanges.queries).toBeGreaterThan(5);
    // After failures, also a small day.
    const afterFailures = await count(DAY, { claimed: 1, failures: 4, ...ALL_DAY });
    expect(afterFailures).toMatchObject({ rows: 400, changed: [] });
    expect(afterFailures.queries).toBeGreaterThan(2);
    // Also if events are repeated.
    await insert(DAY + 2, ids.slice(0, 50));
    const repeated = await count(DAY + 2, { claimed: 100_000_000, ...ALL_DAY });
    expect(repeated.rows).toBe(0);
    expect(new Set(repeated.changed.map(({ day }) => day))).toEqual(new Set([DAY + 2]));
    expect(repeated.changed).toHaveLength(50);
  });

  it('are compared with other days only if they were received within the span', async () => {
    const { insert, count } = await open();
    await insert(DAY, ids.slice(0, 100));
    await insert(DAY + 1, ids.slice(0, 100));
    const span = { firstAtMs: at(DAY + 1, 10), lastAtMs: at(DAY + 1, 19) };
    expect(await count(DAY + 1, { claimed: 1, ...span })).toMatchObject({ rows: 90 });
    // The later row is marked also if the earlier one came last.
    const early = { firstAtMs: at(DAY, 30), lastAtMs: at(DAY, 39) };
    const { rows, changed } = await count(DAY, { claimed: 1, ...early });
    expect(rows).toBe(100);
    expect(changed).toHaveLength(10);
    expect(changed[0]).toMatchObject({ siteId: SITE, day: DAY + 1 });
    const none = { firstAtMs: 1, lastAtMs: 0 };
    expect(await count(DAY + 1, { claimed: 1, ...none })).toMatchObject({ rows: 80, changed: [] });
    // Marked rows are not found again.
    expect(await count(DAY, { claimed: 1, ...early })).toMatchObject({ rows: 100, changed: [] });
  });
});
