import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, expect, test } from '@playwright/test';
import { programPath } from './support/browsers.ts';
import { faultsOf, LOOKS, strictContext } from './support/dashboard-browser.ts';

/** Every view of the dashboard with sample data, in a real browser. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const START_TIMEOUT_MS = 120_000;

test.describe.configure({ mode: 'serial' });

let browser: Browser;
let gallery: ChildProcess;
let address: string;

test.beforeAll(async () => {
  test.setTimeout(300_000);
  const { status } = spawnSync(process.execPath, ['server/build.mjs', '--gallery'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the gallery could not be built');
  gallery = spawn(process.execPath, ['dist/server/gallery/main.js'], {
    cwd: ROOT,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  address = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the gallery did not open')), START_TIMEOUT_MS);
    gallery.once('exit', (code) => reject(new Error(`the gallery closed with ${code}`)));
    gallery.stdout?.setEncoding('utf8').on('data', (text: string) => {
      clearTimeout(timer);
      resolve(/http:\/\/[\d.:]+/.exec(text)?.[0] ?? '');
    });
  });
  browser = await chromium.launch({ executablePath: programPath('chromium'), args: ['--no-sandbox'] });
});
test.afterAll(async () => {
  gallery?.kill();
  await browser?.close();
});

for (const { colorScheme, width } of LOOKS) {
  test(`every view passes the checks, ${colorScheme} at ${width} px @chromium`, async () => {
    test.setTimeout(600_000);
    const { context, complaints } = await strictContext(browser, address, {
      viewport: { width, height: 800 },
      colorScheme,
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    await page.goto('/');
    const views = await page.getByRole('link').allTextContents();
    expect(views.length).toBeGreaterThan(40);
    const found: string[] = [];
    for (const view of views) {
      await page.goto(`/${view}`);
      found.push(...(await faultsOf(page)).map((fault) => `${view}: ${fault}`));
    }
    expect(found).toEqual([]);
    // Live pages keep a connection open on which nothing arrives.
    expect(complaints.filter((complaint) => !complaint.includes('EventSource'))).toEqual([]);
    await context.close();
  });
}
