import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify';
import { docsRoutes } from './api/docs/index.ts';
import { type ApiParts, apiRoutes } from './api/index.ts';
import { startHourlyJobs } from './app/jobs.ts';
import { LiveFeed, withLiveFeed } from './app/live-feed.ts';
import { Mailer } from './app/mailer.ts';
import { RateLimiter } from './app/rate-limiter.ts';
import { hardenSecondFactors } from './app/second-factor.ts';
import { SecurityLog } from './app/security-log.ts';
import { SingleSignOn } from './app/single-sign-on.ts';
import { describeClient } from './collect/describe-client.ts';
import { dryRunPageView } from './collect/dry-run.ts';
import { openCrawlerCheck } from './collect/enrich/crawler-check.ts';
import { openEnricher } from './collect/enrich/index.ts';
import { openNetworks } from './collect/enrich/networks.ts';
import { collectRoutes } from './collect/index.ts';
import { pixelRoutes } from './collect/pixel.ts';
import { intakeOf } from './collect/report.ts';
import { renamedScripts, type ScriptFile, scriptRoutes, scriptsBelow } from './collect/script.ts';
import { SiteDirectory } from './collect/site-by-key.ts';
import { Strangers } from './collect/strangers.ts';
import { DailySalt } from './collect/visitor.ts';
import type { Config } from './config/config.ts';
import { dashboardRoutes, notFoundPage } from './dashboard/index.ts';
import { trackerFrom } from './dashboard/install/snippets.ts';
import { type Assets, NO_ASSETS } from './dashboard/kit/assets.ts';
import { writeDate } from './domain/calendar.ts';
import { type Clock, DAY_MS, SECOND_MS } from './domain/clock.ts';
import { hostOf } from './domain/hosts.ts';
import { type Outage, STORING_EVENTS } from './domain/outage.ts';
import type { SecretBox } from './domain/secret-box.ts';
import { createApplication } from './http/application.ts';
import { basePathOf } from './http/base-path.ts';
import { overloadGauge } from './http/overload.ts';
import { healthRoutes } from './ops/health.ts';
import { addSources, createMetrics, type Metrics, type Sources } from './ops/metrics/catalogue.ts';
import { listenForMetrics, metricsRoutes } from './ops/metrics/routes.ts';
import type { DamagedDay, SealingProgress, Store } from './store/contract/store.ts';

export interface ServerParts {
  config: Config;
  store: Store;
  clock: Clock;
  scripts: readonly ScriptFile[];
  /** Encrypts stored secrets. */
  secretBox: SecretBox;
  /** The style sheet and the script of the dashboard. */
  assets?: Assets;
  /** The token of the setup page, while there is no account. */
  setupToken?: string | null;
  /** Returns whether the process is shutting down, and therefore not ready. */
  stopping?: () => boolean;
}

/**
 * Builds the server for production, tests and benchmarks alike. The server loads the site keys, and refreshes them until it is
 * closed. The caller closes the store.
 */
export async function buildServer({
  config,
  store,
  clock,
  scripts,
  secretBox,
  assets = NO_ASSETS,
  setupToken = null,
  stopping = () => false,
}: ServerParts): Promise<FastifyInstance> {
  const { app, connections, clients } = createApplication({
    ...config,
    sendNotFoundPage: notFoundPage(assets, config.publicUrl),
  });
  const logOutage = ({ work, error }: Outage) => {
    if (work === STORING_EVENTS) logStoring(app.log, error);
    else if (error === null) app.log.info({ work }, 'background work recovered');
    else app.log.error({ work, error }, 'background work failed; retrying');
  };
  store.events.onOutage?.(logOutage);
  const sites = new SiteDirectory({
    registry: store.registry,
    clock,
    rate: { perSecond: config.siteRatePerSecond, burst: config.siteBurst },
    onOutage: (error) => logOutage({ work: 'refreshing site keys', error }),
  });
  await sites.start();
  app.addHook('onClose', async () => sites.stop());

  const salt = new DailySalt({ registry: store.registry, clock });
  const jobs = startHourlyJobs({
    ...{ store, clock, salt, retentionDays: config.retentionDays },
    secondFactors: {
      async harden(signal) {
        const { unreadable } = await hardenSecondFactors({ registry: store.registry, secretBox }, signal);
        if (unreadable > 0)
          app.log.error(
            { accounts: unreadable },
            'two-factor secrets cannot be decrypted with this SECRET_KEY; run: attractos doctor',
          );
      },
    },
    onError: (error) => app.log.error({ err: error }, 'job failed; retrying'),
  });
  app.addHook('onClose', () => jobs.stop());

  store.reports.onSealing?.(sealingLog(app.log, clock));
  store.reports.onDamagedDay?.(damagedDayLog(app.log, clock));

  const feed = new LiveFeed(clock.now());
  const enricher = await openEnricher(config);
  const networks = await openNetworks(config.asnDatabase);
  const crawlers = await openCrawlerCheck(config.crawlerRanges);
  const metrics = createMetrics();
  store.events.onCommit(metrics.committed);
  store.events.onEntry(metrics.written);
  const strangers = new Strangers();
  const receiver = {
    ...{ sites, strangers, salt, enricher, networks, crawlers, clients, clock },
    events: withLiveFeed(store.events, feed),
    answered: metrics.answered,
  };
  // Registered as siblings, so that they do not share parsers, headers, limits or error handlers.
  await app.register(collectRoutes, { receiver, path: config.paths.collect });
  await app.register(pixelRoutes, { receiver });
  await registerTracker(app, {
    config,
    scripts,
    onFetch: (host, request) => {
      const there = sites.sitesOnHost(host);
      if (there.length === 0 || !strangers.tryConsume(clients.of(request).address, clock.now())) return;
      for (const { id } of there) feed.recordScriptFetch(id, host, clock.now());
    },
  });
  const mailer = config.mail === null ? null : new Mailer({ settings: config.mail, clock });
  app.addHook('preClose', async () => mailer?.close());
  const singleSignOn =
    config.singleSignOn === null || config.publicUrl === null
      ? null
      : new SingleSignOn({
          ...{ settings: config.singleSignOn, publicUrl: config.publicUrl, secretBox, clock },
          onFailure: (error) => app.log.error({ err: error }, 'single sign-on failed'),
        });
  const securityLog = new SecurityLog({
    ...{ registry: store.registry, clock },
    log: (line) => app.log.info(line, 'security event'),
    onFailure: (error) => app.log.error({ err: error }, 'a security event was logged, but not stored'),
  });
  await app.register(dashboardRoutes, {
    parts: {
      ...{ store, clock, config, secretBox, singleSignOn, feed, assets, setupToken, mailer, clients },
      securityLog,
      describeClient: (request) => describeClient(receiver, request),
      tracker: trackerFrom(scripts, config.paths, basePathOf(config.publicUrl)),
      rateLimiter: new RateLimiter(clock, store.sharedCounters),
      dryRunPageView: (site, request) => dryRunPageView(receiver, site, request),
    },
  });
  const overloaded = overloadGauge(store.events);
  await registerApi(app, metrics, {
    ...{ store, clock, overloaded, clients, intake: intakeOf(receiver) },
    ...{ origins: config.apiOrigins, publicUrl: config.publicUrl },
  });
  await app.register(docsRoutes, { publicUrl: config.publicUrl });
  await app.register(healthRoutes, { store, sites, salt, stopping });
  await showMetrics(app, config.metrics, metrics, {
    jobs: jobs.done,
    ...{ connections, clients, events: store.events, sites, feed, overloaded },
  });

  await app.ready();
  return app;
}

/** Logs that events are refused, or accepted again. */
function logStoring(log: FastifyBaseLogger, error: string | null): void {
  if (error === null) log.error('events are accepted again');
  else log.error({ error }, 'events are refused with 503: they cannot be stored');
}

/** Serves the tracker's scripts. @param onFetch called with the host of each page that fetches one */
async function registerTracker(
  app: FastifyInstance,
  {
    config,
    scripts,
    onFetch,
  }: {
    config: Config;
    scripts: readonly ScriptFile[];
    onFetch: (host: string, request: FastifyRequest) => void;
  },
): Promise<void> {
  const basePath = basePathOf(config.publicUrl);
  const files = await scriptsBelow(scripts, basePath);
  const renamed = await renamedScripts(scripts, config.paths, basePath);
  await app.register(async (scope) => {
    scope.addHook('onRequest', async (request) => {
      const host = hostOf(request.headers.referer ?? '');
      if (host !== null) onFetch(host, request);
    });
    await scope.register(scriptRoutes, { scripts: [...files, ...renamed] });
  });
}

/** Serves the API and counts its requests. */
async function registerApi(app: FastifyInstance, metrics: Metrics, parts: ApiParts): Promise<void> {
  await app.register(async (scope) => {
    scope.addHook('onResponse', ({ routeOptions }, reply, done) => {
      metrics.asked({
        route: routeOptions.url ?? 'none',
        status: reply.statusCode,
        seconds: reply.elapsedTime / SECOND_MS,
      });
      done();
    });
    await scope.register(apiRoutes, { prefix: '/api', ...parts });
  });
}

/** Serves metrics according to the settings. */
async function showMetrics(
  app: FastifyInstance,
  { listen, token }: Config['metrics'],
  { registry: shown }: Metrics,
  sources: Sources,
): Promise<void> {
  if (listen === null && token === null) return;
  addSources(shown, sources);
  if (token !== null) await app.register(metricsRoutes, { shown, token });
  if (listen === null) return;
  const listener = await listenForMetrics(shown, listen, (err) =>
    app.log.error({ err }, 'metrics could not be shown'),
  );
  app.addHook('onClose', () => listener.close());
}

/** How often the progress of sealing is logged. One day of one part of the sites is not worth a line. */
const SEALING_LOGGED_EVERY_MS = 30 * SECOND_MS;

/** Logs the progress of sealing where it takes long: after an upgrade, or if the server was stopped for days. */
function sealingLog(log: FastifyBaseLogger, clock: Clock): (progress: SealingProgress) => void {
  let loggedMs = clock.now();
  let isLong = false;
  return ({ sealed, all }) => {
    const isDue = clock.now() - loggedMs >= SEALING_LOGGED_EVERY_MS;
    if (!isDue && !(isLong && sealed === all)) return;
    loggedMs = clock.now();
    isLong = sealed < all;
    log.info({ sealed, all }, 'preparing past days for fast reports');
  };
}

/** Damaged days that are remembered as logged. Beyond, they are logged again. */
const LOGGED_DAYS_MAX = 10_000;

/** Logs each damaged day once a day: every hourly round finds it again. */
function damagedDayLog(log: FastifyBaseLogger, clock: Clock): (damaged: DamagedDay) => void {
  const loggedMs = new Map<string, number>();
  return ({ siteId, day, counted, rows }) => {
    const key = `${siteId} ${day}`;
    if (clock.now() - (loggedMs.get(key) ?? Number.NEGATIVE_INFINITY) < DAY_MS) return;
    if (loggedMs.size >= LOGGED_DAYS_MAX) loggedMs.clear();
    loggedMs.set(key, clock.now());
    log.warn(
      { site: siteId, day: writeDate(day), counted, rows },
      'the events of a past day do not match its counter; neither it nor later days leave events.db; run: attractos doctor',
    );
  };
}
