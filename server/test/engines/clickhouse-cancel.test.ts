import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Server } from '../../src/store/drivers/clickhouse.ts';
import { type ClickHouseCluster, hasClickHouse, sharedClickHouse } from '../support/engines/clickhouse.ts';
import { until } from '../support/poll.ts';

/** A question whose answer never ends. */
const ENDLESS = 'SELECT number AS endless FROM system.numbers';

describe.skipIf(!hasClickHouse)('a canceled question', () => {
  let cluster: ClickHouseCluster;
  beforeAll(async () => {
    cluster = await sharedClickHouse();
  }, 150_000);

  it('ends on the server too', async () => {
    const [url = ''] = await cluster.createDatabase();
    const server = new Server(url);
    onTestFinished(() => server.close());
    const running = () =>
      cluster.sql(
        0,
        "SELECT count() FROM system.processes WHERE query LIKE '%AS endless%' AND query NOT LIKE '%processes%'",
      );
    const controller = new AbortController();
    const answer = server.stream(ENDLESS, () => undefined, { signal: controller.signal });
    answer.catch(() => undefined); // expected below
    await until(running, (count) => count === '1');
    controller.abort(new Error('the client went away'));
    await expect(answer).rejects.toThrow('the client went away');
    await until(running, (count) => count === '0');
    expect(await server.rows('SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });

  it('ends with the signal of the server it was asked of, and others go on', async () => {
    const [url = ''] = await cluster.createDatabase();
    const server = new Server(url);
    onTestFinished(() => server.close());
    const controller = new AbortController();
    const answer = server.until(controller.signal).rows(ENDLESS);
    const other = server.until(new AbortController().signal).rows('SELECT 1 AS n');
    controller.abort(new Error('the client went away'));
    await expect(answer).rejects.toThrow('the client went away');
    expect(await other).toEqual([{ n: 1 }]);
    expect(await server.rows('SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });
});
