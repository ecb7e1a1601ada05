import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { StoreUnavailable } from '../src/store/contract/store.ts';
import { DuckDb } from '../src/store/drivers/duckdb.ts';
import { literal, parquet } from '../src/store/drivers/duckdb-text.ts';
import { temporaryFolder } from './support/paths.ts';

/** Takes days, unless it is interrupted. */
const ENDLESS =
  'SELECT count(*) AS n FROM range(10000000) AS a, range(10000000) AS b WHERE (a.range * b.range) % 7 = 3';
const GONE = new Error('the client went away');

async function openDuckDb(): Promise<DuckDb> {
  const spillFolder = await temporaryFolder();
  return DuckDb.open({ memoryMib: 128, threads: 2, spillFolder });
}

/** Lets the event loop turn, during which threads work on. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

it('reads files whose names look like patterns', async () => {
  const duck = await openDuckDb();
  onTestFinished(() => duck.close());
  const folder = join(await temporaryFolder(), "it's [1]*?");
  await mkdir(folder);
  const files = ['a.parquet', 'b.parquet'].map((name) => join(folder, name));
  for (const file of files) await duck.run(`COPY (SELECT 1 AS n) TO ${literal(file)} (FORMAT parquet)`);
  expect(await duck.rows(`SELECT n FROM ${parquet(...files)}`)).toEqual([{ n: 1 }, { n: 1 }]);
});

describe('a DuckDB statement', () => {
  it('is run again on one thread if it runs out of memory', async () => {
    const duck = await DuckDb.open({ memoryMib: 64, threads: 3, spillFolder: await temporaryFolder() });
    onTestFinished(() => duck.close());
    const threads = `current_setting('threads')::INTEGER`;
    // A list must fit in memory.
    const listOf = (rows: string) => `SELECT len(list(range)) AS n FROM range(${rows})`;
    expect(await duck.rows(listOf(`CASE WHEN ${threads} > 1 THEN 20000000 ELSE 7 END`))).toEqual([{ n: 7 }]);
    await expect(duck.rows(listOf('20000000'))).rejects.toThrow('Out of Memory');
    expect(await duck.rows(`SELECT ${threads} AS n`)).toEqual([{ n: 3 }]);
  });

  it('ends when its signal aborts, at whatever moment, and leaves the connection usable', async () => {
    const duck = await openDuckDb();
    onTestFinished(() => duck.close());
    for (const after of [0, 1, 2, 3, 5, 10, 100, 1_000]) {
      const gone = new AbortController();
      const answer = expect(duck.rows(ENDLESS, [], gone.signal)).rejects.toBe(GONE);
      await turns(after);
      gone.abort(GONE);
      await answer;
      expect(await duck.rows('SELECT 1 AS n')).toEqual([{ n: 1 }]);
    }
    await expect(duck.rows('SELECT 1 AS n', [], AbortSignal.abort(GONE))).rejects.toBe(GONE);
  });

  it('is not interrupted by the signal of another one, before it or on another connection', async () => {
    const duck = await openDuckDb();
    onTestFinished(() => duck.close());
    const other = await duck.connect();
    const sum = () => other.rows('SELECT count(*) AS n FROM range(3000000) WHERE range % 3 = 0');
    for (let i = 0; i < 20; i++) {
      const gone = new AbortController();
      const interrupted = expect(duck.rows(ENDLESS, [], gone.signal)).rejects.toBe(GONE);
      const beside = sum();
      gone.abort(GONE);
      await interrupted;
      const next = duck.rows('SELECT count(*) AS n FROM range(3000000)', [], new AbortController().signal);
      expect(await Promise.all([beside, next])).toEqual([[{ n: 1_000_000 }], [{ n: 3_000_000 }]]);
    }
    const answered = new AbortController();
    await duck.rows('SELECT 1 AS n', [], answered.signal);
    const running = duck.rows('SELECT count(*) AS n FROM range(3000000)');
    answered.abort(GONE);
    expect(await running).toEqual([{ n: 3_000_000 }]);
  });

  it('ends on every connection when the database stops, which can then be closed', async () => {
    const duck = await openDuckDb();
    const other = await duck.connect();
    await duck.run('CREATE TABLE rows (n BIGINT)');
    const appender = await duck.appender('rows', ['integer']);
    appender.append([1]);
    const all = [duck, other].map((connection) =>
      expect(connection.rows(ENDLESS)).rejects.toThrow(StoreUnavailable),
    );
    await turns(3);
    duck.stop();
    await Promise.all(all);
    expect(() => appender.append([2])).toThrow(StoreUnavailable);
    await expect(other.rows('SELECT 1 AS n')).rejects.toThrow(StoreUnavailable);
    duck.close();
  });
});
