import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { systemClock } from './clock.ts';
import { loadScripts } from './collect/script.ts';
import { type Config, ConfigError, readConfig, withEnvFile } from './config.ts';
import { connectionsWithin } from './connections.ts';
import { loadAssets } from './dashboard/assets.ts';
import { type Demo, fillDemo } from './demo/fill.ts';
import { startPassersBy } from './demo/passers-by.ts';
import { Random } from './demo/random.ts';
import { readEnvFile } from './env-file.ts';
import { buildServer } from './server.ts';
import { openStore } from './store/open.ts';
import type { Store } from './store/store.ts';
import { newToken } from './tokens.ts';

/** The process: environment → configuration → store → server → listen, and on a signal the same way back. */

/** On a shutdown requests have this long to finish; then connections that still say nothing are cut. */
const DRAIN_MS = 4_000;
/** A shutdown that takes longer than this is ended. */
const SHUTDOWN_DEADLINE_MS = 10_000;

const trackerFolder = fileURLToPath(new URL('../../public', import.meta.url));
const assetsFolder = fileURLToPath(new URL('../../dashboard', import.meta.url));

function fail(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`attractos: ${message}\n`);
  process.exit(1);
}

function readEnvironment(): Config {
  return readConfig(withEnvFile(process.env, readEnvFile()));
}

/**
 * How many files and connections together this process may have open; null where the system has no such limit. To be asked
 * before there are connections: a report looks up the name of each one's other end.
 */
function openFilesLimit(): number | null {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  const limit = userLimits?.open_files?.soft;
  return typeof limit === 'number' ? limit : null;
}

/** A folder that goes with the process. */
function inThrowAwayFolder(config: Config): Config {
  const dataDir = mkdtempSync(join(tmpdir(), 'attractos-demo-'));
  process.on('exit', () => rmSync(dataDir, { recursive: true, force: true }));
  return { ...config, dataDir, databases: null };
}

/** The same traffic every time, up to now. */
const DEMO_SEED = 20260115;
const BAR_CHARS = 40;

async function makeDemo(store: Store): Promise<Demo> {
  let shown = -1;
  if (!process.stderr.isTTY) process.stderr.write('Making 90 days of traffic …\n');
  const made = await fillDemo(store, {
    nowMs: systemClock.now(),
    seed: DEMO_SEED,
    onProgress(share) {
      const done = Math.floor(share * BAR_CHARS);
      if (done === shown || !process.stderr.isTTY) return;
      shown = done;
      process.stderr.write(
        `\rMaking 90 days of traffic ${'█'.repeat(done).padEnd(BAR_CHARS, '░')} ${Math.floor(share * 100)} %`,
      );
    },
  });
  if (process.stderr.isTTY) process.stderr.write('\n');
  return made;
}

/** On average. */
const VIEW_EVERY_MS = 4_000;

/** Says what to sign in with, and lets people come by. @returns what ends it */
function showDemo({ email, password, sites: [site] }: Demo, address: string): () => void {
  process.stdout.write(`Sign in with  ${email}  ${password}\nEverything is gone when this stops.\n\n`);
  if (site === undefined) return () => {};
  return startPassersBy({
    collector: `${address}/e`,
    ...{ site, random: new Random(DEMO_SEED), pauseMs: VIEW_EVERY_MS },
    onError(error) {
      process.stderr.write(`attractos: nobody comes by any more: ${String(error)}\n`);
    },
  });
}

/** @param setupToken where there is no account yet */
function welcome(address: string, config: Config, setupToken: string | null): string {
  const url = config.publicUrl ?? address;
  const next =
    setupToken === null
      ? `Dashboard: ${url}/dashboard`
      : `Next: make the account that owns this installation. The link is good once, and until the server stops.
  ${url}/setup?token=${setupToken}`;
  return `
AttractOS is running at ${address}
Data folder: ${config.dataDir}

${next}

`;
}

/** The first file descriptor that systemd hands over: https://www.freedesktop.org/software/systemd/man/sd_listen_fds.html */
const FIRST_INHERITED_FD = 3;

/**
 * The listening socket that whoever started this process opened for it and keeps open across restarts, so that no connection
 * is refused in between: it comes before port and host.
 */
function inheritedSocket(): { fd?: number } {
  const { LISTEN_PID, LISTEN_FDS } = process.env;
  if (LISTEN_PID !== String(process.pid) || LISTEN_FDS === undefined) return {};
  if (LISTEN_FDS !== '1') throw new Error(`LISTEN_FDS is "${LISTEN_FDS}": there must be exactly one socket.`);
  return { fd: FIRST_INHERITED_FD };
}

/** Goes on accepting for a while, but answers each connection for the last time, so that clients look elsewhere. */
async function turnAway(server: Server, delayMs: number): Promise<void> {
  if (delayMs === 0) return;
  server.prependListener('request', (_request, response) => {
    response.shouldKeepAlive = false;
  });
  await sleep(delayMs);
}

type App = Awaited<ReturnType<typeof buildServer>>;

/** @throws ConfigError naming the settings, where nothing can listen as they say */
async function listen(app: App, { port, host }: Config): Promise<string> {
  const socket = inheritedSocket();
  try {
    return await app.listen({ port, host, ...socket });
  } catch (error) {
    if ('fd' in socket || !(error instanceof Error)) throw error;
    throw new ConfigError(`HOST is "${host}" and PORT ${port}, where nothing can listen: ${error.message}.`);
  }
}

/** @throws ConfigError where a path is to be served that is served anyway */
async function build(parts: Parameters<typeof buildServer>[0]): Promise<App> {
  try {
    return await buildServer(parts);
  } catch (error) {
    const { script, collect } = parts.config.paths;
    if (!(error instanceof Error && 'code' in error && error.code === 'FST_ERR_DUPLICATED_ROUTE'))
      throw error;
    throw new ConfigError(
      `SCRIPT_PATH is "${script}" and COLLECT_PATH "${collect ?? ''}", of which one is taken: ${error.message}.`,
    );
  }
}

async function serve(): Promise<void> {
  process.umask(0o077);
  const isDemo = process.argv[2] === 'demo';
  const settings = isDemo ? inThrowAwayFolder(readEnvironment()) : readEnvironment();
  const openFiles = openFilesLimit();
  const config = { ...settings, maxConnections: connectionsWithin(settings.maxConnections, openFiles) };
  const scripts = await loadScripts(trackerFolder);
  const store = await openStore({
    dataDir: config.dataDir,
    databases: config.databases,
    spoolMaxBytes: config.spoolMaxBytes,
    // Nobody knows what is on the disk now. A new process reads what is there and starts from that.
    onBroken: (error) => fail(error),
  });
  const assets = await loadAssets(assetsFolder);
  const demo = isDemo ? await makeDemo(store) : null;
  const setupToken = (await store.registry.hasAccounts()) ? null : newToken();
  let stopping = false;
  const app = await build({
    ...{ config, store, clock: systemClock, scripts, assets, setupToken },
    stopping: () => stopping,
  });

  if (config.maxConnections < settings.maxConnections)
    app.log.warn(
      { max: config.maxConnections, wanted: settings.maxConnections, openFiles },
      'fewer connections than MAX_CONNECTIONS may be open: the process may not open more files',
    );

  let endDemo = () => {};
  const stop = async (signal: string) => {
    if (stopping) process.exit(1);
    stopping = true;
    endDemo();
    await turnAway(app.server, config.shutdownDelayMs);
    setTimeout(
      () =>
        fail(`still not stopped ${SHUTDOWN_DEADLINE_MS} ms after the last request was let in (${signal})`),
      SHUTDOWN_DEADLINE_MS,
    ).unref();
    setTimeout(() => app.server.closeAllConnections(), DRAIN_MS).unref();
    await app.close();
    await store.close();
    process.exit(0);
  };
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
