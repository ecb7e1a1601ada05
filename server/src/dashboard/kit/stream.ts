import type { FastifyReply } from 'fastify';
import { MINUTE_MS, SECOND_MS } from '../../domain/clock.ts';
import type { StreamEvent } from './parts.ts';

/** Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html */

/** The interval of heartbeats, which are needed because proxies close idle connections. */
const BEAT_MS = 20 * SECOND_MS;
/** The lifetime of a stream. The browser then reconnects and is authenticated again. */
const LONGEST_MS = 15 * MINUTE_MS;

/** How long after the answer to one check of a stream's user the next one starts. */
const CHECK_EVERY_MS = SECOND_MS / 2;
/** The age of the last successful check beyond which nothing is sent. */
const UNCHECKED_MAX_MS = SECOND_MS;

/** The maximum bytes buffered for a slow browser. Beyond it, the stream is closed; the browser reconnects and catches up. */
const BACKLOG_MAX_BYTES = 256 * 1024;

const CONTENT_TYPE = 'text/event-stream; charset=utf-8';

/** The streams of one server. */
export class Streams {
  readonly #ends = new Set<() => void>();

  /** Ends every stream, so that shutdown does not wait for them. */
  endAll(): void {
    for (const end of this.#ends) end();
  }

  /**
   * Responds with a stream, and ends it once its user may no longer see it, whichever process changed that. While this is unknown,
   * because the registry does not answer, nothing is sent; the stream then ends, so that the browser reconnects and catches up.
   *
   * @param open starts listening and returns a function that stops it; null if it refuses
   * @param mayContinue checks whether the user may still see the stream
   */
  open(
    reply: FastifyReply,
    open: (send: (event: StreamEvent) => void) => (() => void) | null,
    mayContinue: () => Promise<boolean>,
  ): FastifyReply {
    // A response to HEAD ends with its headers, and Node sends these with its end.
    if (reply.request.method === 'HEAD') return reply.type(CONTENT_TYPE).send();
    const early: StreamEvent[] = [];
    let send = (event: StreamEvent): void => void early.push(event);
    const stop = open((event) => send(event));
    if (stop === null) return reply.code(503).header('retry-after', 30).send();
    const headers = Object.entries(reply.getHeaders()).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)] as const],
    );
    reply.hijack();
    const { socket } = reply.raw;
    reply.raw.writeHead(200, {
      ...Object.fromEntries(headers),
      'content-type': CONTENT_TYPE,
      // Otherwise nginx buffers the stream.
      'x-accel-buffering': 'no',
    });
    reply.raw.write('retry: 1000\n\n');
    let checkedMs = performance.now();
    let hasMissed = false;
    send = ({ id, data }) => {
      hasMissed ||= performance.now() - checkedMs > UNCHECKED_MAX_MS;
      if (hasMissed) return;
      if (reply.raw.writableLength > BACKLOG_MAX_BYTES) reply.raw.destroy();
      else reply.raw.write(`id: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    early.forEach(send);

    const check = async () => {
      const startMs = performance.now();
      const may = await mayContinue().catch(() => null);
      if (may === false || (may === true && hasMissed)) end();
      if (may === true) checkedMs = startMs;
      if (this.#ends.has(end)) checking = setTimeout(check, CHECK_EVERY_MS);
    };
    let checking = setTimeout(check, CHECK_EVERY_MS);
    const beat = setInterval(() => reply.raw.write(': beat\n\n'), BEAT_MS);
    const end = () => {
      clearTimeout(checking);
      clearInterval(beat);
      clearTimeout(timer);
      this.#ends.delete(end);
      socket?.off('end', end);
      stop();
      reply.raw.end();
    };
    const timer = setTimeout(end, LONGEST_MS);
    this.#ends.add(end);
    reply.raw.on('close', end);
    // The browser closed its end.
    socket?.once('end', end);
    return reply;
  }
}
