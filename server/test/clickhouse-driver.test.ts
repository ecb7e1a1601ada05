import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { createGzip } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import { StoreUnavailable } from '../src/store/contract/store.ts';
import { Server } from '../src/store/drivers/clickhouse.ts';
import type { Generations } from '../src/store/scale-out/generations.ts';
import { ClickHouseReports } from '../src/store/scale-out/reports/index.ts';
import { ClickHouseWarehouse } from '../src/store/scale-out/warehouse/warehouse.ts';
import { until } from './support/poll.ts';

/** The driver of ClickHouse in front of servers that do not finish their answers. */

const DRIP_MS = 50;
/** More reports than there are connections to one server. */
const MANY = 30;
/** Reports that are answered at once. */
const REPORTS_AT_ONCE = 8;

interface DrippingServer {
  server: Server;
  /** The parameters of the last question. */
  parameters(): URLSearchParams;
  /** The answers that are still under way. */
  answers: ReadonlySet<ServerResponse>;
}

/** Starts a server that answers every question about something else than its settings with a row at a time, forever. */
async function drippingServer({
  gzip = false,
  settings = [],
}: {
  gzip?: boolean;
  settings?: readonly string[];
} = {}): Promise<DrippingServer> {
  let parameters = new URLSearchParams();
  const answers = new Set<ServerResponse>();
  const http = createServer((request, response) => {
    let sql = '';
    request.on('data', (data) => {
      sql += data;
    });
    request.on('end', () => {
      if (sql.includes('system.settings')) {
        response.end(settings.map((name) => `{"name":"${name}"}\n`).join(''));
        return;
      }
      parameters = new URL(request.url ?? '/', 'http://localhost').searchParams;
      answers.add(response);
      response.on('close', () => answers.delete(response));
      if (gzip) response.setHeader('content-encoding', 'gzip');
      const body = gzip ? createGzip() : response;
      if (gzip) body.pipe(response);
      const timer = setInterval(() => {
        body.write('{"n":1}\n');
        if ('flush' in body) body.flush();
      }, DRIP_MS);
      response.on('close', () => clearInterval(timer));
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server = new Server(`http://127.0.0.1:${(http.address() as AddressInfo).port}`); // it listens on TCP
  onTestFinished(async () => {
    await server.close();
    http.closeAllConnections();
    http.close();
  });
  return { server, answers, parameters: () => parameters };
}

/** Ends once the server has noticed that nobody waits for its answers. */
function hungUp({ answers }: DrippingServer): Promise<unknown> {
  return until(
    () => answers.size,
    (size) => size === 0,
  );
}

it('ends an answer that drips at its deadline, compressed or not', async () => {
  const ends = [false, true].map(async (gzip) => {
    const dripping = await drippingServer({ gzip });
    let rows = 0;
    const answer = dripping.server.stream('SELECT 1 AS n', () => (rows += 1), { quick: true });
    await expect(answer).rejects.toThrow(StoreUnavailable);
    expect(rows).toBeGreaterThan(1);
    await hungUp(dripping);
  });
  await Promise.all(ends);
});

it.each([false, true])('ends an answer when its signal aborts, compressed: %s', async (gzip) => {
  const dripping = await drippingServer({ gzip });
  const controller = new AbortController();
  const gone = new Error('the client went away');
  const answer = dripping.server.stream('SELECT 1 AS n', () => controller.abort(gone), {
    signal: controller.signal,
  });
  await expect(answer).rejects.toBe(gone);
  await hungUp(dripping);
  await expect(dripping.server.rows('SELECT 1 AS n', { signal: controller.signal })).rejects.toBe(gone);
});

it('asks servers that can to stop when it hangs up, and others not', async () => {
  const cancel = 'cancel_http_readonly_queries_on_client_close';
  for (const settings of [[], [cancel, 'readonly']]) {
    const { server, parameters } = await drippingServer({ settings });
    const controller = new AbortController();
    await expect(
      server.stream('SELECT 1 AS n', () => controller.abort(), { signal: controller.signal }),
    ).rejects.toThrow('aborted');
    const sent = [parameters().get(cancel), parameters().get('readonly')];
    expect(sent).toEqual(settings.length === 0 ? [null, null] : ['1', '2']);
  }
});

it('ends every answer when it is closed', async () => {
  const dripping = await drippingServer();
  const answers = [dripping.server.rows('SELECT 1 AS n'), dripping.server.run('SELECT 1 AS n')];
  const settled = Promise.allSettled(answers);
  await until(
    () => dripping.answers.size,
    (size) => size === answers.length,
  );
  await dripping.server.close();
  for (const { status } of await settled) expect(status).toBe('rejected');
  await hungUp(dripping);
});

/** Current visitors are counted without generations. */
const UNUSED = {} as Generations;

it('leaves shipping its connections when reports take all of theirs', async () => {
  const http = createServer((request, response) => {
    buffer(request).then((body) => {
      const zipped = request.headers['content-encoding'] === 'gzip';
      const sql = zipped ? '' : body.toString();
      if (sql.includes('FROM attractos_entries')) waiting.add(response);
      else if (sql.includes('FROM system.tables')) response.end('{"engine":"ReplacingMergeTree"}\n');
      else response.end();
    });
  });
  const waiting = new Set<ServerResponse>();
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo; // it listens on TCP
  const warehouse = new ClickHouseWarehouse(
    [`http://127.0.0.1:${port}`],
    (on) => new ClickHouseReports(on, UNUSED),
  );
  onTestFinished(async () => {
    await warehouse.close();
    http.closeAllConnections();
    http.close();
  });
  const reports = Array.from({ length: MANY }, (_, i) =>
    warehouse.reports.askedBy({ asker: `account ${i}` }).realtime('site_1', 0),
  );
  const ended = Promise.allSettled([...reports, warehouse.page('site_1', { limit: 1 })]);
  await until(
    () => waiting.size,
    // And the page.
    (size) => size === REPORTS_AT_ONCE + 1,
  );
  await warehouse.insert({ id: 'batch', rows: '{}\n' });
  await warehouse.close();
  for (const { status } of await ended) expect(status).toBe('rejected');
});
