import type { FastifyReply } from 'fastify';
import { MINUTE_MS, SECOND_MS } from '../../clock.ts';
import type { StreamEvent } from '../parts.ts';

/** Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html */

/** Proxies cut connections that say nothing. */
const BEAT_MS = 20 * SECOND_MS;
/** Then the browser asks anew, and is looked at again: a session may have ended. */
const LONGEST_MS = 15 * MINUTE_MS;

/** Bytes that may wait for a browser that does not read. Then it is hung up on; it comes back, and is told what it missed. */
const BACKLOG_MAX_BYTES = 256 * 1024;

/** The streams of one server. */
export class Streams {
  readonly #ends = new Set<() => void>();

  /** Ends every stream: a server that closes does not wait for them. */
  endAll(): void {
    for (const end of this.#ends) end();
  }

  /** Answers with a stream. `open` starts to listen and returns what stops it, or null where it will not. */
  open(reply: FastifyReply, open: (send: (event: StreamEvent) => void) => (() => void) | null): FastifyReply {
    const early: StreamEvent[] = [];
    let send = (event: StreamEvent): void => void early.push(event);
    const stop = open((event) => send(event));
    if (stop === null) return reply.code(503).header('retry-after', 30).send();
    const headers = Object.entries(reply.getHeaders()).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)] as const],
    );
    reply.hijack();
    reply.raw.writeHead(200, {
      ...Object.fromEntries(headers),
      'content-type': 'text/event-stream; charset=utf-8',
      // Or nginx would keep it to itself until it has a bufferful.
      'x-accel-buffering': 'no',
    });
    reply.raw.write('retry: 1000\n\n');
    send = ({ id, data }) => {
      if (reply.raw.writableLength > BACKLOG_MAX_BYTES) reply.raw.destroy();
      else reply.raw.write(`id: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    early.forEach(send);

    const beat = setInterval(() => reply.raw.write(': beat\n\n'), BEAT_MS);
    const end = () => {
      clearInterval(beat);
      clearTimeout(timer);
      this.#ends.delete(end);
      stop();
      reply.raw.end();
    };
    const timer = setTimeout(end, LONGEST_MS);
    this.#ends.add(end);
    reply.raw.on('close', end);
    // A browser that closed its end has left.
    reply.raw.socket?.once('end', end);
    return reply;
  }
}
