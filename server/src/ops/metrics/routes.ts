import { createServer, type Server } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { ApiError } from '../../domain/errors.ts';
import { sameText } from '../../domain/tokens.ts';

/** Serves metrics on a separate listener, or on the main port with a token. By default, metrics are not served. */

const PATH = '/metrics';
/** The most connections of the metrics listener. Prometheus needs only one. */
const MAX_CONNECTIONS = 16;
const REQUEST_TIMEOUT_MS = 10_000;

/** Adds `GET /metrics` to the main port, for requests that send the token as `Authorization: Bearer`. */
export async function metricsRoutes(
  app: FastifyInstance,
  { shown, token }: { shown: Registry; token: string },
): Promise<void> {
  const expected = `Bearer ${token}`;
  app.get(PATH, async (request, reply) => {
    reply.header('cache-control', 'no-store');
    if (!sameText(request.headers.authorization ?? '', expected)) {
      // Without the token, the route appears not to exist.
      const error = new ApiError('NOT_FOUND');
      return reply.code(error.status).send(error.body());
    }
    return reply.type(shown.contentType).send(await shown.metrics());
  });
}

/**
 * Starts the separate listener, which requires no token.
 *
 * @throws if it cannot listen
 */
export async function listenForMetrics(
  shown: Registry,
  { port, host }: { port: number; host: string },
): Promise<{ close(): Promise<void> }> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== PATH) {
      response.writeHead(404).end();
      return;
    }
    shown.metrics().then(
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
        new Error(`Cannot listen on METRICS_HOST "${where.host}", METRICS_PORT ${where.port}: ${message}.`),
      ),
    );
    server.listen(where, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}
