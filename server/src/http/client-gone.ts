import { setMaxListeners } from 'node:events';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The status that logs and metrics show for a request whose client did not wait for the response, as nginx does. */
export const CLIENT_GONE_STATUS = 499;

/** The reason why work for a response was ended: its client is gone. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
  readonly statusCode = CLIENT_GONE_STATUS;
}

/**
 * Returns a signal that aborts when the client closes its end of the connection, or once the response has ended. Fastify's own
 * signal misses the first, since this server keeps such connections open for the response, and aborts when a body was read.
 */
export function clientGone(
  { raw: { socket } }: FastifyRequest,
  { raw: response }: FastifyReply,
): AbortSignal {
  const gone = new AbortController();
  // Each question of a report listens, and Node 22 warns of more than ten.
  setMaxListeners(0, gone.signal);
  const abort = () => gone.abort(new ClientGone('the client closed the connection'));
  socket.once('end', abort);
  response.once('close', () => {
    socket.off('end', abort);
    abort();
  });
  if (socket.readableEnded || socket.destroyed) abort();
  return gone.signal;
}
