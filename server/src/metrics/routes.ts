import { hash, timingSafeEqual } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../errors.ts';
import type { Exposition } from './exposition.ts';

/** Where the numbers can be read: on a listener of their own, on the main port with a token, or (as a default) nowhere. */

const PATH = '/metrics';
/** Who watches asks every few seconds over one connection; nobody else has business here. */
const MAX_CONNECTIONS = 16;
const REQUEST_TIMEOUT_MS = 10_000;

/** `GET /metrics` on the main port, for those who send the token as `Authorization: Bearer`. */
export async function metricsRoutes(
  app: FastifyInstance,
  { shown, token }: { shown: Exposition; token: string },
): Promise<void> {
  const expected = `Bearer ${token}`;
  app.get(PATH, async (request, reply) => {
    reply.header('cache-control', 'no-store');
    if (!isSame(request.headers.authorization ?? '', expected)) {
      // To everybody else there is nothing here.
      const error = new ApiError('NOT_FOUND');
      return reply.code(error.status).send(error.body());
    }
    return reply.type(shown.contentType).send(await shown.text());
  });
}

/**
 * Starts the listener of its own, which asks nobody for a token: its address decides who reaches it.
 *
 * @throws where the port cannot be had
 */
export async function listenForMetrics(
  shown: Exposition,
  { port, host }: { port: number; host: string },
): Promise<{ close(): Promise<void> }> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== PATH) {
      response.writeHead(404).end();
      return;
    }
    shown.text().then(
      (text) => response.writeHead(200, { 'content-type': shown.contentType }).end(text),
      (error: unknown) => response.writeHead(500).end(`${error instanceof Error ? error.message : error}\n`),
    );
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listening(server, { port, host });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listening(server: Server, where: { port: number; host: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', ({ message }) =>
      reject(
        new Error(
          `METRICS_HOST is "${where.host}" and METRICS_PORT ${where.port}, where nothing can listen: ${message}.`,
        ),
      ),
    );
    server.listen(where, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

/** Compared by hash, so that the time it takes says nothing about the token, its length included. */
function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', expected, 'buffer'));
}
