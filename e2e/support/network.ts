import type { IncomingHttpHeaders } from 'node:http';
import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Beacon } from '../../tracker/wire/beacon.ts';
import { preludeScript } from './page.ts';

/** Hosts that lead to the server. */
const COLLECTOR_HOST = /^stats\./;

/** A page or any other file that the network serves. */
export interface Document {
  body: string;
  status?: number;
  headers?: Readonly<Record<string, string>>;
}

/** A request that reached the collector's host, and how it was answered. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** What a `POST` to `/e` said, one or a batch; empty for anything else. */
  readonly beacons: readonly Beacon[];
  /** Null while it has no answer, 0 when it was lost and never will have one. */
  status: number | null;
  answerHeaders: IncomingHttpHeaders;
  answer: string;
}

/**
 * What becomes of a request to the collector: `pass` as it is; `lose` it on the way; `lose-answer`, so that the collector
 * got it and the browser cannot know.
 */
export type Fate = 'pass' | 'lose' | 'lose-answer';

/**
 * A small internet on the loopback, one listener for all of it. Browsers use it as their HTTP proxy, so that pages live at
 * `http://www.example.com/` without a port and the collector at `http://stats.example.net/`, in every engine alike. It
 * serves the pages, hands the collector's requests on to the server, and writes down what was sent and what was answered.
 */
export class Network {
  /** Everything that reached the collector's host, in order of arrival. */
  readonly received: Received[] = [];
  /** Every page that was asked for, as `host/path`. */
  readonly visited: string[] = [];
  /** Errors that pages reported of themselves. */
  readonly pageErrors: string[] = [];
  /** Where the collector's requests go. Changes when the server starts anew. */
  upstream = '';
  /** Decides on the requests to the collector. May wait: the browser then waits for its answer. */
  decide: (received: Received) => Fate | Promise<Fate> = () => 'pass';

  readonly #documents = new Map<string, Document>();
  readonly #fences = new Set<string>();
  readonly #sockets = new Set<Socket>();
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server: Server;

  constructor() {
    this.#server = createServer((incoming, reply) => {
      this.#handle(incoming, reply).catch(() => reply.destroy());
    });
    this.#server.keepAliveTimeout = 60_000;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    // Nothing here speaks https, and nothing may leave the machine.
    this.#server.on('connect', (_request, socket) => {
      // A browser that is ended by a signal resets what it had open.
      socket.on('error', () => socket.destroy());
      socket.end('HTTP/1.1 502 Not here\r\n\r\n');
    });
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port; // a listener on TCP has an AddressInfo
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#agent.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Serves a document at an address. The address's query does not matter. */
  serve(address: string, document: Document): void {
    this.#documents.set(placeOf(new URL(address)), document);
  }

  /** Forgets what was served and what arrived. */
  reset(): void {
    this.#documents.clear();
    this.received.length = 0;
    this.visited.length = 0;
    this.pageErrors.length = 0;
    this.decide = () => 'pass';
  }

  /** Whether a fence (see `Lab.fence`) has come through. */
  hasFence(name: string): boolean {
    return this.#fences.has(name);
  }

  async #handle(incoming: IncomingMessage, reply: ServerResponse): Promise<void> {
    // A proxy's request carries the whole address; a direct one (localhost is never proxied) only the path.
    const url = new URL(incoming.url ?? '/', `http://${incoming.headers.host ?? 'localhost'}`);
    const body = await readBody(incoming);
    if (url.pathname === '/fence') {
      this.#fences.add(url.search.slice(1));
      reply.writeHead(204, { 'access-control-allow-origin': '*' }).end();
    } else if (url.pathname === '/page-error') {
      this.pageErrors.push(body);
      reply.writeHead(204).end();
    } else if (url.pathname === '/prelude.js') {
      reply.writeHead(200, { 'content-type': 'text/javascript' }).end(preludeScript(url.searchParams));
    } else if (COLLECTOR_HOST.test(url.hostname)) await this.#collect(incoming, reply, url, body);
    else this.#answerPage(reply, url);
  }

  #answerPage(reply: ServerResponse, url: URL): void {
    this.visited.push(placeOf(url));
    const document = this.#documents.get(placeOf(url));
    if (document === undefined) {
      reply
        .writeHead(404, { 'content-type': 'text/html; charset=utf-8' })
        .end('<!doctype html><title>404</title>');
      return;
    }
    reply
      .writeHead(document.status ?? 200, { 'content-type': 'text/html; charset=utf-8', ...document.headers })
      .end(document.body);
  }

  async #collect(incoming: IncomingMessage, reply: ServerResponse, url: URL, body: string): Promise<void> {
    const received: Received = {
      method: incoming.method ?? '',
      path: url.pathname + url.search,
      headers: incoming.headers,
      body,
      beacons: incoming.method === 'POST' ? parseBeacons(body) : [],
      status: null,
      answerHeaders: {},
      answer: '',
    };
    this.received.push(received);
    const fate = await this.decide(received);
    if (fate === 'lose') {
      received.status = 0;
      reply.destroy();
      return;
    }
    const answer = await this.#forward(incoming, url, body);
    received.status = answer.status;
    received.answerHeaders = answer.headers;
    received.answer = answer.body.toString('utf8');
    if (fate === 'lose-answer') {
      reply.destroy();
      return;
    }
    reply.writeHead(answer.status, withoutHopByHop(answer.headers)).end(answer.body);
  }

  /** Hands a request on to the server as the browser sent it, host included. A server that is down answers 502. */
  #forward(
    incoming: IncomingMessage,
    url: URL,
    body: string,
  ): Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }> {
    return new Promise((resolve) => {
      const outgoing = request(
        new URL(url.pathname + url.search, this.upstream),
        { method: incoming.method, headers: withoutHopByHop(incoming.headers), agent: this.#agent },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () =>
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
          );
        },
      );
      outgoing.on('error', () => resolve({ status: 502, headers: {}, body: Buffer.alloc(0) }));
      outgoing.end(body);
    });
  }
}

function placeOf(url: URL): string {
  return url.hostname + url.pathname;
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer); // a stream without an encoding yields buffers
  return Buffer.concat(chunks).toString('utf8');
}

function parseBeacons(body: string): readonly Beacon[] {
  try {
    const said: unknown = JSON.parse(body);
    return (Array.isArray(said) ? said : [said]) as Beacon[]; // whether they are beacons is for the tests to say
  } catch {
    return [];
  }
}

const HOP_BY_HOP = ['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade'];

function withoutHopByHop(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
}
