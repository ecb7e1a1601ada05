import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { docsRoutes } from './api/docs/index.ts';
import { type ApiParts, apiRoutes } from './api/index.ts';
import { startHourlyJobs } from './app/jobs.ts';
import { LiveFeed, withLiveFeed } from './app/live-feed.ts';
import { Mailer } from './app/mailer.ts';
import { RateLimiter } from './app/rate-limiter.ts';
import { dryRunPageView } from './collect/dry-run.ts';
import { openEnricher } from './collect/enrich/index.ts';
import { collectRoutes } from './collect/index.ts';
import { pixelRoutes } from './collect/pixel.ts';
import { intakeOf } from './collect/report.ts';
import { renamedScripts, type ScriptFile, scriptRoutes } from './collect/script.ts';
import { SiteDirectory } from './collect/site-by-key.ts';
import { DailySalt } from './collect/visitor.ts';
import type { Config } from './config/config.ts';
import { dashboardRoutes, notFoundPage } from './dashboard/index.ts';
import { trackerFrom } from './dashboard/install/snippets.ts';
import { type Assets, NO_ASSETS } from './dashboard/kit/assets.ts';
import { writeDate } from './domain/calendar.ts';
import { type Clock, DAY_MS, SECOND_MS } from './domain/clock.ts';
import { hostOf } from './domain/hosts.ts';
import type { Outage } from './domain/outage.ts';
import { createApplication } from './http/application.ts';
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
  assets = NO_ASSETS,
  setupToken = null,
  stopping = () => false,
}: ServerParts): Promise<FastifyInstance> {
  const { app, connections } = createApplication({
    ...config,
    sendNotFoundPage: notFoundPage(assets),
  });
  const logOutage = ({ work, error }: Outage) => {
    if (error === null) app.log.info({ work }, 'background work recovered');
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
    onError: (error) => app.log.error({ err: error }, 'job failed; retrying'),
  });
  app.addHook('onClose', () => jobs.stop());

  store.reports.onSealing?.(sealingLog(app.log, clock));
  store.reports.onDamagedDay?.(damagedDayLog(app.log, clock));

  const feed = new LiveFeed(clock.now());
  const enricher = await openEnricher(config);
  const metrics = createMetrics();
  store.events.onCommit(metrics.committed);
  store.events.onEntry((entry, outcome) => metrics.written(entry.kind, outcome));
  const receiver = {
    ...{ sites, salt, enricher, clock },
    events: withLiveFeed(store.events, feed),
    answered: metrics.answered,
  };
  // Registered as siblings, so that they do not share parsers, headers, limits or error handlers.
  await app.register(collectRoutes, { receiver, path: config.paths.collect });
  await app.register(pixelRoutes, { receiver });
  await registerTracker(app, {
    config,
    scripts,
    onFetch: (host) => {
      for (const { id } of sites.sitesOnHost(host)) feed.recordScriptFetch(id, host, clock.now());
    },
  });
  const mailer = config.mail === null ? null : new Mailer({ settings: config.mail, clock });
  app.addHook('preClose', async () => mailer?.close());
  await app.register(dashboardRoutes, {
    parts: {
      ...{ store, clock, config, feed, assets, setupToken, mailer },
      tracker: trackerFrom(scripts, config.paths),
      rateLimiter: new RateLimiter(clock, store.sharedCounters),
      dryRunPageView: (site, request) => dryRunPageView(receiver, site, request),
    },
  });
  const overloaded = overloadGauge(store.events);
  await registerApi(app, metrics, {
    ...{ store, clock, overloaded, intake: intakeOf(receiver) },
    ...{ origins: config.apiOrigins, publicUrl: config.publicUrl },
  });
  await app.register(docsRoutes, { publicUrl: config.publicUrl });
  await app.register(healthRoutes, { store, sites, salt, stopping });
  await showMetrics(app, config.metrics, metrics, {
    jobs: jobs.done,
    ...{ connections, events: store.events, sites, feed, overloaded },
  });

  await app.ready();
  return app;
}

/** Serves the tracker's scripts. @param onFetch called with the host of each page that fetches one */
async function registerTracker(
  app: FastifyInstance,
  {
    config,
    scripts,
    onFetch,
  }: { config: Config; scripts: readonly ScriptFile[]; onFetch: (host: string) => void },
): Promise<void> {
  const renamed = await renamedScripts(scripts, config.paths);
  await app.register(async (scope) => {
    scope.addHook('onRequest', async ({ headers }) => {
      const host = hostOf(headers.referer ?? '');
      if (host !== null) onFetch(host);
    });
    await scope.register(scriptRoutes, { scripts: [...scripts, ...renamed] });
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
  const listener = await listenForMetrics(shown, listen);
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
