import type { FastifyReply } from 'fastify';
import { MINUTE_MS, SECOND_MS } from '../../domain/clock.ts';
import type { StreamEvent } from './parts.ts';

/** Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html */

/** The interval of heartbeats, which are needed because proxies close idle connections. */
const BEAT_MS = 20 * SECOND_MS;
/** The lifetime of a stream. The browser then reconnects and is authenticated again. */
const LONGEST_MS = 15 * MINUTE_MS;

/** The maximum bytes buffered for a slow browser. Beyond it, the stream is closed; the browser reconnects and catches up. */
const BACKLOG_MAX_BYTES = 256 * 1024;

/** The streams of one server. */
export class Streams {
  readonly #ends = new Set<() => void>();

  /** Ends every stream, so that shutdown does not wait for them. */
  endAll(): void {
    for (const end of this.#ends) end();
  }

  /** Responds with a stream. `open` starts listening and returns a function that stops it; null if it refuses. */
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
      // Otherwise nginx buffers the stream.
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
    // The browser closed its end.
    reply.raw.socket?.once('end', end);
    return reply;
  }
}
