import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { utcDay } from '../src/clock.ts';
import { Server } from '../src/store/clickhouse/driver.ts';
import { toRow } from '../src/store/clickhouse/row.ts';
import { ENTRIES } from '../src/store/clickhouse/schema.ts';
import { ClickHouseWarehouse } from '../src/store/clickhouse/warehouse.ts';
import { describeReports } from './reports-contract.ts';
import { describeStore } from './store-contract.ts';
import { NOON_MS } from './support/clock.ts';
import { type ChdbServer, hasChdb, startChdb } from './support/engines/chdb.ts';
import { hasClickHouse, sharedClickHouse } from './support/engines/clickhouse.ts';
import { type Mirror, startMirror } from './support/engines/mirror.ts';
import { hasPostgres } from './support/engines/postgres.ts';
import { statementsOfSources } from './support/engines/statements.ts';
import { event, SITE } from './support/entries.ts';
import { failCommits, shippedOn } from './support/shipped.ts';

const NAME = 'ClickHouse 26.7 beside 18.16';
const START_DEADLINE_MS = 300_000;

/** Statements in which a server speaks of itself, so that their answers may differ. Everything else has one answer. */
const OWN_STATEMENTS = [
  /^SELECT name FROM system\.settings WHERE /,
  /^SELECT macro FROM system\.macros WHERE /,
  /^SELECT name FROM system\.merge_tree_settings WHERE /,
  /^CREATE TABLE IF NOT EXISTS attractos_entries /,
  /^SELECT log_pointer > log_max_index .* FROM system\.replicas\s/,
  /^SELECT count\(\) AS n FROM system\.mutations WHERE /,
];

let chdb: ChdbServer;

beforeAll(async () => {
  if (hasChdb) chdb = await startChdb();
}, START_DEADLINE_MS);

describe.skipIf(!hasChdb || !hasPostgres || !hasClickHouse)('the scale-out shape on two generations', () => {
  let mirror: Mirror;

  beforeAll(async () => {
    mirror = await startMirror(chdb, await sharedClickHouse());
  }, START_DEADLINE_MS);
  afterEach(() => expect(mirror.takeDifferences()).toEqual([]));
  afterAll(() => mirror.close());

  const open = shippedOn(() => mirror.createDatabase());
  describeStore({ name: NAME, open, failCommits, queueEntries: 10_000, ledgerHosts: 100, propertyRuns: 1 });
  describeReports({
    name: NAME,
    open,
    worlds: [{ seed: 8, fromMs: Date.UTC(2026, 11, 31), days: 2, perDay: 40, visitors: 6, clockSteps: 0 }],
    spans: 8,
    byReceipt: true,
    outlivesRetention: false,
  });

  it('settles an event of two days on both alike, and sums up a day alike', async () => {
    const warehouse = new ClickHouseWarehouse([await mirror.createDatabase()]);
    onTestFinished(() => warehouse.close());
    const [early, late] = [utcDay(NOON_MS), utcDay(NOON_MS) + 1].map((day) => ({ siteId: SITE, day }));
    if (early === undefined || late === undefined) throw new Error('two days were made');
    await warehouse.insert({ id: 'early', rows: batch(0, 2) });
    await warehouse.insert({ id: 'late', rows: batch(1, 3, NOON_MS + 86_400_000) });
    const truths = await warehouse.count([early, late], async () => undefined);
    expect(truths.map(({ day, rows }) => [day, rows]).sort()).toEqual([
      [early.day, 2],
      [late.day, 1],
    ]);
    const sums = await warehouse.checksums([early, late]);
    // All rows: of the later day an event, and the mark of the one that had come before.
    expect([...sums.values()].map(({ rows }) => rows)).toEqual([2, 2]);
    await warehouse.countAll();
  });

  it('has tried every statement of the sources by now, and knows which are of a server itself', () => {
    const done = [...mirror.both, ...mirror.own];
    const sources = statementsOfSources();
    expect(sources.length).toBeGreaterThan(15);
    expect(
      sources.filter(({ shape }) => !done.some((sql) => shape.test(sql))).map(({ name }) => name),
    ).toEqual([]);
    expect(mirror.both.size).toBeGreaterThan(sources.length);
    expect([...mirror.own].filter((sql) => !OWN_STATEMENTS.some((shape) => shape.test(sql)))).toEqual([]);
  });
});

/** Rows of some events of one day, as they are shipped. */
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
  /** A table as the product makes it. */
  async function opened(): Promise<Server> {
    const url = await chdb.createDatabase();
    const warehouse = new ClickHouseWarehouse([url]);
    const server = new Server(url);
    onTestFinished(async () => {
      await Promise.all([warehouse.close(), server.close()]);
    });
    await warehouse.countAll();
    // What was inserted is looked at as it lies there, before the server merges it.
    await server.run(`SYSTEM STOP MERGES ${ENTRIES}`);
    return server;
  }

  async function counted(server: Server): Promise<{ lying: number; final: number }> {
    const ask = async (how: string) =>
      Number((await server.rows(`SELECT count() AS n FROM ${ENTRIES} ${how}`))[0]?.n);
    return { lying: await ask(''), final: await ask('FINAL') };
  }

  it('are of that version', async () => {
    expect(await chdb.sql('SELECT version()')).toMatch(/^26\.7\./);
  });

  it('take the same batch once, also when other batches came between', async () => {
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

  it('are what does it: under another token the same rows lie there twice, and FINAL reads each once', async () => {
    const server = await opened();
    await server.insert(ENTRIES, batch(0, 100), 'a');
    await server.insert(ENTRIES, batch(0, 100), 'b');
    expect(await counted(server)).toEqual({ lying: 200, final: 100 });
  });

  it('let a partly repeated batch in whole, and FINAL settles it', async () => {
    const server = await opened();
    await server.insert(ENTRIES, batch(0, 100), 'a');
    await server.insert(ENTRIES, batch(50, 150), 'b');
    expect(await counted(server)).toEqual({ lying: 200, final: 150 });
  });

  it('recognise a batch, not its rows: other rows under a used token would be lost, so a token is never used for two', async () => {
    const server = await opened();
    await server.insert(ENTRIES, batch(0, 100), 'a');
    await server.insert(ENTRIES, batch(100, 200), 'a');
    expect(await counted(server)).toEqual({ lying: 100, final: 100 });
  });

  it('come with every insert at once in the table: asynchronous inserts, on by default, are off', async () => {
    const server = await opened();
    const value = "SELECT value FROM system.settings WHERE name = 'async_insert'";
    expect(await chdb.sql(value)).toBe('1');
    expect(await server.rows(value)).toEqual([{ value: '0' }]);
  });
});
