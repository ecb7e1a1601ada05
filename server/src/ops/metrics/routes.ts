import { createServer, type Server } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { ApiError } from '../../domain/errors.ts';
import { sameText } from '../../domain/tokens.ts';
import { COMMON_HEADERS } from '../../http/security-headers.ts';

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
 * @param onError called with the error if the metrics cannot be shown
 * @throws if it cannot listen
 */
export async function listenForMetrics(
  shown: Registry,
  { port, host }: { port: number; host: string },
  onError: (error: unknown) => void,
): Promise<{ close(): Promise<void> }> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    const answer = (status: number, type = '', text = '') =>
      response
        .writeHead(status, { ...COMMON_HEADERS, ...(type !== '' && { 'content-type': type }) })
        .end(text);
    if (request.method !== 'GET' || request.url?.split('?')[0] !== PATH) {
      answer(404);
      return;
    }
    shown.metrics().then(
      (text) => answer(200, shown.contentType, text),
      (error: unknown) => {
        onError(error);
        answer(500);
      },
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
