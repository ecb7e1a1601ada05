import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { type Row, Server } from '../../../src/store/drivers/clickhouse.ts';
import { ENTRIES, ensureSchema } from '../../../src/store/scale-out/warehouse/schema.ts';
import { until } from '../poll.ts';
import type { ChdbServer } from './chdb.ts';
import type { ClickHouseCluster } from './clickhouse.ts';

/**
 * A proxy between the product and a current ClickHouse. It runs each statement on an old server too, one after the other, and
 * compares the responses.
 */
export interface Mirror {
  /** Creates an empty database on both servers. @returns its address on the proxy */
  createDatabase(): Promise<string>;
  /** Statements that ran on both servers. */
  both: ReadonlySet<string>;
  /** Statements that query or configure the server itself, whose responses may differ. */
  own: ReadonlySet<string>;
  /** Returns and clears the differences between the two servers' responses. */
  takeDifferences(): string[];
  close(): Promise<void>;
}

/** Matches statements about settings, macros, replicas and mutations, and the server-specific creation of the table. */
const OWN = /\bFROM system\.|^CREATE TABLE /;
/** Matches a count of rows that may not be merged yet. Merges happen at any time, so the result is only an upper bound. */
const UNMERGED = /^SELECT count\(\) AS n, toUInt16\(max\(day\)\) AS d FROM \S+ WHERE /;
const DELETION = /^ALTER TABLE (\S+) DELETE (WHERE .*)$/s;
const INSERT = /^INSERT INTO /;
const FORMAT = /\s+FORMAT JSONEachRow\s*$/;
const ORDERED = /\bORDER BY [^()]*$/;

interface Asked {
  sql: string;
  /** The rows of an insert. */
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
    const deletion = DELETION.exec(sql);
    (OWN.test(sql) ? own : both).add(sql);
    if (sql.startsWith('CREATE TABLE ')) await insist(() => ensureSchema(server));
    else if (INSERT.test(sql))
      await insist(() => server.insert(ENTRIES, rows, parameters.get('insert_deduplication_token') ?? ''));
    else if (deletion !== null) {
      await server.run(sql);
      const [, table, where] = deletion;
      await Promise.all(
        [modern.sql, (text: string) => old.sql(0, text)].map((ask) =>
          until(
            () => ask(`SELECT count() FROM ${database}.${table} ${where}`),
            (left) => left === '0',
          ),
        ),
      );
    } else if (!OWN.test(sql) && !UNMERGED.test(sql)) {
      const [now, before] = [comparable(sql, parseRows(answer)), comparable(sql, await server.rows(sql))];
      if (now !== before) differences.push(`${sql}\ntoday: ${now}\nbefore: ${before}`);
    }
  }

  const proxy = createServer((request, response) => {
    // Statements run one at a time, so that both servers see the same rows.
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

/** Reads a statement from the body, or from the query parameter if the body contains rows. */
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
    .map((line) => JSON.parse(line) as Row); // each line of JSONEachRow is an object
}

/** Sorts rows that were requested in no particular order. */
function comparable(sql: string, rows: readonly Row[]): string {
  const lines = rows.map((row) => JSON.stringify(row));
  return (ORDERED.test(sql) ? lines : lines.toSorted()).join('\n');
}

/** Retries a statement, because replicas may lack ZooKeeper for a while after they start or under load. Repeating is safe. */
async function insist(work: () => Promise<void>): Promise<void> {
  await until(
    () => work().then(() => 'done', String),
    (answer) => answer === 'done',
  );
}
