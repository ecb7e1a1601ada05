import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, expect, test } from '@playwright/test';
import { snippetsFor, trackerFrom } from '../../server/src/dashboard/install/snippets.ts';
import { programPath } from '../support/browsers.ts';
import { chromiumUserAgent } from '../support/playwright-engine.ts';
import { command, newDataDir, Server } from '../support/server.ts';
import { APPS, type App, FIRST_PAGE, LINK, SECOND_PAGE } from './apps.ts';

/** Sites as their owners build them, with the snippets of the install page. */

const execute = promisify(execFile);
const ENVIRONMENT = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', ASTRO_TELEMETRY_DISABLED: '1' };
const OUTPUT_MAX_BYTES = 64 * 1024 ** 2;

/** Writes, installs and builds a site. @returns the seconds that each step took */
async function buildApp({ packages, files, build }: App, folder: string, snippet: string): Promise<string> {
  const project = { private: true, type: 'module', dependencies: packages };
  for (const [path, text] of Object.entries({
    'package.json': JSON.stringify(project),
    ...files(snippet),
  })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const options = { cwd: folder, env: ENVIRONMENT, maxBuffer: OUTPUT_MAX_BYTES };
  const startedAt = Date.now();
  await execute('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], options);
  const installedAt = Date.now();
  await execute(process.execPath, [...build], options);
  const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;
  return `installed in ${seconds(installedAt - startedAt)}, built in ${seconds(Date.now() - installedAt)}`;
}

/** Returns a port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Serves a built site at `localhost`. */
async function serveApp(app: App, folder: string): Promise<{ address: string; stop(): void }> {
  const port = await freePort();
  const address = `http://localhost:${port}`;
  const child: ChildProcess = spawn(process.execPath, [...app.serve(port)], {
    cwd: folder,
    env: { ...ENVIRONMENT, PORT: `${port}` },
    stdio: ['ignore', 'ignore', 'inherit'],
    // A process group, because some servers start others.
    detached: true,
  });
  const stop = () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  process.once('exit', stop);
  const status = () => fetch(address).then(({ status }) => status, String);
  await expect.poll(status).toBe(200);
  return {
    address,
    stop() {
      process.off('exit', stop);
      stop();
    },
  };
}

for (const app of APPS) {
  test(`the snippet for ${app.platform} counts the views of a real site`, async () => {
    const folder = mkdtempSync(join(tmpdir(), `attractos-${app.platform}-`));
    const server = new Server(newDataDir());
    try {
      const email = 'ada@example.com';
      await command(server.dataDir, 'account', 'add', '--email', email);
      const site = await command<{ id: string; key: string }>(
        ...([server.dataDir, 'site', 'add', '--account', email, '--domain', 'localhost'] as const),
      );
      const { key } = await command<{ key: string }>(
        ...([server.dataDir, 'key', 'add', '--account', email, '--name', 'test'] as const),
      );
      await server.start();
      const views = async () => {
        const response = await fetch(`${server.address}/api/v1/sites/${site.id}/breakdown?by=page`, {
          headers: { authorization: `Bearer ${key}` },
        });
        const { breakdown } = (await response.json()) as {
          breakdown: { value: string; pageviews: number }[];
        };
        return Object.fromEntries(breakdown.map(({ value, pageviews }) => [value, pageviews]));
      };

      const snippets = snippetsFor({
        baseUrl: server.address,
        siteKey: site.key,
        tracker: trackerFrom([], { script: null, collect: null }),
        choice: { build: 'core', attributes: [] },
      });
      const snippet = snippets.find(({ id }) => id === app.platform)?.code ?? '';
      const took = await buildApp(app, folder, snippet);
      process.stdout.write(`${app.platform}: ${took}\n`);

      const served = await serveApp(app, folder);
      const browser = await chromium.launch({
        executablePath: programPath('chromium'),
        args: ['--no-sandbox'],
      });
      try {
        const context = await browser.newContext({ userAgent: chromiumUserAgent(browser.version()) });
        await context.addInitScript(() =>
          Object.defineProperty(Navigator.prototype, 'webdriver', { get: () => false }),
        );
        const page = await context.newPage();
        await page.goto(served.address);
        await expect(page.getByRole('heading')).toHaveText(FIRST_PAGE);
        await expect.poll(views).toEqual({ '/': 1 });
        await page.evaluate(() => Object.assign(window, { isSameDocument: true }));
        await page.getByRole('link', { name: LINK }).click();
        await expect(page.getByRole('heading')).toHaveText(SECOND_PAGE);
        expect(await page.evaluate(() => 'isSameDocument' in window)).toBe(true);
        await expect.poll(views).toEqual({ '/': 1, '/second': 1 });
      } finally {
        await browser.close();
        served.stop();
      }
    } finally {
      await server.discard();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  });
}
