import type { Socket } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply, LogController } from 'fastify';
import { docsRoutes } from './api/docs/index.ts';
import { apiRoutes } from './api/index.ts';
import { Attempts } from './attempts.ts';
import { expireEvents, removeLeftovers, startChores } from './chores.ts';
import { type Clock, HOUR_MS, SECOND_MS, utcDay } from './clock.ts';
import { OUTCOME_NAMES } from './collect/answers.ts';
import { collectRoutes } from './collect/index.ts';
import { openKnowledge } from './collect/knowledge/index.ts';
import { pixelRoutes } from './collect/pixel.ts';
import { rehearse } from './collect/rehearse.ts';
import { intakeOf } from './collect/report.ts';
import { renamedScripts, type ScriptFile, scriptRoutes } from './collect/script.ts';
import { SiteDirectory } from './collect/site-by-key.ts';
import { DailySalt } from './collect/visitor.ts';
import type { Config } from './config.ts';
import { limitConnections } from './connections.ts';
import { type Assets, NO_ASSETS } from './dashboard/assets.ts';
import { dashboardRoutes } from './dashboard/index.ts';
import { trackerFrom } from './dashboard/snippets.ts';
import { Throttle } from './dashboard/throttle.ts';
import { ApiError } from './errors.ts';
import { healthRoutes } from './health.ts';
import { hostOf } from './hosts.ts';
import { LiveFeed, WRITTEN_NAMES, watched } from './live-feed.ts';
import { Mailer } from './mailer.ts';
import { expose, type Sources } from './metrics/catalogue.ts';
import { listenForMetrics, metricsRoutes } from './metrics/routes.ts';
import { overloadGauge } from './overload.ts';
import { believedProxies } from './proxies.ts';
import type { Store } from './store/store.ts';
import { Distribution, LATENCY_BOUNDS_SECONDS, Tally } from './tally.ts';

/** The headers of a request must arrive within this, */
const HEADERS_TIMEOUT_MS = 10_000;
/** and a whole request within this. */
const REQUEST_TIMEOUT_MS = 15_000;
/** How often connections are looked at for that. */
const TIMEOUT_CHECK_MS = 2_000;
/** An idle connection is kept this long: longer than proxies keep theirs, so that none is cut under a request. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
/** A day has been over for this long before what reports need of it is summed up. */
const DAY_SETTLED_MS = HOUR_MS;
/** Nothing of ours takes a body larger than a batch of events, which sets its own limit. */
const BODY_LIMIT_BYTES = 64 * 1024;
/** No part of an address is longer than all the headers may be, so every address comes to its room. */
const URL_PARAMETER_MAX_CHARS = 16 * 1024;

export interface ServerParts {
  config: Config;
  store: Store;
  clock: Clock;
  scripts: readonly ScriptFile[];
  /** The dashboard's style sheet and script. */
  assets?: Assets;
  /** Opens the set-up page while there is no account. */
  setupToken?: string | null;
  /** Whether the process was told to stop: it then says that it is not ready. */
  stopping?: () => boolean;
}

/**
 * The only server there is: production, tests, browsers and benchmarks all run this one. Loads the site keys, and stops
 * asking for more when it is closed. The store is not closed: whoever opened it does.
 */
export async function buildServer({
  config,
  store,
  clock,
  scripts,
  assets = NO_ASSETS,
  setupToken = null,
  stopping = () => false,
}: ServerParts): Promise<FastifyInstance> {
  const app = Fastify({
    logger: { level: config.logLevel, serializers: { req: ({ method }) => ({ method }), res: () => ({}) } },
    // A line a request costs more than the request, and its address and query are nobody's business.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: believedProxies(config.trustProxy),
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: TIMEOUT_CHECK_MS },
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    bodyLimit: BODY_LIMIT_BYTES,
    // `__proto__` is a name like any other in what JSON.parse makes, and properties of events may bear it.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
    routerOptions: { maxParamLength: URL_PARAMETER_MAX_CHARS },
    rewriteUrl: ({ url = '/' }) => decodable(url),
    // Whoever got through before the door closed is served, and then asked to hang up.
    return503OnClosing: false,
    clientErrorHandler: answerBrokenRequest,
    // The type of this option forbids every status (a schema of none); the reply is one like any other.
    frameworkErrors: (_error, _request, reply) => refuseAddress(reply as unknown as FastifyReply),
  });
  // Who has said all and closed his end waits for the answer all the same. By default Node hangs up on him, and a beacon that
  // is stored by then goes unacknowledged: https://github.com/nodejs/node/blob/v24.x/lib/_http_server.js (socketOnEnd)
  Object.assign(app.server, { httpAllowHalfOpen: true });
  const connections = limitConnections(app.server, {
    max: config.maxConnections,
    keepAliveMs: KEEP_ALIVE_TIMEOUT_MS,
    onTrouble: (message, details) => app.log.warn(details, message),
  });
  // One logger for all: a child for each request would cost more than it tells.
  app.log.child = () => app.log;
  // An expectation that nobody knows may be ignored (RFC 9110, 10.1.1); Node would answer it without a body.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));

  const sites = new SiteDirectory({
    registry: store.registry,
    clock,
    rate: { perSecond: config.siteRatePerSecond, burst: config.siteBurst },
  });
  await sites.start();
  app.addHook('onClose', async () => sites.stop());

  const salt = new DailySalt({ registry: store.registry, clock });
  const choresDone = { deletedRows: 0, failures: 0 };
  const chores = startChores({
    chores: [
      async (signal) => {
        const retention = { store, clock, defaultDays: config.retentionDays };
        choresDone.deletedRows += await expireEvents(retention, signal);
      },
      async (signal) => {
        choresDone.deletedRows += await removeLeftovers(store, signal);
      },
      () => salt.clean(),
      (signal) => store.reports.prepare(utcDay(clock.now() - DAY_SETTLED_MS), signal),
      async (signal) => store.events.collectTexts?.(signal),
    ],
    onError(error) {
      choresDone.failures += 1;
      app.log.error({ err: error }, 'a chore failed and will be tried again');
    },
  });
  app.addHook('onClose', () => chores.stop());

  // Siblings: none sees another's parsers, headers, limits or error handler.
  const feed = new LiveFeed(clock.now());
  const knowledge = await openKnowledge(config);
  const answered = new Tally(OUTCOME_NAMES);
  const written = new Tally(WRITTEN_NAMES);
  const receiver = { sites, events: watched(store.events, feed, written), salt, knowledge, clock, answered };
  await app.register(collectRoutes, { receiver, path: config.paths.collect });
  await app.register(pixelRoutes, { receiver });
  await app.register(async (scope) => {
    scope.addHook('onRequest', async ({ headers }) => {
      const host = hostOf(headers.referer ?? '');
      if (host === null) return;
      for (const { id } of sites.sitesOnHost(host)) feed.sawScript(id, host, clock.now());
    });
    await scope.register(scriptRoutes, {
      scripts: [...scripts, ...(await renamedScripts(scripts, config.paths))],
    });
  });
  const mailer = config.mail === null ? null : new Mailer({ settings: config.mail, clock });
  app.addHook('preClose', async () => mailer?.close());
  await app.register(dashboardRoutes, {
    parts: {
      ...{ store, clock, config, feed, assets, setupToken, mailer },
      tracker: trackerFrom(scripts, config.paths),
      throttle: new Throttle(clock, new Attempts(store.tally)),
      rehearse: (site, request) => rehearse(receiver, site, request),
    },
  });
  const overloaded = overloadGauge(store.events);
  const apiRequests = new Tally();
  const apiSeconds = new Distribution(LATENCY_BOUNDS_SECONDS);
  await app.register(async (scope) => {
    scope.addHook('onResponse', ({ routeOptions }, reply, done) => {
      apiRequests.add(`${routeOptions.url ?? 'none'} ${Math.floor(reply.statusCode / 100)}xx`);
      apiSeconds.observe(reply.elapsedTime / SECOND_MS);
      done();
    });
    await scope.register(apiRoutes, {
      ...{ prefix: '/api', store, clock, overloaded, intake: intakeOf(receiver) },
      ...{ origins: config.apiOrigins, publicUrl: config.publicUrl },
    });
  });
  await app.register(docsRoutes, { publicUrl: config.publicUrl });
  await app.register(healthRoutes, { store, sites, salt, stopping });
  await showMetrics(app, config.metrics, {
    ...{ answered, written, apiRequests, apiSeconds, chores: choresDone },
    ...{ connections, events: store.events, sites, feed, overloaded },
  });

  app.setNotFoundHandler((_request, reply) => reply.code(404).send(new ApiError('NOT_FOUND').body()));
  app.setErrorHandler((error, request, reply) => {
    request.log.error({ err: error }, 'a request could not be answered');
    return reply.code(500).send(new ApiError('INTERNAL').body());
  });
  await app.ready();
  return app;
}

/** Makes the numbers readable where the settings say so; there is nothing to read elsewhere. */
async function showMetrics(
  app: FastifyInstance,
  { listen, token }: Config['metrics'],
  sources: Sources,
): Promise<void> {
  if (listen === null && token === null) return;
  const shown = expose(sources);
  if (token !== null) await app.register(metricsRoutes, { shown, token });
  if (listen === null) return;
  const listener = await listenForMetrics(shown, listen);
  app.addHook('onClose', () => listener.close());
}

/** An address that cannot be decoded is taken as it is written, and ends where every unknown address of its room does. */
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

/** What the router cannot read in spite of that. */
function refuseAddress(reply: FastifyReply): void {
  const error = new ApiError('INVALID_REQUEST');
  reply.code(error.status).send(error.body());
}

/** What Node says of bytes that are no proper request, and the status for it. https://nodejs.org/api/http.html#event-clienterror */
const BROKEN_REQUESTS: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

/** The answer under way on a connection: Node looks at the same field when nobody else handles such an error. */
interface AnsweringSocket extends Socket {
  _httpMessage?: { headersSent: boolean } | null;
}

/** Answered in our words, and hung up on. */
function answerBrokenRequest(error: Error & { code?: string }, socket: AnsweringSocket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  if (socket._httpMessage?.headersSent) {
    // It went wrong after it was answered, in a body that nobody wanted: the answer stands.
    socket.destroySoon();
    return;
  }
  const status = BROKEN_REQUESTS[error.code ?? ''] ?? '400 Bad Request';
  const body = JSON.stringify(new ApiError('INVALID_REQUEST').body());
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
