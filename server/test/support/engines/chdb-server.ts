/**
 * Serves the chDB engine over the part of ClickHouse's HTTP interface that the official client uses, for tests:
 * https://clickhouse.com/docs/interfaces/http. It runs one statement at a time and has no users and no replication.
 *
 * Arguments: the folder where chDB is installed, the port on the loopback interface, and the data folder.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createGunzip, gzipSync } from 'node:zlib';

/** The part of https://github.com/chdb-io/chdb-node that is used. Calls return when the statement is done. */
interface Session {
  query(sql: string, format: string): string;
}

/** Request parameters that are not settings. */
const NO_SETTINGS: ReadonlySet<string> = new Set([
  ...['query', 'database', 'default_format', 'query_id', 'session_id', 'user', 'password'],
  ...['enable_http_compression', 'wait_end_of_query', 'send_progress_in_http_headers', 'role'],
  // The session could not be changed afterwards.
  'readonly',
]);
const UNKNOWN_ERROR = '1002';

const [installed = '', port = '', data = ''] = process.argv.slice(2);
const { Session } = createRequire(join(installed, 'package.json'))('chdb') as {
  Session: new (path: string) => Session;
};
const session = new Session(data);
/** The settings of the last request. The session keeps settings, but they must not affect the next request. */
const settings = new Map<string, string>();
let database = 'default';

createServer((request, response) => {
  // A new connection each time, because an idle one may have been closed.
  response.setHeader('Connection', 'close');
  answer(request, response).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    response.statusCode = 500;
    response.setHeader('X-ClickHouse-Exception-Code', /Code: (\d+)/.exec(message)?.[1] ?? UNKNOWN_ERROR);
    response.end(message);
  });
}).listen(Number(port), '127.0.0.1');

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname === '/ping') {
    response.end('Ok.\n');
    return;
  }
  const zipped = request.headers['content-encoding'] === 'gzip';
  const body = await buffer(zipped ? request.pipe(createGunzip()) : request);
  const sql = [searchParams.get('query'), body.toString()].filter((part) => part !== null && part !== '');
  const result = run(sql.join('\n'), searchParams);
  if (searchParams.get('enable_http_compression') === '1') {
    response.setHeader('Content-Encoding', 'gzip');
    response.end(gzipSync(result));
  } else {
    response.end(result);
  }
}

function run(sql: string, parameters: URLSearchParams): string {
  use(parameters.get('database') ?? 'default');
  set(new Map([...parameters].filter(([key]) => !NO_SETTINGS.has(key))));
  return session.query(sql, parameters.get('default_format') ?? 'TabSeparated');
}

function use(wanted: string): void {
  if (wanted === database) return;
  session.query(`USE ${name(wanted)}`, 'TabSeparated');
  database = wanted;
}

function set(wanted: ReadonlyMap<string, string>): void {
  for (const key of settings.keys()) {
    if (wanted.has(key)) continue;
    session.query(`SET ${name(key)} = DEFAULT`, 'TabSeparated');
    settings.delete(key);
  }
  for (const [key, value] of wanted) {
    if (settings.get(key) === value) continue;
    session.query(`SET ${name(key)} = ${literal(value)}`, 'TabSeparated');
    settings.set(key, value);
  }
}

function name(text: string): string {
  if (!/^\w+$/.test(text)) throw new Error(`Code: 36. ${text} is no name`);
  return text;
}

function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
