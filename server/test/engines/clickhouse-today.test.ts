import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { utcDay } from '../../src/domain/clock.ts';
import { Server } from '../../src/store/drivers/clickhouse.ts';
import { ALL_DAY } from '../../src/store/scale-out/shipping.ts';
import { toRow } from '../../src/store/scale-out/warehouse/row.ts';
import { ENTRIES } from '../../src/store/scale-out/warehouse/schema.ts';
import { describeActivity } from '../reports-contract.ts';
import { describeStore } from '../store-contract.ts';
import { NOON_MS } from '../support/clock.ts';
import { type ChdbServer, hasChdb, startChdb } from '../support/engines/chdb.ts';
import { hasClickHouse, sharedClickHouse } from '../support/engines/clickhouse.ts';
import { type Mirror, startMirror } from '../support/engines/mirror.ts';
import { hasPostgres } from '../support/engines/postgres.ts';
import { statementsOfSources } from '../support/engines/statements.ts';
import { event, SITE } from '../support/entries.ts';
import { failCommits, shippedOn, unsealed } from '../support/shipped.ts';
import { openWarehouse } from '../support/warehouse.ts';

const NAME = 'ClickHouse 26.7 beside 18.16';
const START_DEADLINE_MS = 300_000;

/** Statements that query the server about itself, so responses may differ. All others must get the same response. */
const OWN_STATEMENTS = [
  /^SELECT name FROM system\.settings WHERE /,
  /^SELECT macro FROM system\.macros WHERE /,
  /^SELECT name FROM system\.merge_tree_settings WHERE /,
  /^CREATE TABLE IF NOT EXISTS attractos_entries /,
  /^SELECT name FROM system\.columns WHERE /,
  /^SELECT engine FROM system\.tables WHERE /,
  /^SELECT zookeeper_path, replica_name FROM system\.replicas WHERE /,
  /^SELECT log_pointer > log_max_index .* FROM system\.replicas\s/,
];

let chdb: ChdbServer;

beforeAll(async () => {
  if (hasChdb) chdb = await startChdb();
}, START_DEADLINE_MS);

describe.skipIf(!hasChdb || !hasPostgres || !hasClickHouse)(
  'the scale-out shape on two ClickHouse versions',
  () => {
    let mirror: Mirror;

    beforeAll(async () => {
      mirror = await startMirror(chdb, await sharedClickHouse());
    }, START_DEADLINE_MS);
    afterEach(() => expect(mirror.takeDifferences()).toEqual([]));
    afterAll(() => mirror.close());

    const open = shippedOn(() => mirror.createDatabase());
    describeStore({
      ...{ name: NAME, open, failCommits, queueEntries: 10_000, ledgerHosts: 100, propertyRuns: 1 },
      // The old server refuses them.
      hasReports: false,
    });
    describeActivity({
      name: NAME,
      // The old server has no tables of sealed days.
      open: async (place) => unsealed(await open(place)),
      worlds: [{ seed: 8, fromMs: Date.UTC(2026, 11, 31), days: 2, perDay: 40, visitors: 6, clockSteps: 0 }],
      spans: 8,
      byReceipt: true,
      outlivesRetention: false,
    });

    it('reconciles and sums up events equally on both versions', async () => {
      const warehouse = openWarehouse([await mirror.createDatabase()]);
      onTestFinished(() => warehouse.close());
      const [early, late] = [utcDay(NOON_MS), utcDay(NOON_MS) + 1].map((day) => ({
        siteId: SITE,
        day,
        claimed: 1_000_000,
        failures: 2,
        ...ALL_DAY,
      }));
      if (early === undefined || late === undefined) throw new Error('two days were made');
      await warehouse.insert({ id: 'early', rows: batch(0, 2) });
      await warehouse.insert({ id: 'late', rows: batch(1, 3, NOON_MS + 86_400_000) });
      const truths = await warehouse.count([early, late], async () => undefined);
      expect(truths.map(({ day, rows }) => [day, rows]).sort()).toEqual([
        [early.day, 2],
        [late.day, 1],
      ]);
      const sums = await warehouse.checksums([early, late]);
      // All rows of the later day: an event, and the marker of the duplicate that had arrived earlier.
      expect([...sums.values()].map(({ rows }) => rows)).toEqual([2, 2]);
      await warehouse.countAll();
    });

    it('has run every statement of the sources', () => {
      const done = [...mirror.both, ...mirror.own];
      const sources = statementsOfSources();
      expect(sources.length).toBeGreaterThan(15);
      expect(
        sources.filter(({ shape }) => !done.some((sql) => shape.test(sql))).map(({ name }) => name),
      ).toEqual([]);
      expect(mirror.both.size).toBeGreaterThan(sources.length);
      expect([...mirror.own].filter((sql) => !OWN_STATEMENTS.some((shape) => shape.test(sql)))).toEqual([]);
    });
  },
);

/** Returns rows of events of one day in the format that is shipped. */
function batch(from: number, to: number, receivedAtMs = NOON_MS): string {
  return Array.from({ length: to - from }, (_, i) => from + i)
    .map((no) =>
      toRow(event({ receivedAtMs }), {
        eventId: `00000000-0000-4000-8000-${String(no).padStart(12, '0')}`,
        ordinal: no,
      }),
    )
    .join('\n');
}

describe.skipIf(!hasChdb)('the tokens of ClickHouse 26.7', () => {
  /** Opens a table as the product creates it. */
  async function opened(): Promise<Server> {
    const url = await chdb.createDatabase();
    const warehouse = openWarehouse([url]);
    const server = new Server(url);
    onTestFinished(async () => {
      await Promise.all([warehouse.close(), server.close()]);
    });
    await warehouse.countAll();
    // Inserted rows are read before the server merges them.
    await server.run(`SYSTEM STOP MERGES ${ENTRIES}`);
    return server;
  }

  async function counted(server: Server): Promise<{ lying: number; final: number }> {
    const ask = async (how: string) =>
      Number((await server.rows(`SELECT count() AS n FROM ${ENTRIES} ${how}`))[0]?.n);
    return { lying: await ask(''), final: await ask('FINAL') };
  }

  it('have the expected version', async () => {
    expect(await chdb.sql('SELECT version()')).toMatch(/^26\.7\./);
  });

  it('accept the same batch once, even with other batches in between', async () => {
    const server = await opened();
    for (const [token, from] of [
      ['a', 0],
      ['a', 0],
      ['b', 100],
      ['c', 200],
      ['a', 0],
    ] as const)
      await server.insert(ENTRIES, batch(from, from + 100), token);
    expect(await counted(server)).toEqual({ lying: 300, final: 300 });
  });

  it('deduplicate by token; without it, FINAL reads duplicate rows once', async () => {
    const server = await opened();
    await server.insert(ENTRIES, batch(0, 100), 'a');
    await server.insert(ENTRIES, batch(0, 100), 'b');
    expect(await counted(server)).toEqual({ lying: 200, final: 100 });
  });

  it('accept a partly repeated batch in full, and FINAL deduplicates it', async () => {
    const server = await opened();
    await server.insert(ENTRIES, batch(0, 100), 'a');
    await server.insert(ENTRIES, batch(50, 150), 'b');
    expect(await counted(server)).toEqual({ lying: 200, final: 150 });
  });

  it('identify a batch, not its rows: other rows with a used token are lost', async () => {
    const server = await opened();
    await server.insert(ENTRIES, batch(0, 100), 'a');
    await server.insert(ENTRIES, batch(100, 200), 'a');
    expect(await counted(server)).toEqual({ lying: 100, final: 100 });
  });

  it('turns asynchronous inserts off, so each token is in the table after its insert', async () => {
    const server = await opened();
    const value = "SELECT value FROM system.settings WHERE name = 'async_insert'";
    expect(await chdb.sql(value)).toBe('1');
    expect(await server.rows(value)).toEqual([{ value: '0' }]);
  });
});
