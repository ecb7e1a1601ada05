import type { Socket } from 'node:net';
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { ApiError } from '../domain/errors.ts';
import { wantsPage } from './accept.ts';
import { BasePathTaken, basePathOf, withoutBasePath } from './base-path.ts';
import { ClientAddresses } from './client-addresses.ts';
import { type Connections, limitConnections } from './connections.ts';
import { refusedByFramework } from './error-status.ts';
import { loggerOptions } from './logging.ts';
import { hasProperHost } from './request-origin.ts';
import { COMMON_HEADERS } from './security-headers.ts';

/** The timeout for receiving the headers of a request. */
const HEADERS_TIMEOUT_MS = 10_000;
/** The timeout for receiving a whole request. */
const REQUEST_TIMEOUT_MS = 15_000;
/** How often connections are checked against these timeouts. */
const TIMEOUT_CHECK_MS = 2_000;
/** The keep-alive timeout. It is longer than that of proxies, so that no connection is closed just as a request arrives. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
/** The largest body of a request. A batch of events sets its own limit. */
const BODY_LIMIT_BYTES = 64 * 1024;
/** The longest URL parameter. It equals the limit of all headers, so that the router never refuses a URL for its length. */
const URL_PARAMETER_MAX_CHARS = 16 * 1024;

/**
 * Creates the HTTP application without routes: timeouts, limits, trusted proxies, logging, and responses to malformed requests.
 */
export function createApplication({
  logLevel,
  trustProxy,
  clientIpHeader,
  maxConnections,
  publicUrl,
  sendNotFoundPage,
}: {
  logLevel: string;
  /** Networks and names of trusted proxies. */
  trustProxy: readonly string[];
  /** The header in which trusted proxies name the client, in lower case; null if it is one of the usual ones. */
  clientIpHeader: string | null;
  maxConnections: number;
  /** The public URL without a trailing slash; null if it is not set. */
  publicUrl: string | null;
  /** Answers a browser that requests an unknown path. Programs get JSON. */
  sendNotFoundPage: (reply: FastifyReply) => FastifyReply;
}): { app: FastifyInstance; connections: Connections; clients: ClientAddresses } {
  const basePath = basePathOf(publicUrl);
  let isOnSocket = false;
  const clients = new ClientAddresses({
    ...{ trustProxy, clientIpHeader, isOnSocket: () => isOnSocket },
    // The text may identify a person, so it is not logged.
    onUnreadable: (header) =>
      app.log.warn(
        { header },
        'a trusted proxy identifies clients by something other than an IP address; that text distinguishes them',
      ),
  });
  const app = Fastify({
    logger: loggerOptions(logLevel),
    // A log line per request would cost more than the request, and would contain its path and query.
    logController: new LogController({ disableRequestLogging: true }),
    // For the protocol and the host. `ClientAddresses` finds the client.
    trustProxy: clients.isTrusted,
    http: {
      ...{ headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: TIMEOUT_CHECK_MS },
      // Checked below, because Node answers without a body and accepts a second one.
      requireHostHeader: false,
    },
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    bodyLimit: BODY_LIMIT_BYTES,
    // In the result of JSON.parse, `__proto__` is an ordinary name, which an event property may have.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
    routerOptions: { maxParamLength: URL_PARAMETER_MAX_CHARS },
    rewriteUrl: ({ url = '/' }) => decodable(withoutBasePath(withoutOrigin(url), basePath)),
    // Requests that arrive while the server closes are served. Then their connections are closed.
    return503OnClosing: false,
    clientErrorHandler: answerBrokenRequest,
    // The type of this option does not allow setting a status, although the reply is an ordinary one.
    frameworkErrors: (_error, _request, reply) =>
      refuse((reply as unknown as FastifyReply).headers(COMMON_HEADERS)),
  });
  // A client that closes its end after sending still waits for the response. By default, Node closes the connection, so a
  // stored beacon is not acknowledged: https://github.com/nodejs/node/blob/v24.x/lib/_http_server.js (socketOnEnd)
  Object.assign(app.server, { httpAllowHalfOpen: true });
  // The address of a Unix socket is its path.
  app.server.once('listening', () => {
    isOnSocket = typeof app.server.address() === 'string';
  });
  const connections = limitConnections(app.server, {
    max: maxConnections,
    keepAliveMs: KEEP_ALIVE_TIMEOUT_MS,
    onTrouble: (message, details) => app.log.warn(details, message),
  });
  // All requests share one logger, because a child logger per request costs too much.
  app.log.child = () => app.log;
  // Ignores an unknown expectation, as RFC 9110 (10.1.1) allows. By default, Node responds without a body.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  // Without a listener, Node closes the connection without an answer. With one, its errors and its end are the listener's.
  app.server.on('connect', (_request, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    answerBrokenRequest(new Error('CONNECT'), socket);
    socket.destroySoon();
  });
  app.addHook('onRoute', ({ url }) => {
    if (withoutBasePath(url, basePath) !== url)
      throw new BasePathTaken(`The path "${basePath}" of PUBLIC_URL is already in use: ${url}`);
  });
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(COMMON_HEADERS);
    // The router takes `*` for `/`.
    if (request.url.startsWith('/') && hasProperHost(request.raw)) done();
    else refuse(reply);
  });
  const answerNotFound = (request: FastifyRequest, reply: FastifyReply) => {
    if (wantsPage(request)) return sendNotFoundPage(reply);
    return reply.code(404).header('vary', 'Accept').send(new ApiError('NOT_FOUND').body());
  };
  app.setNotFoundHandler(answerNotFound);
  app.setErrorHandler((error, request, reply) => {
    const refused = refusedByFramework(error);
    // The framework reads bodies even if no route takes them. That it could not read this one then makes no difference.
    if (refused !== null && request.is404) return answerNotFound(request, reply);
    if (refused !== null) return reply.code(refused.status).send(refused.body());
    request.log.error({ err: error }, 'request failed');
    return reply.code(500).send(new ApiError('INTERNAL').body());
  });
  return { app, connections, clients };
}

/** Matches the origin of a request target in absolute form: https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2 */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;

/** Returns the path and the query of a request target. Other code can then expect a path, whatever the client says. */
function withoutOrigin(target: string): string {
  if (target.startsWith('/')) return target;
  const rest = target.replace(ORIGIN, '');
  return rest === target || rest.startsWith('/') ? rest : `/${rest}`;
}

/** Escapes the path of a URL that cannot be decoded, so that it gets a normal 404 response. */
function decodable(url: string): string {
  if (!url.includes('%')) return url;
  const end = url.indexOf('?');
  const path = end === -1 ? url : url.slice(0, end);
  try {
    decodeURI(path);
    return url;
  } catch {
    return path.replaceAll('%', '%25') + url.slice(path.length);
  }
}

/** Refuses a request without a proper host, or with a URL that the router still cannot read. */
function refuse(reply: FastifyReply): void {
  const error = new ApiError('INVALID_REQUEST');
  reply.code(error.status).send(error.body());
}

/** The status of a malformed request by Node's error code. https://nodejs.org/api/http.html#event-clienterror */
const BROKEN_REQUESTS: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

/** A socket with its current response, in the field that Node's own error handler reads. */
interface AnsweringSocket extends Socket {
  _httpMessage?: { headersSent: boolean } | null;
}

/** Answers a malformed request with a JSON error, and closes the connection. */
function answerBrokenRequest(error: Error & { code?: string }, socket: AnsweringSocket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  if (socket._httpMessage?.headersSent) {
    // The error is in a body that was not read before the response, so the response stands.
    socket.destroySoon();
    return;
  }
  const status = BROKEN_REQUESTS[error.code ?? ''] ?? '400 Bad Request';
  const body = JSON.stringify(new ApiError('INVALID_REQUEST').body());
  const lines = Object.entries({
    ...COMMON_HEADERS,
    connection: 'close',
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${body}`);
}
