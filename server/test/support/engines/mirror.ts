import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { type Row, Server } from '../../../src/store/clickhouse/driver.ts';
import { ENTRIES, ensureSchema } from '../../../src/store/clickhouse/schema.ts';
import { until } from '../poll.ts';
import type { ChdbServer } from './chdb.ts';
import type { ClickHouseCluster } from './clickhouse.ts';

/**
 * A proxy between the product and today's ClickHouse. What the product says is done on an old server, too, one statement after
 * the other, and the answers are compared.
 */
export interface Mirror {
  /** A new, empty database on both. @returns its address here */
  createDatabase(): Promise<string>;
  /** Statements that were done on both. */
  both: ReadonlySet<string>;
  /** Statements that ask or tell a server about itself: each server has its own. */
  own: ReadonlySet<string>;
  /** What was not answered alike, since this was last asked. */
  takeDifferences(): string[];
  close(): Promise<void>;
}

/** About settings, macros, replicas and mutations; and the table, which is made as a server can. */
const OWN = /\bFROM system\.|^CREATE TABLE /;
/** Counts rows before they are merged, which a server does when it likes. What it finds is a bound that nobody is shown. */
const UNMERGED = /^SELECT count\(\) AS n, toUInt16\(max\(day\)\) AS d FROM \S+ WHERE /;
const DELETION = /^ALTER TABLE \S+ DELETE /;
const INSERT = /^INSERT INTO /;
const FORMAT = /\s+FORMAT JSONEachRow\s*$/;
const ORDERED = /\bORDER BY [^()]*$/;

interface Asked {
  sql: string;
  /** Of an insert. */
  rows: string;
  parameters: URLSearchParams;
}

export async function startMirror(modern: ChdbServer, old: ClickHouseCluster): Promise<Mirror> {
  const olds = new Map<string, Server>();
  const both = new Set<string>();
  const own = new Set<string>();
  let differences: string[] = [];
  let turn: Promise<void> = Promise.resolve();

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const zipped = request.headers['content-encoding'] === 'gzip';
    const asked = readAsked(request, zipped ? gunzipSync(body) : body);
    const answer = await fetch(new URL(request.url ?? '/', modern.address), {
      method: 'POST',
      body,
      headers: zipped ? { 'content-encoding': 'gzip' } : {},
    });
    const text = await answer.text();
    if (answer.ok) await repeat(asked, text);
    else differences.push(`${asked.sql}\nfailed today: ${text}`);
    response.statusCode = answer.status;
    response.end(text);
  }

  async function repeat({ sql, rows, parameters }: Asked, answer: string): Promise<void> {
    const database = parameters.get('database') ?? '';
    const server = olds.get(database);
    if (server === undefined) throw new Error(`${database} was not made here`);
    (OWN.test(sql) ? own : both).add(sql);
    if (sql.startsWith('CREATE TABLE ')) await insist(() => ensureSchema(server));
    else if (INSERT.test(sql))
      await insist(() => server.insert(ENTRIES, rows, parameters.get('insert_deduplication_token') ?? ''));
    else if (DELETION.test(sql)) {
      await server.run(sql);
      await Promise.all(
        [modern.sql, (text: string) => old.sql(0, text)].map((ask) => deletionsDone(ask, database)),
      );
    } else if (!OWN.test(sql) && !UNMERGED.test(sql)) {
      const [now, before] = [comparable(sql, parseRows(answer)), comparable(sql, await server.rows(sql))];
      if (now !== before) differences.push(`${sql}\ntoday: ${now}\nbefore: ${before}`);
    }
  }

  const proxy = createServer((request, response) => {
    // One at a time, so that both see the same rows.
    turn = turn
      .then(() => pass(request, response))
      .catch((error: unknown) => {
        differences.push(String(error));
        response.destroy();
      });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo; // it listens on TCP

  return {
    both,
    own,
    async createDatabase() {
      const [onOld = ''] = await old.createDatabase();
      const database = new URL(onOld).pathname.slice(1);
      await modern.sql(`CREATE DATABASE ${database}`);
      olds.set(database, new Server(onOld));
      return `http://127.0.0.1:${port}/${database}`;
    },
    takeDifferences() {
      const taken = differences;
      differences = [];
      return taken;
    },
    async close() {
      proxy.closeAllConnections();
      proxy.close();
      await turn;
      await Promise.all([...olds.values()].map((server) => server.close()));
    },
  };
}

/** A statement comes in the body, or before it as a parameter where the body is rows. */
function readAsked(request: IncomingMessage, body: Buffer): Asked {
  const parameters = new URL(request.url ?? '/', 'http://localhost').searchParams;
  const before = parameters.get('query');
  const sql = before ?? body.toString();
  return {
    sql: INSERT.test(sql) ? sql : sql.replace(FORMAT, ''),
    rows: before === null ? '' : body.toString(),
    parameters,
  };
}

function parseRows(text: string): Row[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row); // lines of JSONEachRow are objects
}

/** Rows that were asked for in no order come in any. */
function comparable(sql: string, rows: readonly Row[]): string {
  const lines = rows.map((row) => JSON.stringify(row));
  return (ORDERED.test(sql) ? lines : lines.toSorted()).join('\n');
}

/** Replicas that were just started, or are short of time, have no ZooKeeper for a while. Nothing is done twice by a repetition. */
async function insist(work: () => Promise<void>): Promise<void> {
  await until(
    () => work().then(() => 'done', String),
    (answer) => answer === 'done',
  );
}

async function deletionsDone(ask: (text: string) => Promise<string>, database: string): Promise<void> {
  await until(
    () => ask(`SELECT count() FROM system.mutations WHERE database = '${database}' AND is_done = 0`),
    (left) => left === '0',
  );
}
