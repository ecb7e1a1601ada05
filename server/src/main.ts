import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadScripts } from './collect/script.ts';
import { type Demo, fillDemo } from './commands/demo/fill.ts';
import { startPassersBy } from './commands/demo/live-visitors.ts';
import { Random } from './commands/demo/random.ts';
import { type Config, ConfigError, readConfig, withEnvFile } from './config/config.ts';
import { readEnvFile } from './config/env-file.ts';
import { loadAssets } from './dashboard/kit/assets.ts';
import { systemClock } from './domain/clock.ts';
import { SecretBox } from './domain/secret-box.ts';
import { newToken } from './domain/tokens.ts';
import { visibleLines } from './domain/visible-text.ts';
import { BasePathTaken } from './http/base-path.ts';
import { ClientGone } from './http/client-gone.ts';
import { connectionsWithin } from './http/connections.ts';
import { listenOnSocket } from './http/unix-socket.ts';
import { buildServer } from './server.ts';
import { FilesGone, type Store } from './store/contract/store.ts';
import { openStore } from './store/open.ts';
import { takeSecretKey } from './store/secret-key.ts';

/** The server process: environment → configuration → store → server → listen, and the reverse on a signal. */

/** How long requests have to finish on shutdown before all connections are closed. */
const DRAIN_MS = 4_000;
/** How long a shutdown may take before it is aborted. */
const SHUTDOWN_DEADLINE_MS = 10_000;

const trackerFolder = fileURLToPath(new URL('../../public', import.meta.url));
const assetsFolder = fileURLToPath(new URL('../../dashboard', import.meta.url));

function report(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`attractos: ${visibleLines(message)}\n`);
}

function fail(error: unknown): never {
  report(error);
  process.exit(1);
}

function readEnvironment(): Config {
  return readConfig(withEnvFile(process.env, readEnvFile()));
}

/**
 * Returns the open-file limit of the process; null if there is none. Call it before there are connections, because the report
 * resolves the host name of each peer.
 */
function openFilesLimit(): number | null {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  const limit = userLimits?.open_files?.soft;
  return typeof limit === 'number' ? limit : null;
}

/** Returns the configuration of the demo, with a temporary data folder, which is deleted on exit. */
function inThrowAwayFolder(config: Config): Config {
  const dataDir = mkdtempSync(join(tmpdir(), 'attractos-demo-'));
  process.on('exit', () => rmSync(dataDir, { recursive: true, force: true }));
  // Its traffic is sent to host and port.
  return { ...config, dataDir, databases: null, socketPath: null };
}

/** Refuses databases without a secret key: each server would make its own, and could not read the secrets of the others. */
function requireSharedSecretKey({ databases, secretKey }: Config): void {
  if (databases === null || secretKey !== null) return;
  throw new ConfigError(
    'SECRET_KEY must be set if DATABASE_URL is set, to the same value on every server. Use the content of secret.key if you moved from a data folder, or else the output of: openssl rand -base64 32',
  );
}

/** The random seed of the demo's traffic. */
const DEMO_SEED = 20260115;
const BAR_CHARS = 40;

async function makeDemo(store: Store): Promise<Demo> {
  let shown = -1;
  if (!process.stderr.isTTY) process.stderr.write('Generating 90 days of traffic …\n');
  const made = await fillDemo(store, {
    nowMs: systemClock.now(),
    seed: DEMO_SEED,
    onProgress(share) {
      const done = Math.floor(share * BAR_CHARS);
      if (done === shown || !process.stderr.isTTY) return;
      shown = done;
      process.stderr.write(
        `\rGenerating 90 days of traffic ${'█'.repeat(done).padEnd(BAR_CHARS, '░')} ${Math.floor(share * 100)}%`,
      );
    },
  });
  if (process.stderr.isTTY) process.stderr.write('\n');
  return made;
}

/** The average interval between live page views. */
const VIEW_EVERY_MS = 4_000;

/** Prints the login of the demo, and starts live traffic. @returns a function that stops it */
function showDemo({ email, password, sites: [site] }: Demo, address: string): () => void {
  process.stdout.write(`Sign in with  ${email}  ${password}\nStopping the demo deletes all its data.\n\n`);
  if (site === undefined) return () => {};
  return startPassersBy({
    collector: `${address}/e`,
    ...{ site, random: new Random(DEMO_SEED), pauseMs: VIEW_EVERY_MS },
    onError(error) {
      process.stderr.write(`attractos: demo traffic stopped: ${String(error)}\n`);
    },
  });
}

/** Returns the start message. @param setupToken null if there is already an account */
function welcome(address: string, config: Config, setupToken: string | null): string {
  // Only the proxy of a Unix socket has a URL, which the server does not know.
  const url = config.publicUrl ?? (config.socketPath === null ? address : 'http://localhost');
  const next =
    setupToken === null
      ? `Dashboard: ${url}/dashboard`
      : `Next: create the owner account. This link works once, until the server stops.
  ${url}/setup?token=${setupToken}`;
  return `
AttractOS is running at ${address}
Data folder: ${config.dataDir}

${next}

`;
}

/**
 * The first file descriptor that systemd passes to the process.
 * https://www.freedesktop.org/software/systemd/man/sd_listen_fds.html
 */
const FIRST_INHERITED_FD = 3;

/**
 * Returns the listening socket from systemd, which takes precedence over all settings. It stays open across restarts, so that
 * no connection is refused.
 */
function inheritedSocket(): { fd: number } | null {
  const { LISTEN_PID, LISTEN_FDS } = process.env;
  if (LISTEN_PID !== String(process.pid) || LISTEN_FDS === undefined) return null;
  if (LISTEN_FDS !== '1')
    throw new Error(`LISTEN_FDS must be 1, for exactly one socket; got "${LISTEN_FDS}".`);
  return { fd: FIRST_INHERITED_FD };
}

/** Keeps accepting requests for a while, but closes connections after a response, so that clients move to other servers. */
async function drain(server: Server, delayMs: number): Promise<void> {
  if (delayMs === 0) return;
  server.prependListener('request', (_request, response) => {
    response.shouldKeepAlive = false;
  });
  await sleep(delayMs);
}

type App = Awaited<ReturnType<typeof buildServer>>;

/** Starts listening. @throws ConfigError if it cannot listen on the configured socket, or host and port */
async function listen(app: App, { port, host, socketPath }: Config): Promise<string> {
  const socket = inheritedSocket();
  if (socket !== null) return app.listen({ port, host, ...socket });
  try {
    return await (socketPath === null
      ? app.listen({ port, host })
      : listenOnSocket(socketPath, () => app.listen({ path: socketPath })));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const where = socketPath === null ? `HOST "${host}", PORT ${port}` : `SOCKET_PATH "${socketPath}"`;
    throw new ConfigError(`Cannot listen on ${where}: ${error.message}.`);
  }
}

/** Builds the server. @throws ConfigError if a configured path is already in use */
async function build(parts: Parameters<typeof buildServer>[0]): Promise<App> {
  try {
    return await buildServer(parts);
  } catch (error) {
    if (error instanceof BasePathTaken) throw new ConfigError(`${error.message}. Choose another path.`);
    const { script, collect } = parts.config.paths;
    if (!(error instanceof Error && 'code' in error && error.code === 'FST_ERR_DUPLICATED_ROUTE'))
      throw error;
    throw new ConfigError(
      `SCRIPT_PATH "${script}" or COLLECT_PATH "${collect ?? ''}" is already in use: ${error.message}. Choose another path.`,
    );
  }
}

async function serve(): Promise<void> {
  process.umask(0o077);
  const isDemo = process.argv[2] === 'demo';
  const settings = isDemo ? inThrowAwayFolder(readEnvironment()) : readEnvironment();
  requireSharedSecretKey(settings);
  const openFiles = openFilesLimit();
  const config = { ...settings, maxConnections: connectionsWithin(settings.maxConnections, openFiles) };
  const scripts = await loadScripts(trackerFolder);
  const store = await openStore({
    dataDir: config.dataDir,
    databases: config.databases,
    spoolMaxBytes: config.spoolMaxBytes,
    reportLimits: config.reportLimits,
    textLimits: config.textLimits,
    minFreeBytes: config.minFreeBytes,
    // If the state of the disk is unknown, only a new process, which reads it from the start, can continue. Files that are
    // gone are another matter: the last of their content may be what this process has open.
    onWarning: report,
    onBroken: (error) => (error instanceof FilesGone ? report(error) : fail(error)),
  });
  const secretBox = new SecretBox(config.secretKey ?? (await takeSecretKey(config.dataDir)));
  const assets = await loadAssets(assetsFolder);
  const demo = isDemo ? await makeDemo(store) : null;
  const setupToken = (await store.registry.hasAccounts()) ? null : newToken();
  let stopping = false;
  const app = await build({
    ...{ config, store, clock: systemClock, scripts, secretBox, assets, setupToken },
    stopping: () => stopping,
  });

  if (config.maxConnections < settings.maxConnections)
    app.log.warn(
      { max: config.maxConnections, wanted: settings.maxConnections, openFiles },
      'MAX_CONNECTIONS lowered to fit the open-file limit',
    );

  let endDemo = () => {};
  const stop = async (signal: string) => {
    if (stopping) process.exit(1);
    stopping = true;
    endDemo();
    await drain(app.server, config.shutdownDelayMs);
    setTimeout(
      () => fail(`shutdown timed out ${SHUTDOWN_DEADLINE_MS} ms after ${signal}; exiting`),
      SHUTDOWN_DEADLINE_MS,
    ).unref();
    setTimeout(() => app.server.closeAllConnections(), DRAIN_MS).unref();
    await app.close();
    await store.close();
    process.exit(0);
  };
  // A handler that failed no longer waits for its questions, which end when its response has been sent.
  process.on('unhandledRejection', (reason) => {
    if (!(reason instanceof ClientGone)) throw reason;
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      stop(signal).catch(fail);
    });
  }

  const address = await listen(app, config);
  process.stdout.write(welcome(address, config, setupToken));
  if (demo !== null) endDemo = showDemo(demo, address);
}

try {
  await serve();
} catch (error) {
  fail(error instanceof ConfigError ? `${error.message} (attractos --help lists the settings)` : error);
}
