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

/** Hosts that are routed to the server. */
const COLLECTOR_HOST = /^stats\./;

/** A page or any other file that the network serves. */
export interface Document {
  body: string;
  status?: number;
  headers?: Readonly<Record<string, string>>;
}

/** A request that reached the collector's host, and its response. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The beacons of a `POST` to `/e`; empty for any other request. */
  readonly beacons: readonly Beacon[];
  /** The status of the response: null until there is one, 0 if the request was lost. */
  status: number | null;
  answerHeaders: IncomingHttpHeaders;
  answer: string;
}

/**
 * What happens to a request to the collector: `pass` forwards it, `lose` drops it, and `lose-answer` forwards it and drops
 * the response, so that the browser cannot know that it arrived.
 */
export type Fate = 'pass' | 'lose' | 'lose-answer';

/**
 * A small internet on the loopback interface, with one listener. Browsers use it as their HTTP proxy, so that pages are at
 * `http://www.example.com/` without a port and the collector at `http://stats.example.net/`, in every engine alike. It
 * serves the pages, forwards the collector's requests to the server, and records requests and responses.
 */
export class Network {
  /** Everything that reached the collector's host, in order of arrival. */
  readonly received: Received[] = [];
  /** Every page that was requested, as `host/path`. */
  readonly visited: string[] = [];
  /** Errors that pages reported. */
  readonly pageErrors: string[] = [];
  /** The server's address, which changes when it restarts. */
  upstream = '';
  /** Decides what happens to each request to the collector. It may wait; the browser then waits too. */
  decide: (received: Received) => Fate | Promise<Fate> = () => 'pass';

  readonly #documents = new Map<string, Document>();
  readonly #fences = new Set<string>();
  readonly #sockets = new Set<Socket>();
  /** Requests to the collector's host that have begun to arrive and have no response yet. */
  #underWay = 0;
  /** Opens a connection for each request, because the server may close a kept one just as it is reused. */
  readonly #agent = new Agent({ keepAlive: false });
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
    // There is no https here, and nothing may leave the machine.
    this.#server.on('connect', (_request, socket) => {
      // A browser that is killed resets its open connections.
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

  /** Serves a document at a URL, with any query. */
  serve(address: string, document: Document): void {
    this.#documents.set(placeOf(new URL(address)), document);
  }

  /** Clears the served documents and the recorded requests. */
  reset(): void {
    this.#documents.clear();
    this.received.length = 0;
    this.visited.length = 0;
    this.pageErrors.length = 0;
    this.decide = () => 'pass';
  }

  /** Whether every request to the collector's host has its response or was lost. */
  get isIdle(): boolean {
    return this.#underWay === 0;
  }

  /** Whether the marker of a fence (see `Lab.fence`) has arrived. */
  hasFence(name: string): boolean {
    return this.#fences.has(name);
  }

  async #handle(incoming: IncomingMessage, reply: ServerResponse): Promise<void> {
    // A proxied request contains the whole URL, a direct one (localhost is never proxied) only the path.
    const url = new URL(incoming.url ?? '/', `http://${incoming.headers.host ?? 'localhost'}`);
    if (!COLLECTOR_HOST.test(url.hostname)) return this.#reply(incoming, reply, url);
    this.#underWay += 1;
    try {
      await this.#reply(incoming, reply, url);
    } finally {
      this.#underWay -= 1;
    }
  }

  async #reply(incoming: IncomingMessage, reply: ServerResponse, url: URL): Promise<void> {
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

  /** Forwards a request to the server as the browser sent it, including the host. Answers 502 if the server is down. */
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
    return (Array.isArray(said) ? said : [said]) as Beacon[]; // tests decide whether these are beacons
  } catch {
    return [];
  }
}

const HOP_BY_HOP = ['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade'];

function withoutHopByHop(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
}
