import { connect } from 'node:net';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { ERRORS } from '../../src/domain/errors.ts';

/** Requests of strangers, byte by byte, and what must hold for every response. */

/** A response, of which `text` is the decoded body; empty if the body is a stream. */
export interface RawAnswer {
  status: number;
  /** By name in lower case. If a name is repeated, the last value counts. */
  headers: Readonly<Record<string, string>>;
  text: string;
  /** Everything that was received. */
  all: string;
}

/** Matches `100 Continue`, which comes before the response. */
const INTERIM = /^HTTP\/1\.1 1\d\d [^\r]*\r\n\r\n/;
/** Stands between the headers of a response and its body. */
const HEAD_END = '\r\n\r\n';

/**
 * Sends bytes over a new connection, and resolves when the server has closed it or begun a stream of events; to null if it closed the
 * connection without an answer.
 *
 * @param options.end whether to close the client's end after sending, because the request is incomplete
 */
export function exchange(
  url: string,
  bytes: string | Buffer,
  { end = false }: { end?: boolean } = {},
): Promise<RawAnswer | null> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    let all = '';
    socket.setEncoding('latin1');
    socket.on('data', (part: string) => {
      all += part;
      if (/^content-type: text\/event-stream/im.test(all.slice(0, 5_000))) socket.destroy();
    });
    // A server that refuses a large body may reset the connection. What it said before that counts.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(all === '' ? null : parse(all)));
    if (end) socket.end(bytes, 'latin1');
    else socket.write(bytes, 'latin1');
  });
}

function parse(received: string): RawAnswer {
  const all = received.replace(INTERIM, '');
  const headEnd = all.indexOf(HEAD_END);
  const [line = '', ...fields] = all.slice(0, headEnd).split('\r\n');
  const headers = Object.fromEntries(
    fields.map((field) => [
      field.slice(0, field.indexOf(':')).toLowerCase(),
      field.slice(field.indexOf(':') + 1).trim(),
    ]),
  );
  const length = Number(headers['content-length'] ?? 0);
  const start = headEnd + HEAD_END.length;
  const body = Buffer.from(all.slice(start, start + length), 'latin1');
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1] ?? 0),
    headers,
    text: decoded(body, headers['content-encoding']).toString(),
    all,
  };
}

function decoded(body: Buffer, encoding: string | undefined): Buffer {
  if (body.length === 0) return body;
  if (encoding === 'br') return brotliDecompressSync(body);
  return encoding === 'gzip' ? gunzipSync(body) : body;
}

/** Matches what only the server's own log may say. */
const INTERNALS = /FST_|SQLITE|ERR_|node_modules|\bat \w+ \(/;
/** Statuses of requests that end before they can be read. They share a code. */
const UNREAD = [408, 431];
/** The status of a request whose client did not wait. */
const CLIENT_GONE = 499;

/**
 * Returns what is wrong with a response to a stranger; null if nothing is. Each is a success or a refusal with a named code, a page or
 * the pixel, says nothing about the inside of the server, and has the headers that all responses have.
 */
export function complaintAbout(method: string, { status, headers, text, all }: RawAnswer): string | null {
  if (!(status >= 200 && status < 500)) return `status ${status}`;
  if (/HTTP\/1\.1 5\d\d/.test(all)) return 'a later response is a server error';
  if (status === CLIENT_GONE) return null;
  if (headers['x-content-type-options'] !== 'nosniff') return 'no nosniff';
  if (headers['referrer-policy'] === undefined) return 'no referrer policy';
  if (headers['cross-origin-resource-policy'] === undefined) return 'no resource policy';
  if (status < 400) return null;
  if (INTERNALS.test(text)) return 'internals';
  if (method === 'HEAD' || headers['content-type']?.startsWith('image/gif')) return null;
  if (headers['content-type']?.startsWith('text/html'))
    return text.includes('<h1') ? null : 'a page without text';
  return namedCode(status, text);
}

function namedCode(status: number, text: string): string | null {
  let body: { error?: unknown; code?: keyof typeof ERRORS };
  try {
    body = JSON.parse(text) as typeof body;
  } catch {
    return 'neither a page nor JSON';
  }
  const named = body.code === undefined ? undefined : ERRORS[body.code]?.status;
  if (typeof body.error !== 'string' || named === undefined) return 'no named code';
  return named === status || UNREAD.includes(status) ? null : `code ${body.code} with status ${status}`;
}

/** The longest log line that a stranger's request may cause. */
const LINE_MAX_CHARS = 500;

/** Returns the log lines of a program that are too long, have a stack or say that the server failed. */
export function improperLines(stdout: string): string[] {
  return logLines(stdout).filter(
    (line) =>
      line.length > LINE_MAX_CHARS ||
      line.includes('"stack"') ||
      (JSON.parse(line) as { level: number }).level >= 50,
  );
}

/** Returns the log lines of a program, which also greets its operator. */
export function logLines(stdout: string): string[] {
  return stdout.split('\n').filter((line) => line.startsWith('{'));
}
