import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';

/** A complete response. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** Parses the body as JSON. Throws if it is not JSON. */
  json(): unknown;
}

export interface Question {
  method?: string;
  path: string;
  headers?: OutgoingHttpHeaders;
  body?: string | Buffer;
  /** A body that is sent in chunks, without a length. */
  chunks?: readonly (string | Buffer)[];
  agent?: Agent;
}

/** Sends one request over a real socket, with exactly the given headers. @param url or the path of a Unix socket */
export function ask(
  url: string,
  { method = 'GET', path, headers = {}, body, chunks, agent }: Question,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const server = url.startsWith('/') ? { socketPath: url } : addressOf(url);
    // Node adds the length automatically for some methods only.
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const asking = request(
      {
        ...server,
        method,
        path,
        headers: { ...length, ...headers },
        agent: agent ?? false,
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(parts).toString();
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: () => JSON.parse(text) as unknown,
          });
        });
      },
    );
    asking.on('error', reject);
    for (const chunk of chunks ?? []) asking.write(chunk);
    asking.end(body);
  });
}

function addressOf(url: string): { hostname: string; port: string } {
  const { hostname, port } = new URL(url);
  return { hostname: hostname.replace(/^\[|\]$/g, ''), port };
}

/** Returns an agent that keeps connections open between requests, as browsers and proxies do. */
export function keepAlive(connections: number): Agent {
  return new Agent({ keepAlive: true, maxSockets: connections });
}

/** Sends bytes unchanged, and returns everything received until the other side closes the connection. */
export function askRaw(url: string, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (part: string) => {
      text += part;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    socket.write(bytes);
  });
}
